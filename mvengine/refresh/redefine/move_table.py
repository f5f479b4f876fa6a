"""DuckDB's own tables under another name: it renames none that has an index, and moves none to another schema."""

from __future__ import annotations

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.refresh.comments import keeping_comments
from mvengine.schema import Name, quote
from mvengine.sql.names import read_name
from mvengine.sql.split import split
from mvengine.sql.tokens import word_at

_TABLE = """
SELECT sql FROM duckdb_tables()
WHERE database_name = $1 AND lower(schema_name) = $2 AND lower(table_name) = $3 AND NOT temporary
"""
_INDEXES = """
SELECT schema_name, index_name, sql FROM duckdb_indexes()
WHERE database_name = $1 AND lower(schema_name) = $2 AND lower(table_name) = $3 AND sql IS NOT NULL
"""
_STORED = """
SELECT column_name FROM information_schema.columns
WHERE table_catalog = $1 AND lower(table_schema) = $2 AND lower(table_name) = $3
  AND coalesce(is_generated, 'NEVER') = 'NEVER' ORDER BY ordinal_position
"""


def move_table(engine: DuckDbEngine, database: str, old: Name, new: Name) -> None:
    """Within a schema the table keeps its rows where they are; into another one they are copied. Constraints, indexes
    and comments go with it. Errors: those of DuckDB, as for a table that a foreign key refers to."""
    where = [database, *old.key]
    indexes = engine.query(_INDEXES, where)
    for schema, index, _ in indexes:
        engine.query(f"DROP INDEX {quote(schema)}.{quote(index)}")
    if old.schema.lower() == new.schema.lower():
        engine.query(f"ALTER TABLE {quote(database)}.{old.sql} RENAME TO {quote(new.name)}")
    else:
        _copy(engine, database, old, new)
    for _, _, sql in indexes:
        engine.query(with_name(sql, "ON", new.sql))


def _copy(engine: DuckDbEngine, database: str, old: Name, new: Name) -> None:
    sql = engine.query(_TABLE, [database, *old.key])[0][0]
    columns = ", ".join(quote(name) for (name,) in engine.query(_STORED, [database, *old.key]))
    with keeping_comments(engine, old, new, is_table=True):
        engine.query(with_name(sql, "TABLE", new.sql))
        engine.query(f"INSERT INTO {new.sql} ({columns}) SELECT {columns} FROM {quote(database)}.{old.sql}")
        engine.query(f"DROP TABLE {quote(database)}.{old.sql}")


def with_name(sql: str, word: str, name: str) -> str:
    """DuckDB's text of a definition with another name behind the first ``word``."""
    piece = split(sql)[0]
    index = next(i for i in range(len(piece.tokens)) if word_at(piece.tokens, i) == word)
    _, after = read_name(piece, index + 1)
    return f"{piece.span(0, index + 1)} {name}{piece.span(after, len(piece.tokens))}"
