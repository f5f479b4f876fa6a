"""PREPARE, EXECUTE, DEALLOCATE: prepared writes are mvengine's, all others DuckDB's."""

from __future__ import annotations

from mvengine.sql.split import Piece
from mvengine.sql.statements import Deallocate, Execute, Native, Prepare
from mvengine.sql.tokens import identifier, word_at
from mvengine.sql.write import is_write, read_write


def read_prepare(piece: Piece, kind: str) -> Prepare | Native:
    """``PREPARE name AS statement``, DuckDB having accepted it."""
    name, inner = identifier(piece.tokens[1]), piece.tail(3)
    if not is_write(inner):
        return Native(kind=kind, text=piece.text)
    return Prepare(name=name, write=read_write(inner), text=piece.text)


def read_execute(piece: Piece) -> Execute:
    """``EXECUTE name [(arguments)]``."""
    has_arguments = word_at(piece.tokens, 2) == "("
    arguments = piece.span(3, len(piece.tokens) - 1) if has_arguments else ""
    return Execute(name=identifier(piece.tokens[1]), arguments=arguments, text=piece.text)


def read_deallocate(piece: Piece) -> Deallocate:
    """``DEALLOCATE [PREPARE] name``."""
    return Deallocate(name=identifier(piece.tokens[-1]), text=piece.text)
