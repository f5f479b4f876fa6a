"""DDL of DuckDB's own: which objects a CREATE, ALTER or DROP changes, as far as its words show."""

from __future__ import annotations

from mvengine.sql.names import read_name
from mvengine.sql.split import Piece
from mvengine.sql.statements import DdlAction, Native, NativeDdl
from mvengine.sql.tokens import names_in, word_at

_OBJECTS = frozenset(
    {"TABLE", "VIEW", "SCHEMA", "INDEX", "SEQUENCE", "MACRO", "FUNCTION", "TYPE", "SECRET", "DATABASE"}
)
_MODIFIERS = frozenset({"OR", "REPLACE", "TEMP", "TEMPORARY", "PERSISTENT", "RECURSIVE", "UNIQUE"})


def read_ddl(piece: Piece, kind: str) -> Native:
    """The statement with what it changes; a plain ``Native`` where its words name no object."""
    tokens, index, modifiers = piece.tokens, 1, set[str]()
    while word_at(tokens, index) in _MODIFIERS:
        modifiers.add(word_at(tokens, index))
        index += 1
    object_kind = word_at(tokens, index)
    if object_kind not in _OBJECTS:
        return Native(kind=kind, text=piece.text)
    target, _ = read_name(piece, skip_condition(piece, index + 1))
    return NativeDdl(
        kind=kind,
        text=piece.text,
        action=DdlAction.REPLACE if "REPLACE" in modifiers else DdlAction(tokens[0].word),
        object_kind=object_kind,
        targets=() if target is None else (target,),
        is_temporary=bool(modifiers & {"TEMP", "TEMPORARY"}),
        names=names_in(tokens),
    )


def skip_condition(piece: Piece, index: int) -> int:
    """The index after IF [NOT] EXISTS."""
    words = [word_at(piece.tokens, index + i) for i in range(3)]
    if words == ["IF", "NOT", "EXISTS"]:
        return index + 3
    return index + 2 if words[:2] == ["IF", "EXISTS"] else index
