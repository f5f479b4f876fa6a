"""Graphs of views over one table of 100,000 rows of which a few change: what that costs from BEGIN to COMMIT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from bench.agree import check_equal
from bench.measure import Goal, Measurement
from bench.orders_change import Cursor
from bench.run import Run
from bench.views import MaintainedViews, RecomputedViews

ROWS, GROUPS = 100_000, 1_000
BASE = f"""
CREATE TABLE t AS SELECT i AS id, i % {GROUPS} AS g, i * 7919 % 10007 AS x FROM range({ROWS}) AS r(i);
CREATE TABLE lonely AS FROM t;
"""

GROUPED = "SELECT g, count(*) AS n, sum(x) AS x FROM t GROUP BY g"

CHAIN = {
    "v1": GROUPED,
    "v2": "SELECT g, n, x * 2 AS x FROM v1 WHERE n > 0",
    "v3": "SELECT g % 100 AS g, sum(n) AS n, sum(x) AS x FROM v2 GROUP BY 1",
    "v4": "SELECT g, n, x FROM v3 WHERE g < 90",
    "v5": "SELECT v4.g, v4.n, v4.x, v1.x AS other FROM v4 JOIN v1 ON v4.g = v1.g",
    "v6": "SELECT g % 10 AS g, sum(n) AS n, max(x) AS x FROM v5 GROUP BY 1",
    "v7": "SELECT DISTINCT g, n, x FROM v6",
    "v8": "SELECT g, n, x FROM v7 UNION ALL SELECT g, n, x FROM v6",
    "v9": "SELECT g, sum(n) AS n, sum(x) AS x FROM v8 GROUP BY g",
    "v10": "SELECT count(*) AS groups, sum(n) AS n, sum(x) AS x FROM v9",
}
DIAMOND = {
    "v1": GROUPED,
    "v2": "SELECT g, n FROM v1 WHERE n > 1",
    "v3": "SELECT g, x FROM v1 WHERE x > 1",
    "v4": "SELECT v2.g, v2.n, v3.x FROM v2 JOIN v3 ON v2.g = v3.g",
    "v5": "SELECT sum(n) AS n, sum(x) AS x FROM v4",
}
FAN_WIDTH, LONELY_VIEWS = 20, 100


def chain(run: Run) -> Iterator[Measurement]:
    """Ten views, one over the other."""
    yield _measure(run, "chain of 10 views", CHAIN, most=60)


def diamond(run: Run) -> Iterator[Measurement]:
    """Five views, the fourth of which reads one view along two ways."""
    yield _measure(run, "diamond of 5 views", DIAMOND, most=25)


def fan(run: Run) -> Iterator[Measurement]:
    """Three layers of twenty views each."""
    views = {}
    for number in range(FAN_WIDTH):
        views[f"a{number}"] = (
            f"SELECT g, count(*) AS n, sum(x) AS x FROM t WHERE x % {FAN_WIDTH} <> {number} GROUP BY g"
        )
        views[f"b{number}"] = f"SELECT g % 50 AS g, sum(n) AS n, sum(x) AS x FROM a{number} GROUP BY 1"
        views[f"c{number}"] = f"SELECT g, n, x FROM b{number} WHERE g <> {number}"
    yield _measure(run, f"3 × {FAN_WIDTH} views", views, most=250)


def untouched(run: Run) -> Iterator[Measurement]:
    """A hundred views over another table than the changed one, against none."""
    views = {
        f"v{number}": f"SELECT g % {number + 2} AS g, sum(x) AS x FROM lonely GROUP BY 1"
        for number in range(LONELY_VIEWS)
    }
    base = _base(run)
    paths = [run.workspace.copy_of(name, base) for name in ("with_views", "without_views")]
    sides = [
        MaintainedViews(path, among, small_change, is_change_timed=True)
        for path, among in zip(paths, (views, {}), strict=True)
    ]
    sides[1].name = "no views"
    goal = Goal(side="mvengine", over="no views", most=LONELY_VIEWS, is_difference=True)
    try:
        yield run.compare(f"{LONELY_VIEWS} views untouched", sides, (goal,))
    finally:
        for side in sides:
            side.close()


def small_change(connection: Cursor, number: int) -> list[str]:
    """Ten rows each come, go, and are updated, in as many groups."""
    first = number * 1_000
    return [
        f"INSERT INTO t SELECT {ROWS} + {first} + i, i * 97 % {GROUPS}, i FROM range(10) AS r(i)",
        f"DELETE FROM t WHERE id BETWEEN {first} AND {first} + 9",
        f"UPDATE t SET x = x + 1 WHERE id BETWEEN {first} + 500 AND {first} + 509",
    ]


def _measure(run: Run, case: str, views: Mapping[str, str], *, most: float) -> Measurement:
    base = _base(run)
    paths = [run.workspace.copy_of(name, base) for name in ("maintained", "recomputed")]
    maintained = MaintainedViews(paths[0], views, small_change, is_change_timed=True)
    recomputed = RecomputedViews(paths[1], views, small_change, is_change_timed=True)
    try:
        measured = run.compare(case, [maintained, recomputed], (Goal(side="mvengine", most=most),))
    finally:
        maintained.close()
        recomputed.close()
    for view, query in views.items():
        check_equal(paths, tables=("t",), view=view, query=query)
    return measured


def _base(run: Run) -> Path:
    path = run.workspace.scratch / "base.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(BASE)
    return path
