"""Comments on a relation and its columns: DuckDB forgets them when a view is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.schema import Name, literal, quote

_OF_RELATION = """
SELECT comment FROM duckdb_tables() WHERE lower(schema_name) = $1 AND lower(table_name) = $2 AND NOT temporary
UNION ALL
SELECT comment FROM duckdb_views() WHERE lower(schema_name) = $1 AND lower(view_name) = $2 AND NOT temporary
"""
_OF_COLUMNS = """
SELECT column_name, comment FROM duckdb_columns()
WHERE lower(schema_name) = $1 AND lower(table_name) = $2 AND comment IS NOT NULL
"""


@contextmanager
def keeping_comments(engine: DuckDbEngine, old: Name, new: Name, *, is_table: bool = False) -> Iterator[None]:
    """What the block makes as ``new`` has the comments that ``old`` had before, as far as its columns are there."""
    comment = next((comment for (comment,) in engine.query(_OF_RELATION, list(old.key))), None)
    columns = engine.query(_OF_COLUMNS, list(old.key))
    yield
    if comment is not None:
        engine.query(f"COMMENT ON {'TABLE' if is_table else 'VIEW'} {new.sql} IS {literal(comment)}")
    if columns:
        known = {column.name.lower() for column in engine.describe(f"FROM {new.sql}")}
        for column, text in columns:
            if column.lower() in known:
                engine.query(f"COMMENT ON COLUMN {new.sql}.{quote(column)} IS {literal(text)}")
