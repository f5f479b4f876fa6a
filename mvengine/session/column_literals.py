"""``INSERT INTO t VALUES ('{1,2}')`` in PostgreSQL's family: what a string means shows by the type of its column.

A string in the place of an array is an array literal; a moment with a zone may have a blank before its offset. Which
strings are meant is known where the table is, so this is done here and not by translating.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mvengine.sql.dialects.literals import list_of, without_blank
from mvengine.sql.dialects.settings import DUCKDB
from mvengine.sql.split import Piece, split
from mvengine.sql.statements import Write, WriteKind
from mvengine.sql.tokens import end_of_group, string_value, word_at

if TYPE_CHECKING:
    from mvengine.session import Session


def resolved(session: Session, write: Write) -> Write:
    """The write with ``['1', '2']`` for ``'{1,2}'`` where a column is an array. Errors: DataError (22P02)."""
    if write.dialect == DUCKDB or write.kind is not WriteKind.INSERT or not write.body.upper().startswith("VALUES"):
        return write
    relation = session.targets.resolve(session, session.reader.graph, write.target)
    if relation is None:
        return write
    types = {column.name.lower(): column.type for column in relation.columns}
    names = write.columns or tuple(column.name for column in relation.columns)
    places = {place: types.get(name.lower(), "") for place, name in enumerate(names)}
    places = {place: kind for place, kind in places.items() if kind.endswith(("[]", "WITH TIME ZONE"))}
    if not places:
        return write
    body = _rewritten(split(write.body)[0], places)
    return replace(write, body=body, text=write.text.replace(write.body, body, 1))


def _rewritten(piece: Piece, places: Mapping[int, str]) -> str:
    parts, done = list[str](), piece.start
    for index, place in _lone_strings(piece):
        if place in places:
            token = piece.tokens[index]
            parts += [piece.source[done : token.start], _literal(string_value(token), token.text, places[place])]
            done = token.end
    return "".join(parts) + piece.source[done : piece.end]


def _lone_strings(piece: Piece) -> Iterator[tuple[int, int]]:
    """The indexes of strings that are the whole value of a column, and the place of the column in its row."""
    tokens, index = piece.tokens, 1
    while index < len(tokens):
        if word_at(tokens, index) != "(":
            index += 1
            continue
        end, place, depth = end_of_group(tokens, index), 0, 0
        for inner in range(index + 1, end - 1):
            word = word_at(tokens, inner)
            depth += (word in ("(", "[")) - (word in (")", "]"))
            place += word == "," and depth == 0
            is_whole = word_at(tokens, inner - 1) in ("(", ",") and word_at(tokens, inner + 1) in (")", ",")
            if depth == 0 and tokens[inner].kind == "string" and is_whole:
                yield inner, place
        index = end


def _literal(value: str, text: str, kind: str) -> str:
    if not kind.endswith("[]"):
        return without_blank(text)
    return list_of(value) if value.strip().startswith("{") else text
