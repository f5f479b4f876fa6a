"""Changes through DML: all of the orders' 0.1 %, and single orders."""

from __future__ import annotations

from collections.abc import Iterator

from bench.agree import check_equal
from bench.data import load_plain
from bench.hand_written import HandWritten
from bench.measure import Goal, Measurement
from bench.orders_change import BUCKETS, QUERY, TABLES, Kinds, Maintained, Recomputed
from bench.run import Run

MIXED = Kinds(deletes=True, inserts=True, updates=True, is_single=False, buckets=BUCKETS)
REPLACED = Kinds(deletes=True, inserts=True, updates=False, is_single=True, buckets=BUCKETS)
UPDATED = Kinds(deletes=False, inserts=False, updates=True, is_single=True, buckets=BUCKETS)


def mixed_change(run: Run) -> Iterator[Measurement]:
    """0.1 % of the orders with their lineitems: a third each deleted, inserted and updated, on scattered keys."""
    yield _compare(run, "mixed change of 0.1 %", MIXED, ratio_max=2)


def single_order(run: Run) -> Iterator[Measurement]:
    """One order deleted and one inserted; one order updated; each with its lineitems."""
    yield _compare(run, "one order deleted, one inserted", REPLACED, ratio_max=3)
    yield _compare(run, "one order updated", UPDATED, ratio_max=3)


def _compare(run: Run, case: str, kinds: Kinds, *, ratio_max: float) -> Measurement:
    base = load_plain(run.workspace, TABLES)
    paths = [run.workspace.copy_of(name, base) for name in ("maintained", "by_hand", "recomputed")]
    sides = (Maintained(paths[0], kinds), HandWritten(paths[1], kinds), Recomputed(paths[2], kinds))
    goals = (
        Goal(side="mvengine", over="hand-written", most=ratio_max),
        Goal(side="mvengine", over="recompute", most=1),
    )
    try:
        measured = run.compare(case, sides, goals)
    finally:
        for side in sides:
            side.close()
    check_equal(paths, tables=TABLES, view="daily", query=QUERY)
    return measured
