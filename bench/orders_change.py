"""The work of the DML cases: some orders go, some come, some are changed, with their lineitems; a view must follow.

Three sides do the same to copies of one database: mvengine, whose view follows by itself; delta SQL written by hand for
this view and these statements; and the plain change with the view computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

import mvengine

TABLES = ("customer", "orders", "lineitem")

QUERY = """
SELECT c_mktsegment, o_orderdate, sum(l_extendedprice * (1 - l_discount)) AS revenue, count(*) AS lines
FROM customer JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
GROUP BY c_mktsegment, o_orderdate"""

BUCKETS = 3_000
"""Of orders, by a hash of their keys; each round takes another bucket for each kind of change: 0.1 % for all three."""

KEY_GAP = 8  # TPC-H uses 8 order keys of every 32: adding 8 to one gives a free one beside it


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """Which kinds of change a round makes, whether to one order each or to all of a bucket, and of how many buckets."""

    deletes: bool
    inserts: bool
    updates: bool
    is_single: bool
    buckets: int


NO_CHECKPOINT = "SET GLOBAL checkpoint_threshold = '100GB'"
"""DuckDB checkpoints at some commits; that takes every side as long as all the rest, and would hide the rest."""


class Cursor(Protocol):
    """What DuckDB's and mvengine's connections have in common."""

    def execute(self, query: str) -> object: ...


@dataclass(frozen=True, kw_only=True)
class Change:
    """One round's change: conditions on the order key. The rows to insert stand in new_orders and new_lines."""

    kinds: Kinds
    deleted: str
    updated: str

    def statements(self) -> list[str]:
        """What a user writes."""
        found: list[str] = []
        if self.kinds.deletes:
            found += [f"DELETE FROM {t} WHERE {key} {self.deleted}" for t, key in _KEYS.items()]
        if self.kinds.inserts:
            found += ["INSERT INTO orders SELECT * FROM new_orders", "INSERT INTO lineitem SELECT * FROM new_lines"]
        if self.kinds.updates:
            found += [f"UPDATE {t} SET {_UPDATES[t]} WHERE {key} {self.updated}" for t, key in _KEYS.items()]
        return found


_KEYS = {"lineitem": "l_orderkey", "orders": "o_orderkey"}
_UPDATES = {"lineitem": "l_discount = 0.1 - l_discount", "orders": "o_orderdate = o_orderdate + 1"}


STAGED = {"deleted": "orders", "copied": "orders", "updated": "orders", "new_orders": "orders", "new_lines": "lineitem"}


def create_stage(connection: Cursor) -> None:
    """The temporary tables that the changes of all rounds stand in, made once: a round should find nothing new."""
    for name, table in STAGED.items():
        columns = "o_orderkey AS key" if table == "orders" and name != "new_orders" else "*"
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT {columns} FROM {table} LIMIT 0")


def stage(connection: Cursor, kinds: Kinds, number: int) -> Change:
    """Draws the change of a round, the same on every side, and puts its keys and rows into the temporary tables."""
    for name in STAGED:
        connection.execute(f"TRUNCATE {name}")
    limit = "ORDER BY ALL LIMIT 1" if kinds.is_single else ""
    for offset, name in enumerate(("deleted", "copied", "updated")):
        drawn = f"o_orderkey % 32 < {KEY_GAP} AND hash(o_orderkey) % {kinds.buckets} = {3 * number + offset} {limit}"
        connection.execute(f"INSERT INTO {name} SELECT o_orderkey FROM orders WHERE {drawn}")
    for name, table, key in (("new_orders", "orders", "o_orderkey"), ("new_lines", "lineitem", "l_orderkey")):
        connection.execute(
            f"INSERT INTO {name} SELECT * REPLACE ({key} + {KEY_GAP} AS {key}) FROM {table} "
            f"WHERE {key} IN (SELECT key FROM copied)"
        )
    deleted, updated = (_condition(connection, kinds, name) for name in ("deleted", "updated"))
    return Change(kinds=kinds, deleted=deleted, updated=updated)


def _condition(connection: Cursor, kinds: Kinds, name: str) -> str:
    """``= 4711`` for one order, as a user would write it; else membership in the drawn keys."""
    if not kinds.is_single:
        return f"IN (SELECT key FROM {name})"
    return f"= {connection.execute(f'SELECT key FROM {name}').fetchall()[0][0]}"  # type: ignore[attr-defined]


class Maintained:
    """mvengine: the user's statements in one transaction, and a materialized view."""

    name = "mvengine"

    def __init__(self, database: Path, kinds: Kinds) -> None:
        self.connection = mvengine.connect(str(database))
        with self.connection.cursor() as other:  # the setting is global; the measured session keeps its defaults
            other.execute(NO_CHECKPOINT)
        self.connection.execute(f"CREATE MATERIALIZED VIEW daily AS {QUERY}")
        create_stage(self.connection)
        self.kinds = kinds

    def prepare(self, number: int) -> None:
        self.change = stage(self.connection, self.kinds, number)

    def run(self) -> None:
        self.connection.execute("BEGIN")
        for statement in self.change.statements():
            self.connection.execute(statement)
        self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


class Recomputed:
    """Plain DuckDB: the same statements, and the view's table made again."""

    name = "recompute"

    def __init__(self, database: Path, kinds: Kinds) -> None:
        self.connection = duckdb.connect(str(database))
        self.connection.execute(NO_CHECKPOINT)
        self.connection.execute(f"CREATE TABLE daily AS {QUERY}")
        create_stage(self.connection)
        self.kinds = kinds

    def prepare(self, number: int) -> None:
        self.change = stage(self.connection, self.kinds, number)

    def run(self) -> None:
        self.connection.execute("BEGIN")
        for statement in self.change.statements():
            self.connection.execute(statement)
        self.connection.execute(f"CREATE OR REPLACE TABLE daily AS {QUERY}")
        self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()
