"""The reserve of a TopStage runs out, and is filled again from the input."""

from __future__ import annotations

import random

import pytest

import mvengine
from mvengine.planner.emit import top

QUERIES = (
    "SELECT v FROM r ORDER BY v LIMIT 1",
    "SELECT id, v FROM r ORDER BY v DESC, id LIMIT 3 OFFSET 1",
    "SELECT count(*) AS n, sum(q.v) AS s FROM (SELECT v FROM r ORDER BY v NULLS FIRST LIMIT 4) AS q",
)


@pytest.mark.parametrize("reserve", [0, 3])
def test_first_rows_are_exact_whatever_is_left_of_the_reserve(monkeypatch: pytest.MonkeyPatch, reserve: int) -> None:
    monkeypatch.setattr(top, "_RESERVE_ROWS", reserve)
    chance = random.Random(reserve)
    con = mvengine.connect()
    con.execute("CREATE TABLE r (id INT, v INT)")
    con.execute("INSERT INTO r SELECT i, nullif(i % 7, 3) FROM range(40) AS t(i)")
    for number, query in enumerate(QUERIES):
        con.execute(f"CREATE MATERIALIZED VIEW v{number} AS {query}")
    for _ in range(40):
        if chance.random() < 0.6:
            con.execute(
                "DELETE FROM r WHERE v IN (SELECT v FROM r ORDER BY v LIMIT 1) OR id = ?", [chance.randrange(80)]
            )
        else:
            con.execute("INSERT INTO r SELECT ?, ? FROM range(3)", [chance.randrange(80), chance.randrange(7)])
        for number, query in enumerate(QUERIES):
            assert _rows(con, f"FROM v{number}") == _rows(con, query), query


def _rows(con: mvengine.Connection, query: str) -> list[str]:
    return sorted(repr(row) for row in con.execute(query).fetchall())


def test_a_reserve_that_is_partly_used_up_is_no_wrong_state() -> None:
    con = mvengine.connect()
    con.execute("CREATE TABLE r (id INT, v INT)")
    con.execute("INSERT INTO r SELECT i, i FROM range(500) AS t(i)")
    for number, query in enumerate(QUERIES):
        con.execute(f"CREATE MATERIALIZED VIEW v{number} AS {query}")
    con.execute("DELETE FROM r WHERE v % 3 = 0")
    con.execute("INSERT INTO r VALUES (-1, -1)")
    assert {row[5] for row in con.execute("VERIFY ALL").fetchall()} == {"equal"}
