"""What DuckDB says of queries over the table that the plans of these tests read."""

from __future__ import annotations

import duckdb

from mvengine.schema import Column, Columns


def describe(query: str) -> Columns:
    """Names and types of the query's columns."""
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE orders (id INTEGER, customer INTEGER, "Net Price" DECIMAL(15, 2))')
        return tuple(Column(name=row[0], type=row[1]) for row in connection.execute(f"DESCRIBE {query}").fetchall())
