"""``?`` → ``$1``, ``$2``, …: so that the spans of a statement can be used apart from each other."""

from __future__ import annotations

from mvengine.sql.split import Piece
from mvengine.sql.tokens import tokenize


def number_placeholders(piece: Piece) -> Piece:
    """The statement with its ``?`` numbered from left to right; ``?3`` becomes ``$3``. All else stays as it is."""
    if not any(token.kind == "placeholder" for token in piece.tokens):
        return piece
    parts, done, count = list[str](), piece.start, 0
    for index, token in enumerate(piece.tokens):
        if token.kind != "placeholder":
            continue
        following = piece.tokens[index + 1] if index + 1 < len(piece.tokens) else None
        is_numbered = following is not None and following.kind == "number" and following.start == token.end
        count += not is_numbered
        parts += [piece.source[done : token.start], "$" if is_numbered else f"${count}"]
        done = token.end
    text = "".join(parts) + piece.source[done : piece.end]
    return Piece(source=text, tokens=tuple(tokenize(text)))
