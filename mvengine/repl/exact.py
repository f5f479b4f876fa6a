"""Values that Python has no exact form for: DuckDB is asked for their text.

``INTERVAL '1 month'`` reaches Python as 30 days, nanoseconds as microseconds, a geometry as bytes.
"""

from __future__ import annotations

from mvengine.repl.types import leaves, parse_type
from mvengine.schema import Columns
from mvengine.sql.tokens import scan, tokenize

_INEXACT = frozenset({"INTERVAL", "TIMESTAMP_NS", "TIMESTAMPTZ_NS", "TIMESTAMP_NS WITH TIME ZONE", "GEOMETRY"})
_QUERIES = frozenset({"SELECT", "FROM", "WITH", "VALUES", "TABLE", "("})
_ONCE = frozenset({"NEXTVAL", "SETSEED"})  # what must not happen twice


def is_query(statement: str) -> bool:
    """Whether a statement begins as those do that answer with rows of data; others answer with a count, or words."""
    return next(scan(statement)).word in _QUERIES


def exact_query(query: str, columns: Columns) -> str | None:
    """The query with such columns as text, if it has some; None if it can stay, or is no query that can run again.

    ``columns`` are those of its result.
    """
    is_inexact = [not _INEXACT.isdisjoint(leaves(parse_type(column.type))) for column in columns]
    if not any(is_inexact):
        return None
    if not is_query(query) or not _ONCE.isdisjoint(token.word for token in tokenize(query)):
        return None
    names = [f"c{number}" for number in range(len(columns))]
    outputs = [f"CAST({name} AS VARCHAR)" if bad else name for name, bad in zip(names, is_inexact, strict=True)]
    return f"SELECT {', '.join(outputs)} FROM (\n{query}\n) AS result({', '.join(names)})"
