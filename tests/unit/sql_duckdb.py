"""DuckDB's reading of a text, as the engine hands it to ``parse``."""

from __future__ import annotations

import duckdb

from mvengine.errors import ParseError, Position
from mvengine.sql.classify import parse
from mvengine.sql.statements import Statement

_CONNECTION = duckdb.connect()


def extract(text: str) -> list[tuple[str, str]]:
    try:
        return [(statement.type.name, statement.query) for statement in _CONNECTION.extract_statements(text)]
    except duckdb.Error as error:
        lines = str(error).splitlines()
        caret = next((line.index("^") for line in lines if set(line.strip()) == {"^"}), None)
        where = next((line for line in lines if line.startswith("LINE ")), None)
        position = None
        if caret is not None and where is not None:
            number, _, _ = where[5:].partition(":")
            position = Position(line=int(number), column=caret - len(f"LINE {number}: ") + 1)
        raise ParseError(lines[0], position=position) from error


def read(text: str) -> Statement:
    """The one statement of a text."""
    (statement,) = parse(text, extract)
    return statement
