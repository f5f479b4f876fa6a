"""Commands that change how results are shown."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from mvengine.repl.arguments import choice, number, switch, words
from mvengine.repl.display import Keys, PagerUse
from mvengine.repl.formats import FORMATS

if TYPE_CHECKING:
    from mvengine.repl.shell import Shell


def mode(shell: Shell, argument: str) -> bool:
    """``.mode csv``; ``auto`` is the one that fits the place; without a name, says which it is."""
    if not argument:
        shell.write(shell.display.mode or "auto")
        return True
    found = choice(argument, ("auto", *FORMATS), command=".mode")
    shell.display.mode = None if found == "auto" else found
    return True


def expanded(shell: Shell, argument: str) -> bool:
    """A line for each value, or the mode again."""
    shell.display.is_expanded = switch(argument, shell.display.is_expanded, command="\\x")
    _say(shell, f"a line for each value: {_on_off(shell.display.is_expanded)}")
    return True


def timer(shell: Shell, argument: str) -> bool:
    """Whether the seconds of a statement are said."""
    shell.display.is_timed = switch(argument, shell.display.is_timed, command=".timer")
    _say(shell, f"timer: {_on_off(shell.display.is_timed)}")
    return True


def headers(shell: Shell, argument: str) -> bool:
    """Whether the names of columns are written."""
    shell.display.has_header = switch(argument, shell.display.has_header, command=".headers")
    return True


def null_value(shell: Shell, argument: str) -> bool:
    """What stands for NULL; without it, what the mode has for it."""
    shell.display.null = " ".join(words(argument)) if argument else None
    return True


def rows_max(shell: Shell, argument: str) -> bool:
    """How many rows are drawn on the screen."""
    shell.display.rows_max = number(argument, command=".maxrows")
    return True


def width_max(shell: Shell, argument: str) -> bool:
    """How wide a box on the screen is."""
    shell.display.width_max = number(argument, command=".maxwidth")
    return True


def pager(shell: Shell, argument: str) -> bool:
    """When a pager is used."""
    shell.display.pager = PagerUse(choice(argument, tuple(PagerUse), command=".pager"))
    return True


def keys(shell: Shell, argument: str) -> bool:
    """How the line is edited."""
    shell.display.keys = Keys(choice(argument, tuple(Keys), command=".keys"))
    return True


def progress(shell: Shell, argument: str) -> bool:
    """Whether bars are drawn for what takes long."""
    shell.display.has_progress = switch(argument, shell.display.has_progress, command=".progress")
    return True


def bail(shell: Shell, argument: str) -> bool:
    """Whether a script ends at its first error."""
    shell.display.goes_on = not switch(argument, not shell.display.goes_on, command=".bail")
    return True


def show(shell: Shell, argument: str) -> bool:
    """All of these settings."""
    del argument
    for field in fields(shell.display):
        value = getattr(shell.display, field.name)
        text = "auto" if value is None else _on_off(value) if isinstance(value, bool) else str(value)
        shell.write(f"{_LABELS[field.name]:>9}: {text}")
    return True


_LABELS = {
    "mode": "mode",
    "is_expanded": "\\x",
    "null": "nullvalue",
    "has_header": "headers",
    "rows_max": "maxrows",
    "width_max": "maxwidth",
    "pager": "pager",
    "is_timed": "timer",
    "keys": "keys",
    "has_progress": "progress",
    "goes_on": "go on",
}


def _say(shell: Shell, text: str) -> None:
    """A word on what has changed, to whoever sits before the screen."""
    if shell.is_interactive:
        shell.write(text)


def _on_off(is_on: bool) -> str:
    return "on" if is_on else "off"
