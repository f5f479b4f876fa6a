"""The text of a plain view as DuckDB keeps it: ``CREATE [TEMP] VIEW [schema.]name [(columns)] AS query``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mvengine.errors import InternalError
from mvengine.sql.names import read_columns, read_name
from mvengine.sql.split import split
from mvengine.sql.tokens import Token, word_at

_EMIT = ["EMIT", "ON", "WINDOW", "CLOSE"]
EMIT_TOKENS = len(_EMIT)


def emits_on_window_close(tokens: Sequence[Token]) -> bool:
    """Whether a statement ends by EMIT ON WINDOW CLOSE."""
    return [token.word for token in tokens[-EMIT_TOKENS:]] == _EMIT


@dataclass(frozen=True, kw_only=True)
class ViewText:
    columns: tuple[str, ...]  # empty: those of the query
    query: str


def read_view(text: str) -> ViewText:
    """The parts of such a text."""
    piece = split(text)[0]
    index = next((i for i in range(1, len(piece.tokens)) if word_at(piece.tokens, i) == "VIEW"), len(piece.tokens))
    _, after = read_name(piece, index + 1)
    columns, after = read_columns(piece, after)
    if word_at(piece.tokens, after) != "AS":
        raise InternalError(f"not the text of a view: {text[:200]}", hint="report this")
    return ViewText(columns=columns, query=piece.span(after + 1, len(piece.tokens)))
