"""The 22 queries of TPC-H as views over changing orders: brought up to date in one commit, or all computed again.

The change itself is made before the clock starts, on both sides. What a single view took follows in a second table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.agree import check_equal
from bench.data import load_plain
from bench.measure import Goal, Measurement
from bench.orders_change import Cursor, Kinds, create_stage, stage
from bench.run import Run
from bench.views import MaintainedViews, RecomputedViews
from mvengine.demo.tpch import KEYS

QUERIES = Path(__file__).parents[1] / "tests" / "workloads" / "tpch" / "views"
TIMES_FASTER = {(1.0, 0.001): 8, (10.0, 0.0001): 40, (10.0, 0.001): 15}
"""The goal by scale factor and changed fraction of the orders; at others, not slower."""

SLOWER_MAX = 1.1  # a view against computing it again


def tpch_views(run: Run) -> Iterator[Measurement]:
    """``run.fraction`` of the orders with their lineitems: a third each deleted, inserted and updated."""
    views = {path.stem: path.read_text() for path in sorted(QUERIES.glob("*.sql"))}
    kinds = Kinds(deletes=True, inserts=True, updates=True, is_single=False, buckets=round(3 / run.fraction))
    base = load_plain(run.workspace, tuple(KEYS))
    paths = [run.workspace.copy_of(name, base) for name in ("maintained", "recomputed")]
    maintained = Maintained(paths[0], views, kinds)
    recomputed = Recomputed(paths[1], views, kinds)
    case = f"22 views, SF{run.workspace.scale:g}, {run.fraction:.4%} changed"
    most = 1 / TIMES_FASTER.get((run.workspace.scale, run.fraction), 1)
    try:
        yield run.compare(case, [maintained, recomputed], (Goal(side="mvengine", over="recompute", most=most),))
        maintained.note()
        yield _per_view(maintained, recomputed)
    finally:
        maintained.close()
        recomputed.close()
    for view, query in views.items():
        check_equal(paths, tables=(), view=view, query=query)
    check_equal(paths, tables=tuple(KEYS), view="q01", query=views["q01"])


class Maintained(MaintainedViews):
    def __init__(self, database: Path, views: dict[str, str], kinds: Kinds) -> None:
        super().__init__(database, views, Drawn(kinds), is_change_timed=False)
        create_stage(self.connection)

    def prepare(self, number: int) -> None:
        if number:
            self.note()
        super().prepare(number)


class Recomputed(RecomputedViews):
    def __init__(self, database: Path, views: dict[str, str], kinds: Kinds) -> None:
        super().__init__(database, views, Drawn(kinds), is_change_timed=False)
        create_stage(self.connection)


class Drawn:
    """The statements of a round, on rows that stand in temporary tables."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds

    def __call__(self, connection: Cursor, number: int) -> list[str]:
        return stage(connection, self.kinds, number).statements()


def _per_view(maintained: MaintainedViews, recomputed: RecomputedViews) -> Measurement:
    """Two sides a view, the round to warm up left out."""
    values: dict[str, tuple[float, ...]] = {}
    goals = []
    for view, again in recomputed.per_view.items():
        side = f"{view} {maintained.modes[view]}"
        values[side] = tuple(maintained.per_view[view][1:]) or (0.0,)
        values[f"{view} recompute"] = tuple(again[1:])
        goals.append(Goal(side=side, over=f"{view} recompute", most=SLOWER_MAX))
    return Measurement(case="each view", values=values, goals=tuple(goals))
