"""An error as the command line shows it: code, message, the offending line with a caret, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mvengine.errors import Error, InternalError, Position

if TYPE_CHECKING:
    from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # one character stays one, for the caret
LINE_WIDTH = 110  # cells of the offending line, with its number, where the screen does not say it
ROOM_MIN = 20  # of the line itself


def describe(
    error: Error, *, statement: str = "", origin: str = "", first_line: int = 1, width: int = LINE_WIDTH
) -> str:
    """The lines for standard error.

    ``statement`` is the text that failed; it began on line ``first_line`` of ``origin``, a file's name or empty. Of its
    offending line ``width`` cells are shown, around the position.
    """
    lines = [f"ERROR {error.code}: {error.message}"]
    if error.position is not None:
        lines += _caret(error.position, statement, origin, first_line, width)
    elif origin:
        lines.append(f"in {origin}, statement that begins on line {first_line}")
    if error.hint:
        lines.append(f"HINT: {error.hint}")
    return "\n".join(lines)


def painted(description: str) -> Text:
    """The lines of ``describe`` in colours."""
    from rich.text import Text

    text = Text(description)
    text.highlight_regex(r"(?m)^ERROR \w{5}:", style="bold red")
    text.highlight_regex(r"(?m)^ *\^$", style="bold red")
    text.highlight_regex(r"(?m)^LINE \d+:", style="dim")
    text.highlight_regex(r"(?m)^HINT:.*", style="cyan")
    return text


def unexpected(error: Exception) -> Error:
    """What is shown for an exception that is not mvengine's: a bug."""
    return InternalError(f"{type(error).__name__}: {error}", hint="run with --debug to see where it comes from")


def _caret(position: Position, statement: str, origin: str, first_line: int, width: int) -> list[str]:
    """``LINE 3: SELECT frm t`` and below it the caret under the position."""
    from rich.cells import cell_len, set_cell_size

    lines = statement.split("\n")
    if not 1 <= position.line <= len(lines):
        return []
    number = first_line + position.line - 1
    above = [f"in {origin}:"] if len(origin) > width // 2 and width < LINE_WIDTH else []
    label = f"{origin}:{number}: " if origin and not above else f"LINE {number}: "
    room = max(ROOM_MIN, width - len(label))
    text = _CONTROL.sub("?", lines[position.line - 1].replace("\t", " ").rstrip("\r"))
    column = min(position.column - 1, len(text))
    start = max(0, column - room // 2) if cell_len(text) > room else 0
    shown = set_cell_size(text[start:], room).rstrip()
    return [*above, label + shown, " " * cell_len(label + text[start:column]) + "^"]
