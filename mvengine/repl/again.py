"""Commands that run the latest statement again, or change it."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from mvengine.errors import OperationalError, ProgrammingError
from mvengine.repl.arguments import words

if TYPE_CHECKING:
    from mvengine.repl.shell import Shell

WATCH_SECONDS = 2.0
WATCH_SECONDS_MAX = 86_400.0


def go(shell: Shell, argument: str) -> bool:
    """Runs it."""
    del argument
    shell.execute(_latest(shell))
    return True


def go_expanded(shell: Shell, argument: str) -> bool:
    """Runs it; its result has a line for each value."""
    del argument
    shell.execute(_latest(shell), is_expanded=True)
    return True


def watch(shell: Shell, argument: str) -> bool:
    """Runs it again and again: ``SECONDS`` from the end of one to the beginning of the next, ``TIMES`` if that is said.

    Ctrl-C ends it, and so does an error.
    """
    found = words(argument)
    try:
        seconds = float(found[0]) if found else WATCH_SECONDS
        times = int(found[1]) if len(found) > 1 else None
    except ValueError:
        seconds, times = -1.0, None
    if not 0 <= seconds <= WATCH_SECONDS_MAX or len(found) > 2 or (times is not None and times < 1):
        raise ProgrammingError("\\watch has SECONDS and TIMES", code="42601", hint="write \\watch 2 or \\watch 0.5 10")
    statement = _latest(shell)
    try:
        for turn in count(1):
            if shell.is_interactive:
                shell.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} (every {seconds:g} s; Ctrl-C ends)")
            shell.execute(statement)
            shell.flush()
            if turn == times:
                return True
            time.sleep(seconds)
    except KeyboardInterrupt:
        shell.write("")  # the prompt begins a line of its own, behind ^C
    return True


def edit(shell: Shell, argument: str) -> bool:
    """Opens the latest statement, or a file, in the editor; what was saved stands at the next prompt."""
    if not shell.is_interactive:
        raise ProgrammingError("\\e needs a prompt", code="42601", hint="use it in the shell, not in a script")
    found = words(argument)
    if found:
        shell.draft = _edited(Path(found[0]).expanduser())
        return True
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "statement.sql"
        path.write_text(f"{shell.last};\n" if shell.last else "", encoding="utf-8")
        shell.draft = _edited(path)
    return True


def _edited(path: Path) -> str:
    """The text of a file after the editor has closed. Raises ``OperationalError``."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    try:
        code = subprocess.run([*command, str(path)], check=False).returncode
        if code:
            raise OperationalError(f"the editor {command[0]} ended with code {code}", hint="nothing was changed")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OperationalError(
            f"cannot run {command[0]}: {error.strerror}", code="58030", hint="set EDITOR to the editor to use"
        ) from error


def _latest(shell: Shell) -> str:
    if not shell.last:
        raise ProgrammingError("there is no statement to run again", code="42601", hint="write one before it")
    return shell.last
