"""Checks that all sides of a case ended with the same rows: a figure for wrong results is worth nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from mvengine.schema import literal, quote


def check_equal(databases: Sequence[Path], *, tables: Sequence[str], view: str, query: str) -> None:
    """Each database's view equals its query as a bag, DOUBLEs to 7 digits; and all databases hold the same.

    Raises AssertionError."""
    with duckdb.connect() as connection:
        for database in databases:
            connection.execute(f"ATTACH {literal(str(database))} AS {database.stem} (READ_ONLY)")
        for database in databases:
            connection.execute(f"USE {database.stem}")
            found = _differences(connection, view, f"({query})")
            assert not found, f"{database.stem}: {found} rows of {view} differ from its query"
        first, *others = [database.stem for database in databases]
        for other in others:
            found = _differences(connection, f"{first}.main.{view}", f"{other}.main.{view}")
            assert not found, f"{found} rows of {view} differ between {first} and {other}"
            for table in tables:
                digests = [_digest(connection, f"{name}.main.{table}") for name in (first, other)]
                assert digests[0] == digests[1], f"{table} differs between {first} and {other}"


def _differences(connection: duckdb.DuckDBPyConnection, left: str, right: str) -> int:
    """How many rows stand on one side only."""
    described = connection.execute(f"DESCRIBE FROM {right}").fetchall()
    columns = ", ".join(f"{quote(name)}::FLOAT" if type_ == "DOUBLE" else quote(name) for name, type_, *_ in described)
    left, right = (f"SELECT {columns} FROM {side}" for side in (left, right))
    sides = f"(({left}) EXCEPT ALL ({right})) UNION ALL (({right}) EXCEPT ALL ({left}))"
    return int(connection.execute(f"SELECT count(*) FROM ({sides})").fetchall()[0][0])


def _digest(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[object, ...]:
    """The number of rows and a sum of hashes, which does not depend on their order."""
    return tuple(connection.execute(f"SELECT count(*), sum(hash(t)) FROM {table} AS t").fetchall()[0])
