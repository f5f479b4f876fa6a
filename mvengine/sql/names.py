"""Names in a run of tokens."""

from __future__ import annotations

from mvengine.sql.split import Piece
from mvengine.sql.statements import RelationRef
from mvengine.sql.tokens import identifier, word_at

NAME_KINDS = frozenset({"word", "quoted", "string"})


def read_name(piece: Piece, index: int) -> tuple[RelationRef | None, int]:
    """The possibly qualified name at an index, and the index after it; None where there is none."""
    tokens, parts = piece.tokens, list[str]()
    after = index
    while after < len(tokens) and tokens[after].kind in NAME_KINDS:
        parts.append(identifier(tokens[after]))
        after += 1
        if word_at(tokens, after) != ".":
            break
        after += 1
    if not parts:
        return None, index
    catalog, schema, name = (None, None, *parts)[-3:]
    return RelationRef(catalog=catalog, schema=schema, name=str(name)), after


def read_columns(piece: Piece, index: int) -> tuple[tuple[str, ...], int]:
    """The column list ``(a, b)`` at an index, and the index after it; ``()`` where a query or nothing stands there."""
    tokens, columns, after = piece.tokens, list[str](), index
    if word_at(tokens, index) != "(":
        return (), index
    while word_at(tokens, after) in ("(", ",") and after + 1 < len(tokens) and tokens[after + 1].kind in NAME_KINDS:
        columns.append(identifier(tokens[after + 1]))
        after += 2
    if word_at(tokens, after) == "," and word_at(tokens, after + 1) == ")":  # DuckDB allows a comma at the end
        after += 1
    return (tuple(columns), after + 1) if columns and word_at(tokens, after) == ")" else ((), index)
