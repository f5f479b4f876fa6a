"""The same work without mvengine: every table loaded again, every view computed again, in plain DuckDB."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mvengine.schema import literal

if TYPE_CHECKING:
    from mvengine import Connection


def recompute(database: Path, *, files: Path, tables: Mapping[str, str], views: Mapping[str, str]) -> dict[str, float]:
    """Load and compute everything into a new durable file; seconds by name of table or view."""
    import duckdb

    statements = {table: f"SELECT * FROM read_parquet({literal(str(files / table / '*.parquet'))})" for table in tables}
    seconds = {}
    with duckdb.connect(str(database)) as connection:
        for name, query in (statements | dict(views)).items():
            start = time.perf_counter()
            connection.execute(f"CREATE TABLE {name} AS {query}")
            seconds[name] = time.perf_counter() - start
    return seconds


def count_differences(
    connection: Connection, database: Path, names: list[str], *, tick: Callable[[str], None]
) -> dict[str, int]:
    """For each table and view, how many rows stand only here or only in the plain ``database``, as bags."""
    connection.execute(f"ATTACH {literal(str(database))} AS plain (READ_ONLY)")
    differences = {}
    for name in names:
        tick(name)
        row = connection.execute(
            f"SELECT count(*) FROM ((FROM main.{name} EXCEPT ALL FROM plain.main.{name})"
            f" UNION ALL (FROM plain.main.{name} EXCEPT ALL FROM main.{name}))"
        ).fetchone()
        differences[name] = int(row[0]) if row else 0
    connection.execute("DETACH plain")
    return differences
