"""A text of several statements → its statements, cut at semicolons."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.errors import Position
from mvengine.sql.limits import check_brackets, check_chains, check_length
from mvengine.sql.tokens import Token, Unterminated, position_at, tokenize


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

    Errors: ``ParseError`` where the text cannot be divided into tokens, or a bracket has no partner; ``TooComplex``.
    """
    pieces: list[Piece] = []
    check_length(text)
    first, tokens = 0, tokenize(text)
    for index, token in enumerate(tokens):
        if token.word == ";":
            if index > first:
                pieces.append(Piece(source=text, tokens=tuple(tokens[first:index])))
            first = index + 1
    if first < len(tokens):
        pieces.append(Piece(source=text, tokens=tuple(tokens[first:])))
    for piece in pieces:
        check_brackets(piece.tokens, piece.position)
        check_chains(piece.tokens, piece.position)
    return pieces


def is_complete(text: str) -> bool:
    """Whether a shell may run the text: it ends with a semicolon outside strings and comments.

    Other lexical errors than an open quote or comment raise ``ParseError``: more text cannot mend them.
    """
    try:
        tokens = tokenize(text)
    except Unterminated:
        return False
    return bool(tokens) and tokens[-1].word == ";"
