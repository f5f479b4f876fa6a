"""Whether a query says which rows are right: DuckDB answers the same with the rows of its tables in other orders."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from mvengine.planner.undetermined import undetermined_by
from mvengine.slt.answers import Answer
from mvengine.slt.as_views_compare import same_bag
from mvengine.slt.engines import Connection

_ORDERS = 4
_NEAR = 1e-9
_SETTINGS = ("default_null_order", "integer_division")


def left_open_by(connection: Connection, sql: str, answer: Answer, tables: Sequence[tuple[str, str]]) -> str | None:
    """What in a query leaves its answer open, in words; None where the rows of its tables settle it.

    ``tables`` are schema and name of all that it reads; they are copied into another database.
    """
    construct = undetermined_by(sql)
    if construct is None:
        return None
    try:
        return None if _answers_alike(connection, sql, answer, tables) else construct
    except Exception:  # a type that is not there, a function of the user's: it cannot be told
        return construct


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    name: str
    columns: str
    rows: list[list[object]]


def _answers_alike(connection: Connection, sql: str, answer: Answer, tables: Sequence[tuple[str, str]]) -> bool:
    import duckdb

    copies = [_copied(connection, f'"{schema}"."{name}"') for schema, name in tables]
    settings = [(name, connection.run(f"SELECT current_setting('{name}')").rows[0][0]) for name in _SETTINGS]
    order = random.Random(0)
    with closing(duckdb.connect(config={"threads": "1"})) as plain:
        for schema, _ in tables:
            plain.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        for name, value in settings:
            plain.execute(f"SET {name} = '{value}'")
        for turn in range(_ORDERS):
            plain.execute(f"PRAGMA {'enable' if turn % 2 else 'disable'}_optimizer")
            for table in copies:
                plain.execute(f"CREATE OR REPLACE TABLE {table.name} ({table.columns})")
                order.shuffle(table.rows)
                for row in table.rows:
                    plain.execute(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(row))})", row)
            if not same_bag(plain.execute(sql).fetchall(), answer.rows, _NEAR):
                return False
    return True


def _copied(connection: Connection, name: str) -> _Table:
    found = connection.run(f"SELECT * FROM {name}")
    columns = ", ".join(f'"{column}" {kind}' for column, kind in zip(found.names, found.types, strict=True))
    return _Table(name=name, columns=columns, rows=[list(row) for row in found.rows])
