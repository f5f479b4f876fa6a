"""Text in pieces: SQL statements, and the commands of the shell between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mvengine.errors import ParseError
from mvengine.sql.tokens import Token, Unterminated, scan

LEAVING = frozenset({"quit", "exit"})  # are said without a dot, too, at the prompt


@dataclass(frozen=True, kw_only=True)
class Piece:
    r"""A statement, or a command, as it stands in its script from line ``line`` (from 1) on.

    ``is_closed``: more text does not belong to it. ``ending`` is what ends a statement: a semicolon, or a backslash
    command in its place, ``\gx`` or ``\watch 2``.
    """

    text: str
    line: int
    is_command: bool
    is_closed: bool
    ending: str = ""


def pieces(script: str) -> Iterator[Piece]:
    """The pieces of a script in order.

    Where no statement is open, a line that begins with a dot and a backslash anywhere begin a command that goes to the
    end of the line. Text that cannot be divided (a quote is open) is one piece: running it says what is wrong.
    """
    at, line = 0, 1
    while (span := _next(script, at)) is not None:
        line += script.count("\n", at, span.start)
        yield Piece(
            text=script[span.start : span.end].strip(),
            line=line,
            is_command=span.is_command,
            is_closed=span.is_closed,
            ending=script[span.end : span.after].strip(),
        )
        line += script.count("\n", span.start, span.after)
        at = span.after


def is_ready(text: str) -> bool:
    """Whether Enter runs what stands at the prompt: nothing, commands, closed statements, or what never can be run."""
    if text.strip().lower() in LEAVING:
        return True
    *_, last = (None, *pieces(text))
    return last is None or last.is_closed


class _Span(NamedTuple):
    """Offsets of a piece, and where the next one may begin. What stands between is a semicolon or an ending."""

    start: int
    end: int
    after: int
    is_command: bool = False
    is_closed: bool = True


def _next(script: str, at: int) -> _Span | None:
    """The piece that begins at an offset or later."""
    start, end = -1, -1  # of the statement that is open
    try:
        for token in scan(script, at):
            if start < 0 and _is_command(script, token):
                line_end = _end_of_line(script, token.start)
                return _Span(token.start, line_end, line_end, is_command=True)
            if token.word == ";":
                if start >= 0:
                    return _Span(start, end, token.end)
            elif token.word == "\\":
                return _Span(start, end, _end_of_line(script, token.start))
            else:
                start, end = start if start >= 0 else token.start, token.end
    except ParseError as error:
        begin = start if start >= 0 else at
        return _Span(begin, len(script), len(script), is_closed=not isinstance(error, Unterminated))
    return _Span(start, end, len(script), is_closed=False) if start >= 0 else None


def _is_command(script: str, token: Token) -> bool:
    if token.word == "\\":
        return True
    return token.word == "." and (token.start == 0 or script[token.start - 1] == "\n")


def _end_of_line(script: str, at: int) -> int:
    end = script.find("\n", at)
    return len(script) if end < 0 else end
