"""Names in a run of tokens."""

from __future__ import annotations

from mvengine.errors import ParseError
from mvengine.sql.split import Piece, split
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


def parse_name(text: str) -> RelationRef:
    """The relation that a text names, as it would stand in a statement: ``orders``, ``"my schema".orders``.

    Errors: ``ParseError``.
    """
    pieces = split(text)
    name, after = read_name(pieces[0], 0) if len(pieces) == 1 else (None, 0)
    if name is None or after != len(pieces[0].tokens) or after > 5:  # three names and two dots
        raise ParseError(f"not the name of a relation: {text!r}", hint='write [[catalog.]schema.]name, or "My Name"')
    return name


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
