"""Text in pieces: SQL statements, and dot commands on lines of their own between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mvengine.errors import ParseError
from mvengine.sql.split import is_complete, split

_DOT_LINE = re.compile(r"^\.[a-z].*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A statement, or a dot command, as it stands in its script from line ``line`` (from 1) on."""

    text: str
    line: int
    is_command: bool


def pieces(script: str) -> Iterator[Piece]:
    """The pieces of a script in order. A line that begins with a dot is a command where no statement is open.

    Text that cannot be divided (a quote is open) is one piece: running it says what is wrong.
    """
    start = 0
    for match in _DOT_LINE.finditer(script):
        if _is_closed(script[start : match.start()]):
            yield from _statements(script, start, match.start())
            yield Piece(text=match[0].strip(), line=_line(script, match.start()), is_command=True)
            start = match.end()
    yield from _statements(script, start, len(script))


def is_ready(text: str) -> bool:
    """Whether Enter runs what stands at the prompt: nothing, a dot command, complete SQL, or what never can be."""
    try:
        return not text.strip() or text.startswith(".") or is_complete(text)
    except ParseError:
        return True


def _is_closed(text: str) -> bool:
    try:
        return is_complete(text) or not split(text)
    except ParseError:
        return False


def _statements(script: str, start: int, end: int) -> Iterator[Piece]:
    text = script[start:end]
    try:
        found = split(text)
    except ParseError:
        yield Piece(text=text, line=_line(script, start), is_command=False)
        return
    for statement in found:
        yield Piece(text=statement.text, line=_line(script, start + statement.start), is_command=False)


def _line(script: str, offset: int) -> int:
    return script.count("\n", 0, offset) + 1
