"""Moves the clock that views read: once for each refresh that reaches one of them, and for all of them together."""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.planner.clock import CLOCK, COLUMN
from mvengine.planner.delta import delta_name
from mvengine.planner.logical import WEIGHT
from mvengine.refresh.graph import Graph
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name, quote


def is_reached(graph: Graph, names: Iterable[Name]) -> bool:
    """Whether a refresh of these tables and views reaches a view that reads the clock."""
    readers = {view.name for view in graph.consumers.get(CLOCK, ())}
    if not readers:
        return False
    wanted = tuple(names)
    reached = (*graph.upstream(wanted), *graph.downstream(wanted))
    return any(view.name in readers for view in reached)


def move_clock(transaction: Transaction, cause: str) -> None:
    """Sets the clock to the present, as a change that views follow like any other. It never goes back: where the
    machine's time was set back, it stands."""
    engine, now = transaction.engine, transaction.database.clock()
    change = quote(delta_name(CLOCK))
    moved = (
        f"CREATE OR REPLACE TEMP TABLE {change} AS\nSELECT m.* FROM {CLOCK.sql} AS c, (\n"
        f"SELECT {COLUMN}, CAST(-1 AS BIGINT) AS {WEIGHT} FROM {CLOCK.sql}\n"
        f"UNION ALL SELECT CAST($1 AS TIMESTAMPTZ), CAST(1 AS BIGINT)\n"
        f") AS m WHERE c.{COLUMN} < CAST($1 AS TIMESTAMPTZ)"
    )
    transaction.flush()
    if not engine.query(moved, [now])[0][0]:
        engine.query(f"DROP TABLE {change}")
        return
    engine.query(f"UPDATE {CLOCK.sql} SET {COLUMN} = $1", [now])
    if CLOCK in transaction.graph.consumers:
        transaction.touch(CLOCK, 2, cause)
    else:
        engine.query(f"DROP TABLE {change}")
