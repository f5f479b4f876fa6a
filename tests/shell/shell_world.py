"""A shell that writes into memory."""

from __future__ import annotations

import io

from rich.console import Console

import mvengine
from mvengine.repl.shell import Shell


def make_shell(
    connection: mvengine.Connection, *, is_terminal: bool, width: int = 80, height: int = 60, color: str | None = None
) -> Shell:
    """A shell on a screen of this size, which has no colours but where ``color`` is ``truecolor`` or the like."""
    out = Console(
        file=io.StringIO(),
        width=width,
        height=height,
        force_terminal=is_terminal,
        color_system=color,  # type: ignore[arg-type]  # a name
    )
    return Shell(connection=connection, out=out, err=Console(file=io.StringIO(), width=80), is_debug=False)


def out(shell: Shell) -> str:
    """What was printed."""
    assert isinstance(shell.out.file, io.StringIO)
    return shell.out.file.getvalue()


def err(shell: Shell) -> str:
    """What went wrong."""
    assert isinstance(shell.err.file, io.StringIO)
    return shell.err.file.getvalue()
