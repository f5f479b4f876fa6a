"""Statements from Python arguments: names and texts are quoted here, values become literals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from mvengine.errors import InterfaceError, ParseError
from mvengine.schema import literal, quote
from mvengine.sql.names import parse_name
from mvengine.sql.split import split

Option = str | int | float | bool


def named(name: str) -> str:
    """A possibly qualified name as it stands in a statement. Errors: ParseError."""
    found = parse_name(name)
    return ".".join(quote(part) for part in (found.catalog, found.schema, found.name) if part)


def create_table(
    name: str,
    files: str | PathLike[str],
    *,
    columns: Mapping[str, str] | None,
    primary_key: str | Sequence[str],
    encoding: str | None,
    options: Mapping[str, Option] | None,
    if_not_exists: bool,
) -> str:
    """``CREATE TABLE … REFRESHABLE FROM 'files'``."""
    keys = [primary_key] if isinstance(primary_key, str) else list(primary_key)
    elements = ", ".join(f"{quote(column)} {type_}" for column, type_ in (columns or {}).items())
    return " ".join(
        part
        for part in (
            f"CREATE TABLE{_guard(if_not_exists)} {named(name)}",
            f"({elements})" if elements else "",
            f"REFRESHABLE FROM {literal(fspath(files))}",
            f"PRIMARY KEY ({', '.join(map(quote, keys))})" if keys else "",
            _options(options),
            f"FORMAT PLAIN ENCODE {quote(encoding)}" if encoding else "",
        )
        if part
    )


def create_view(
    name: str,
    query: str,
    *,
    columns: Sequence[str],
    options: Mapping[str, Option] | None,
    replace: bool,
    if_not_exists: bool,
    background: bool,
) -> str:
    """``CREATE MATERIALIZED VIEW … AS query``."""
    return " ".join(
        part
        for part in (
            f"CREATE{' OR REPLACE' if replace else ''} MATERIALIZED VIEW{_guard(if_not_exists)} {named(name)}",
            f"({', '.join(map(quote, columns))})" if columns else "",
            _options(options),
            "BACKGROUND" if background else "",
            f"AS {query}",
        )
        if part
    )


def query_text(query: Any) -> str:
    """The SQL of a query: of a text, of a relation of mvengine or of DuckDB, or of an Ibis table expression.

    What the text names is looked up where it is used, not where the relation or expression comes from. Errors:
    InterfaceError (42804) for anything else; ParseError for a text of several statements, of which only the first would
    be meant.
    """
    if isinstance(query, str):
        return _one_statement(query)
    library = type(query).__module__.partition(".")[0]
    if library == "mvengine" and hasattr(query, "query_text"):
        return str(query.query_text)
    if library in ("duckdb", "_duckdb") and hasattr(query, "sql_query"):
        return str(query.sql_query())
    if library == "ibis" and hasattr(query, "unbind"):
        import ibis

        return str(ibis.to_sql(query.unbind(), dialect="duckdb"))
    raise InterfaceError(
        f"a query cannot be a {type(query).__name__}",
        hint="give SQL, a relation of mvengine or DuckDB, or an Ibis table expression",
        code="42804",
    )


def _one_statement(text: str) -> str:
    pieces = split(text)
    if len(pieces) > 1:
        raise ParseError(
            "a second statement begins where one query is expected",
            position=pieces[1].position(0),
            hint="give one query; con.execute() takes several statements",
        )
    return pieces[0].text if pieces else ""


def _guard(if_not_exists: bool) -> str:
    return " IF NOT EXISTS" if if_not_exists else ""


def _options(options: Mapping[str, Option] | None) -> str:
    if not options:
        return ""
    given = ", ".join(f"{_option_name(name)} = {_value(value)}" for name, value in options.items())
    return f"WITH ({given})"


def _option_name(name: str) -> str:
    """``s3.region`` is two names."""
    return ".".join(quote(part) for part in name.split("."))


def _value(value: Option) -> str:
    return literal(("true" if value else "false") if isinstance(value, bool) else str(value))
