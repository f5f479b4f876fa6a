"""``ALTER TABLE``: what it changes about a table. The text itself is DuckDB's; only CASCADE behind a type is ours."""

from __future__ import annotations

from dataclasses import replace

from mvengine.sql.ddl import read_ddl, skip_condition
from mvengine.sql.names import NAME_KINDS, read_name
from mvengine.sql.split import Piece, split
from mvengine.sql.statements import Alteration, AlterationKind, AlterTable
from mvengine.sql.tokens import identifier, top_level, word_at

_COLUMN_RULES = frozenset({"DEFAULT", "NOT"})
_CONSTRAINTS = frozenset({"PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "CONSTRAINT"})
_END_OF_TYPE = frozenset({"USING", "COLLATE"})
_END_OF_ADDED_TYPE = frozenset({"DEFAULT", "NOT", "NULL", "CHECK", "COLLATE", "PRIMARY", "UNIQUE", "REFERENCES"})


def actions_of(piece: Piece) -> list[Piece]:
    """``ALTER TABLE t a, b`` as ``ALTER TABLE t a`` and ``ALTER TABLE t b``; of another statement, nothing."""
    tokens = piece.tokens
    if (word_at(tokens, 0), word_at(tokens, 1)) != ("ALTER", "TABLE"):
        return []
    _, after = read_name(piece, skip_condition(piece, 2))
    commas = [index for index in top_level(tokens) if index > after and word_at(tokens, index) == ","]
    if not commas:
        return []
    head = piece.span(0, after)
    ends = zip([after, *(comma + 1 for comma in commas)], [*commas, len(tokens)], strict=True)
    return [part for first, end in ends for part in split(f"{head} {piece.span(first, end)}")]


def read_alter_table(piece: Piece) -> AlterTable | None:
    """The statement; None where it is no ALTER TABLE. RENAME TO is a ``Move``."""
    tokens = piece.tokens
    if (word_at(tokens, 0), word_at(tokens, 1)) != ("ALTER", "TABLE"):
        return None
    if_exists = (word_at(tokens, 2), word_at(tokens, 3)) == ("IF", "EXISTS")
    table, after = read_name(piece, 4 if if_exists else 2)
    if table is None:
        return None
    cascade = word_at(tokens, len(tokens) - 1) == "CASCADE"
    behaviour = cascade or word_at(tokens, len(tokens) - 1) == "RESTRICT"
    body = replace(piece, tokens=tokens[:-1]) if behaviour and len(tokens) > after + 1 else piece
    return AlterTable(
        table=table,
        if_exists=if_exists,
        alteration=_alteration(body, after),
        cascade=cascade,
        native=read_ddl(body, "ALTER"),
    )


def _alteration(piece: Piece, index: int) -> Alteration:
    tokens = piece.tokens
    verb, word = word_at(tokens, index), word_at(tokens, index + 1)
    match verb:
        case "ADD" if word not in _CONSTRAINTS:
            return _add(piece, index + 2 if word == "COLUMN" else index + 1)
        case "DROP" if word not in ("CONSTRAINT", "PRIMARY"):
            return _drop(piece, index + 2 if word == "COLUMN" else index + 1)
        case "RENAME":
            return _rename(piece, index + 1)
        case "ALTER":
            return _alter_column(piece, index + 2 if word == "COLUMN" else index + 1)
    return Alteration(kind=AlterationKind.OTHER)


def _add(piece: Piece, index: int) -> Alteration:
    tokens = piece.tokens
    is_conditional = word_at(tokens, index) == "IF"
    index += 3 if is_conditional else 0
    path, after = _path(piece, index)
    if len(path) != 1:
        return _nested(path)
    end = next((i for i in range(after, len(tokens)) if word_at(tokens, i) in _END_OF_ADDED_TYPE), len(tokens))
    return Alteration(
        kind=AlterationKind.ADD_COLUMN,
        column=path[0],
        type=piece.span(after, end),
        constraints=piece.span(end, len(tokens)),
        is_conditional=is_conditional,
    )


def _drop(piece: Piece, index: int) -> Alteration:
    is_conditional = word_at(piece.tokens, index) == "IF"
    path, _ = _path(piece, index + 2 if is_conditional else index)
    if len(path) != 1:
        return _nested(path)
    return Alteration(kind=AlterationKind.DROP_COLUMN, column=path[0], is_conditional=is_conditional)


def _rename(piece: Piece, index: int) -> Alteration:
    tokens = piece.tokens
    path, after = _path(piece, index + 1 if word_at(tokens, index) == "COLUMN" else index)
    new, _ = _path(piece, after + 1)
    if len(path) != 1 or not new:
        return _nested(path)
    return Alteration(kind=AlterationKind.RENAME_COLUMN, column=path[0], new_name=new[-1])


def _alter_column(piece: Piece, index: int) -> Alteration:
    tokens = piece.tokens
    path, after = _path(piece, index)
    words = [word_at(tokens, after + i) for i in range(3)]
    if words[0] in ("SET", "DROP") and words[1] in _COLUMN_RULES:
        return Alteration(kind=AlterationKind.COLUMN_RULE, column=path[0] if path else "")
    begin = after + (1 if words[0] == "TYPE" else 3)
    end = next((i for i in range(begin, len(tokens)) if word_at(tokens, i) in _END_OF_TYPE), len(tokens))
    if len(path) != 1 or "TYPE" not in words:
        return _nested(path)
    using = piece.span(end + 1, len(tokens)) if word_at(tokens, end) == "USING" else ""
    return Alteration(kind=AlterationKind.CHANGE_TYPE, column=path[0], type=piece.span(begin, end), using=using)


def _nested(path: tuple[str, ...]) -> Alteration:
    """A field of a STRUCT, say: the column's type changes."""
    if not path:
        return Alteration(kind=AlterationKind.OTHER)
    return Alteration(kind=AlterationKind.CHANGE_TYPE, column=path[0], is_nested=True)


def _path(piece: Piece, index: int) -> tuple[tuple[str, ...], int]:
    """The name, with fields behind dots, at an index, and the index after it."""
    tokens, parts = piece.tokens, list[str]()
    while index < len(tokens) and tokens[index].kind in NAME_KINDS:
        parts.append(identifier(tokens[index]))
        index += 1
        if word_at(tokens, index) != ".":
            break
        index += 1
    return tuple(parts), index
