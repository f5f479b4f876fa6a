"""Queries of information_schema and pg_catalog → the same over mvengine's own views of these names.

DuckDB knows of tables and views only, and lists what mvengine keeps for itself. The views and functions that say it
right stand in the SQL files beside this one, which are the table of replacements: what they create replaces what has
the same name there. They live in a database of their own, ``mv_system``, whose schemas are called as the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from mvengine.errors import Error
from mvengine.sql.split import Piece, split
from mvengine.sql.tokens import Token, identifier, word_at

SYSTEM = "mv_system"
SCHEMAS = ("mv_objects", "mv_information_schema", "mv_pg_catalog")  # each needs those before it
_REPLACED = {"information_schema": "mv_information_schema", "pg_catalog": "mv_pg_catalog"}
MAY_NAME = r"information_schema|pg_|regclass|regtype|format_type|_description"
"""What a query has that may need to be rewritten."""
_MAY_NAME = re.compile(MAY_NAME, re.I)
_CREATED = re.compile(r"^CREATE (VIEW|MACRO) mv_system\.(\w+)\.(\w+)", re.M)
_BEFORE_RELATION = frozenset({"FROM", "JOIN", ",", "(", "TABLE", "DESCRIBE", "SUMMARIZE"})
_DEFINITIONS = frozenset({"VIEW", "MATERIALIZED", "MACRO", "FUNCTION"})
_QUALIFIED, _BARE = f'"{SYSTEM}".', f"{SYSTEM}."  # which of both stands there tells what it has replaced


@dataclass(frozen=True, kw_only=True)
class _Replacements:
    views: frozenset[tuple[str, str]]  # schema and name
    functions: frozenset[str]  # of pg_catalog


def definitions(schema: str) -> str:
    """The statements that make a schema of ``mv_system``. ``$main``: the user's database, ``$name``: as a string."""
    return files("mvengine.sql.catalogs").joinpath(f"{schema}.sql").read_text(encoding="utf-8")


def needed_schemas(text: str) -> tuple[str, ...]:
    """The schemas of ``mv_system`` that a rewritten statement names, and those that they need."""
    named = [index for index, schema in enumerate(SCHEMAS) if f"{_BARE}{schema}." in text.replace(_QUALIFIED, _BARE)]
    return SCHEMAS[: max(named) + 1] if named else ()


def catalogued(piece: Piece) -> Piece:
    """The statement over mvengine's catalogs. Definitions of views and macros stay as they are: they are stored, and
    plain DuckDB reads them, too."""
    if not _MAY_NAME.search(piece.source, piece.start, piece.end):
        return piece
    if word_at(piece.tokens, 0) == "CREATE" and _DEFINITIONS & {word_at(piece.tokens, i) for i in range(1, 5)}:
        return piece
    edits = sorted(_edits(piece.tokens))
    if not edits:
        return piece
    source, parts, end = piece.source, list[str](), 0
    for start, after, text in edits:
        if start >= end:
            parts += [source[end:start], text]
            end = after
    return split("".join(parts) + source[end : piece.end])[-1]


def restored(text: str) -> str:
    """A text with the names that the user wrote in place of ours."""
    for schema, own in _REPLACED.items():
        text = text.replace(f"{_QUALIFIED}{own}.", f"{schema}.").replace(f"{_BARE}{own}.", "")
    return text


def restore(error: Error, text: str) -> None:
    """Lets an error of a rewritten statement speak of what the user wrote, and point there."""
    error.message = restored(error.message)
    error.hint = restored(error.hint) if error.hint else None
    if error.position is not None:
        line = text.split("\n")[error.position.line - 1]
        before = line[: error.position.column - 1]
        error.position = replace(error.position, column=len(restored(before)) + 1)


@cache
def _replacements() -> _Replacements:
    found = [match.groups() for schema in SCHEMAS for match in _CREATED.finditer(definitions(schema))]
    return _Replacements(
        views=frozenset((schema, name) for kind, schema, name in found if kind == "VIEW"),
        functions=frozenset(name for kind, _, name in found if kind == "MACRO"),
    )


def _edits(tokens: tuple[Token, ...]) -> Iterator[tuple[int, int, str]]:
    """What is to be replaced: from which offset to which, by what."""
    known, ctes = _replacements(), _cte_names(tokens)
    for index, token in enumerate(tokens):
        if token.word == ":" and word_at(tokens, index + 1) == ":" and index:
            yield from _cast_edits(tokens, index)
        if token.kind not in ("word", "quoted") or word_at(tokens, index - 1) == ".":
            continue
        name, after = identifier(token).lower(), word_at(tokens, index + 1)
        is_relation = word_at(tokens, index - 1) in _BEFORE_RELATION and after not in (".", "(") and name not in ctes
        if name in _REPLACED and after == "." and index + 2 < len(tokens):
            yield from _qualified_edits(tokens, index, _REPLACED[name])
        elif (after == "(" and name in known.functions) or (is_relation and ("mv_pg_catalog", name) in known.views):
            yield token.start, token.start, f"{_BARE}mv_pg_catalog."


def _cte_names(tokens: tuple[Token, ...]) -> frozenset[str]:
    """What is followed by ``AS (``: names of WITH queries, and perhaps others."""
    begins = ("(", "NOT", "MATERIALIZED")
    return frozenset(
        identifier(token).lower()
        for index, token in enumerate(tokens)
        if token.kind in ("word", "quoted")
        and word_at(tokens, index + 1) == "AS"
        and word_at(tokens, index + 2) in begins
    )


def _qualified_edits(tokens: tuple[Token, ...], index: int, schema: str) -> Iterator[tuple[int, int, str]]:
    """``pg_catalog.pg_class``, ``OPERATOR(pg_catalog.~)``, ``COLLATE pg_catalog.default``, ``::pg_catalog.text``."""
    start, named = tokens[index].start, tokens[index + 2]
    name = identifier(named).lower() if named.kind in ("word", "quoted") else ""
    known = _replacements()
    if word_at(tokens, index - 2) == "OPERATOR":
        close = next(at for at in range(index + 2, len(tokens)) if tokens[at].word == ")")
        yield tokens[index - 2].start, tokens[close].end, " ".join(t.text for t in tokens[index + 2 : close])
    elif word_at(tokens, index - 1) == "COLLATE" and name == "default":
        yield tokens[index - 1].start, named.end, ""
    elif word_at(tokens, index - 1) == ":":
        yield start, named.start, ""
    elif (schema, name) in known.views or (schema == "mv_pg_catalog" and name in known.functions):
        yield start, named.start, f"{_QUALIFIED}{schema}."


def _cast_edits(tokens: tuple[Token, ...], index: int) -> Iterator[tuple[int, int, str]]:
    """``'t'::regclass`` is a number, ``oid::regclass`` a name, ``oid::regtype`` the name of a type."""
    at = index + 4 if word_at(tokens, index + 3) == "." else index + 2
    target = word_at(tokens, at)
    if target not in ("REGCLASS", "REGTYPE"):
        return
    operand = tokens[index - 1]
    start = operand.start
    for before in range(index - 2, 0, -2):
        if tokens[before].word != ".":
            break
        start = tokens[before - 1].start
    function = "mv_regclass"
    if target == "REGTYPE":
        function = "format_type"
    elif operand.kind == "string":
        function = "to_regclass"
    yield start, start, f"{_BARE}mv_pg_catalog.{function}("
    yield tokens[index].start, tokens[at].end, ", -1)" if target == "REGTYPE" else ")"
