"""WATERMARK FOR … AS … and APPEND ONLY in CREATE TABLE → conditions by which the table remembers them.

    CREATE TABLE t (ts TIMESTAMP, x INT, WATERMARK FOR ts AS ts - INTERVAL '5 seconds') APPEND ONLY
    =>  CREATE TABLE t (ts TIMESTAMP, x INT, CHECK ('append only' IS NOT NULL),
                        CHECK ('watermark' IS NOT NULL OR ts > ts - …))

A watermark says that no row before it is awaited any more: the largest value of the expression over all rows. Rows that
come later than that are left out by INSERT. Source: RisingWave and Flink, after Akidau et al., "The Dataflow Model",
2015.
"""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.errors import NotSupportedError, ParseError
from mvengine.sql.ddl import skip_condition
from mvengine.sql.dialects.rules import APPEND_ONLY, rule
from mvengine.sql.names import read_name
from mvengine.sql.split import Piece, split
from mvengine.sql.tokens import end_of_group, word_at

_MODIFIERS = frozenset({"OR", "REPLACE", "TEMP", "TEMPORARY"})
_FORM = "WATERMARK FOR column AS column - INTERVAL '5 seconds'"
_MARK = "'watermark'"


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """``column`` as it is spelled in the definition, without quotes; ``expression`` is SQL over it."""

    column: str
    expression: str


def rewrite_watermarks(piece: Piece) -> Piece:
    """A CREATE TABLE without what DuckDB does not read of it; any other statement as it is. Errors: ParseError;
    NotSupportedError for a watermark of a table that is not append-only."""
    elements = _elements(piece)
    if elements is None:
        return piece
    opening, closing = elements
    tokens = piece.tokens
    marks = [
        (first, last)
        for first, last in _parts(piece, opening + 1, closing)
        if word_at(tokens, first) == "WATERMARK" and word_at(tokens, first + 1) == "FOR"
    ]
    is_append_only = [word_at(tokens, closing + 1), word_at(tokens, closing + 2)] == ["APPEND", "ONLY"]
    if marks and not is_append_only:
        raise NotSupportedError(
            "a watermark of a table whose rows may change",
            position=piece.position(marks[0][0]),
            hint="write APPEND ONLY behind the columns",
        )
    if len(marks) > 1:
        raise ParseError("a second watermark", position=piece.position(marks[1][0]), hint="a table has one")
    if not is_append_only:
        return piece
    parts, at = list[str](), piece.start
    for first, last in marks:
        parts.append(piece.source[at : tokens[first].start] + _condition(piece, first, last))
        at = tokens[last - 1].end
    parts.append(piece.source[at : tokens[closing].start].rstrip() + f", {rule(APPEND_ONLY)}" + tokens[closing].text)
    rest = piece.span(closing + 3, len(tokens))
    text = "".join(parts) + (f" {rest}" if rest else "")
    return split(text)[0]


def read_watermark(condition: str) -> Watermark | None:
    """The watermark that a condition stands for, from its text in the catalog, which follows renamed columns."""
    if _MARK not in condition:
        return None
    piece = split(condition)[0]
    tokens = piece.tokens
    opening = next(index for index, token in enumerate(tokens) if token.word == "OR") + 1
    name, end = tokens[opening + 1], end_of_group(tokens, opening)
    column = name.text[1:-1].replace('""', '"') if name.kind == "quoted" else name.text
    return Watermark(column=column, expression=piece.span(opening + 3, end - 1))


def _condition(piece: Piece, first: int, last: int) -> str:
    """One that always holds. Its comparison is never made; by it DuckDB finds out at CREATE whether there is such a
    column and the expression is of its type, and lets both follow when the column is renamed."""
    tokens = piece.tokens
    if last - first < 5 or word_at(tokens, first + 3) != "AS" or tokens[first + 2].kind not in ("word", "quoted"):
        raise ParseError("WATERMARK is incomplete", position=piece.position(first), hint=f"write {_FORM}")
    return f"CHECK ({_MARK} IS NOT NULL OR {tokens[first + 2].text} > {piece.span(first + 4, last)})"


def _elements(piece: Piece) -> tuple[int, int] | None:
    """The brackets around the elements of a CREATE TABLE; None of any other statement."""
    tokens, index = piece.tokens, 1
    if word_at(tokens, 0) != "CREATE":
        return None
    while word_at(tokens, index) in _MODIFIERS:
        index += 1
    if word_at(tokens, index) != "TABLE":
        return None
    _, after = read_name(piece, skip_condition(piece, index + 1))
    return (after, end_of_group(tokens, after) - 1) if word_at(tokens, after) == "(" else None


def _parts(piece: Piece, first: int, last: int) -> list[tuple[int, int]]:
    """The runs of tokens between commas outside brackets."""
    starts, index = [first], first
    while index < last:
        if word_at(piece.tokens, index) in ("(", "[", "{"):
            index = end_of_group(piece.tokens, index)
            continue
        if word_at(piece.tokens, index) == ",":
            starts.append(index + 1)
        index += 1
    return list(zip(starts, [start - 1 for start in starts[1:]] + [last], strict=True))
