"""A text of several statements → its statements, cut at semicolons."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.errors import ParseError, Position
from mvengine.sql.tokens import Token, Unterminated, position_at, tokenize

_PARTNERS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_PARTNERS.values())


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One statement in a text: its tokens (never none), with offsets in the whole text ``source``."""

    source: str
    tokens: tuple[Token, ...]

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    @property
    def text(self) -> str:
        """From the first token to the last, comments between them included."""
        return self.source[self.start : self.end]

    def span(self, first: int, after: int) -> str:
        """The text from token ``first`` up to, not including, token ``after``; empty where there is none."""
        if first >= after:
            return ""
        return self.source[self.tokens[first].start : self.tokens[after - 1].end]

    def tail(self, first: int) -> Piece:
        """The statement that begins at token ``first``."""
        return Piece(source=self.source, tokens=self.tokens[first:])

    def position(self, index: int) -> Position:
        """Where the token stands in the source; past the last token, where the statement ends."""
        return position_at(self.source, self.tokens[index].start if index < len(self.tokens) else self.end)


def split(text: str) -> list[Piece]:
    """The statements of a text, without their semicolons; empty ones and comments alone are nothing.

    Errors: ``ParseError`` where the text cannot be divided into tokens, or a bracket has no partner.
    """
    pieces: list[Piece] = []
    first, tokens = 0, tokenize(text)
    for index, token in enumerate(tokens):
        if token.word == ";":
            if index > first:
                pieces.append(Piece(source=text, tokens=tuple(tokens[first:index])))
            first = index + 1
    if first < len(tokens):
        pieces.append(Piece(source=text, tokens=tuple(tokens[first:])))
    for piece in pieces:
        _check_brackets(piece)
    return pieces


def _check_brackets(piece: Piece) -> None:
    """Every bracket needs its partner. DuckDB takes exponential time and memory to find out that one is missing."""
    opened: list[int] = []
    for index, token in enumerate(piece.tokens):
        if token.word in _PARTNERS:
            opened.append(index)
        elif token.word in _CLOSING and token.word != (_PARTNERS[piece.tokens[opened.pop()].word] if opened else ""):
            raise ParseError(
                f'syntax error at "{token.word}": it closes nothing',
                position=piece.position(index),
                hint="check the brackets before it",
            )
    if opened:
        mark = piece.tokens[opened[-1]].word
        raise ParseError(
            f"syntax error at end of statement: expected '{_PARTNERS[mark]}' for this '{mark}'",
            position=piece.position(opened[-1]),
            hint="close the bracket",
        )


def is_complete(text: str) -> bool:
    """Whether a shell may run the text: it ends with a semicolon outside strings and comments.

    Other lexical errors than an open quote or comment raise ``ParseError``: more text cannot mend them.
    """
    try:
        tokens = tokenize(text)
    except Unterminated:
        return False
    return bool(tokens) and tokens[-1].word == ";"
