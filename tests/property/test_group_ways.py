"""A group view follows by one statement where its state is small, by several where it is large: to the same rows."""

from __future__ import annotations

from random import Random

import pytest

import mvengine
from mvengine.refresh.stages import group

VIEW = "SELECT a, b, count(*) AS n, count(x) AS xs, sum(x) AS s FROM t GROUP BY a, b"
EXTREMA = "SELECT a, b, min(x) AS low, max(x) AS high FROM t GROUP BY a, b"
OVER = "SELECT n, count(*) AS groups, sum(s) AS s FROM v WHERE xs > 0 GROUP BY n"
TOTAL = "SELECT count(*) AS n, sum(x) AS s FROM t"


@pytest.mark.parametrize("rows_max", [-1, group.SMALL_STATE_ROWS])
@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_groups_with_null_keys_follow_in_either_way(
    seed: int, is_read: bool, rows_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "SMALL_STATE_ROWS", rows_max)
    random = Random(seed)
    views = {"v": VIEW, "w": TOTAL, "e": EXTREMA, **({"o": OVER} if is_read else {})}
    with mvengine.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (id INTEGER, a INTEGER, b VARCHAR, x INTEGER)")
        for name, query in views.items():
            connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")
        for _ in range(15):
            id_, a, b = random.randint(1, 9), random.choice((1, 2, None)), random.choice(("x", None))
            statement = random.choice(
                (
                    "INSERT INTO t VALUES ($id, $a, $b, $id), ($id, $a, NULL, NULL)",
                    "UPDATE t SET a = $a, b = $b WHERE id <= $id",
                    "DELETE FROM t WHERE id >= $id AND (a IS NULL OR b IS NOT DISTINCT FROM $b OR a <> $a)",
                )
            )
            values = {"id": id_, "a": a, "b": b}
            connection.execute(statement, {name: values[name] for name in values if f"${name}" in statement})
            for view, query in views.items():
                rows = [
                    connection.execute(f"FROM ({text}) ORDER BY ALL").fetchall() for text in (f"FROM {view}", query)
                ]
                assert rows[0] == rows[1], statement
        assert connection.execute("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchall() == [(0,)]
