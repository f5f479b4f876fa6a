"""The prompt: history, several lines until a semicolon, highlighting. Ctrl-C clears the line, Ctrl-D leaves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer, PygmentsLexer
from pygments.filters import NameHighlightFilter
from pygments.lexers.sql import PostgresLexer
from pygments.token import Keyword

from mvengine.repl.commands import Quit
from mvengine.repl.script import is_ready
from mvengine.repl.shell import Shell

PROMPT = "mvengine> "
OUR_WORDS = ("refreshable", "refresh", "materialized", "encode", "plain", "format")  # beside PostgreSQL's


def interact(shell: Shell) -> None:
    """Read, run and print until the user leaves. An error is printed and the prompt comes back."""
    session: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation="...> ".rjust(len(PROMPT)),
        history=_history(shell),
        lexer=_lexer(),
        key_bindings=_bindings(),
    )
    while True:
        try:
            text = session.prompt()
            if text.strip().rstrip(";").lower() in ("quit", "exit"):
                return
            shell.run(text)
        except KeyboardInterrupt:
            continue
        except (EOFError, Quit):
            return


def history_file() -> Path:
    """Where the history is kept: the user's state directory (XDG; on Windows the local application data)."""
    if sys.platform == "win32":
        state = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "mvengine" / "history"


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

    @bindings.add("enter", filter=has_focus(DEFAULT_BUFFER))
    def run_or_continue(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_ready(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return bindings
