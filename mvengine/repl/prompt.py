"""The prompt: history, several lines until a semicolon, colours, completion. Ctrl-C clears the line, Ctrl-D leaves."""

from __future__ import annotations

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import completion_is_selected, has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer, PygmentsLexer
from prompt_toolkit.shortcuts import CompleteStyle
from pygments.filters import NameHighlightFilter
from pygments.lexers.sql import PostgresLexer
from pygments.token import Keyword

from mvengine.repl.commands import Quit
from mvengine.repl.complete import ShellCompleter
from mvengine.repl.display import Keys
from mvengine.repl.names import OUR_WORDS, Names
from mvengine.repl.script import LEAVING, is_ready
from mvengine.repl.shell import Shell
from mvengine.repl.startup import history_file

PROMPT = "mvengine> "


def interact(shell: Shell) -> None:
    """Read, run and print until the user leaves. An error is printed and the prompt comes back."""
    names = Names(shell)
    session: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation="...> ".rjust(len(PROMPT)),
        history=_history(shell),
        lexer=_lexer(),
        completer=ShellCompleter(names),
        complete_while_typing=False,
        complete_style=CompleteStyle.MULTI_COLUMN,
        enable_history_search=False,
        auto_suggest=AutoSuggestFromHistory(),
        key_bindings=_bindings(),
        enable_open_in_editor=True,
    )
    shell.output.is_paged = True
    while True:
        session.editing_mode = EditingMode.VI if shell.display.keys is Keys.VI else EditingMode.EMACS
        draft, shell.draft = shell.draft, ""
        try:
            text = session.prompt(default=draft)
            if text.strip().rstrip(";").lower() in LEAVING:
                return
            shell.run(text)
            shell.flush()
        except KeyboardInterrupt:
            continue
        except (EOFError, Quit):
            return
        finally:
            names.forget()


def _history(shell: Shell) -> History:
    path = history_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        shell.err.out(f"the history is not kept: {path}: {error.strerror}", highlight=False)
        return InMemoryHistory()
    return FileHistory(str(path))


def _lexer() -> Lexer:
    lexer = PygmentsLexer(PostgresLexer)
    words = [*OUR_WORDS, *map(str.upper, OUR_WORDS)]
    lexer.pygments_lexer.add_filter(NameHighlightFilter(names=words, tokentype=Keyword))
    return lexer


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter", filter=has_focus(DEFAULT_BUFFER) & completion_is_selected)
    def take_completion(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @bindings.add("enter", filter=has_focus(DEFAULT_BUFFER) & ~completion_is_selected)
    def run_or_continue(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_ready(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return bindings
