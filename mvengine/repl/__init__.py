"""The shell: text in pieces, results as tables, errors with a caret, dot commands, the prompt."""
