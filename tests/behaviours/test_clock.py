# ruff: noqa: E501 - a query stays on one line
"""Views with now() and current_date: the clock is an input that stands still between refreshes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mvengine
from mvengine.planner.clock import on_clock
from mvengine.testing.clock import FakeClock

HOUR = 3600
QUERIES = {
    "recent": "SELECT id FROM t WHERE ts > now() - INTERVAL 2 HOUR AND ts <= now()",
    "days": "SELECT id, d - current_date AS days FROM t WHERE d >= today()",
    "groups": "SELECT g, count(*) AS n, max(ts) AS m, now() AS at FROM t WHERE ts <= current_timestamp GROUP BY g",
    "joined": "SELECT a.id, b.id AS other FROM t AS a LEFT JOIN t AS b ON a.id = b.g AND b.ts < now()",
    "filtered": "SELECT g, count(*) FILTER (WHERE ts < now()) AS n FROM t GROUP BY g HAVING max(ts) < now() + INTERVAL 20 HOUR",
    "local": "SELECT id, localtimestamp AS l, row_number() OVER (PARTITION BY g ORDER BY ts, id) AS r FROM t WHERE ts < now()",
    "ages": "SELECT id, age(ts) AS a, age(d) AS b, age(ts::TIMESTAMP_NS) AS c, age(greatest(now(), ts)) AS e FROM t",
    "old": "SELECT g, max(age(ts)) AS a FROM t WHERE age(d) > to_days((SELECT min(g) FROM t)) GROUP BY g",
    "oldest": "SELECT age((SELECT min(ts) FROM t)) AS a",
    "nothing": "SELECT now() AS at, count(*) AS n FROM t WHERE g = 99",
    "above": "SELECT count(*) AS n FROM recent",
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def con(clock: FakeClock) -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        connection._session.database.clock = clock
        connection.execute("CREATE TABLE t (id INT, ts TIMESTAMPTZ, d DATE, g INT)")
        connection.execute(
            "INSERT INTO t SELECT i, TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL 1 HOUR,"
            " DATE '2026-01-01' + i::INT, i % 3 FROM range(10) AS t(i)"
        )
        for name, query in QUERIES.items():
            connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")
        yield connection


def _ids(con: mvengine.Connection) -> list[int]:
    return [row[0] for row in con.execute("SELECT id FROM recent ORDER BY id").fetchall()]


def _check(con: mvengine.Connection) -> None:
    for name, query in QUERIES.items():
        rows, wanted = (sorted(map(repr, con.execute(text).fetchall())) for text in (f"FROM {name}", on_clock(query)))
        assert rows == wanted, name
    assert {row[5] for row in con.execute("VERIFY ALL").fetchall()} == {"equal"}


def test_rows_enter_and_leave_by_refresh_with_no_change_of_data(con: mvengine.Connection, clock: FakeClock) -> None:
    assert _ids(con) == [0]
    clock.advance(3 * HOUR)
    assert _ids(con) == [0]
    con.execute("REFRESH ALL")
    assert _ids(con) == [2, 3]
    _check(con)


def test_a_commit_leaves_the_clock_where_it_is(con: mvengine.Connection, clock: FakeClock) -> None:
    clock.advance(3 * HOUR)
    con.execute("INSERT INTO t VALUES (7, TIMESTAMPTZ '2025-12-31 23:30:00+00', DATE '2026-01-03', 1)")
    assert _ids(con) == [0, 7]
    _check(con)


def test_a_refresh_of_one_view_moves_all_that_read_the_clock_in_one_epoch(
    con: mvengine.Connection, clock: FakeClock
) -> None:
    clock.advance(30 * HOUR)
    con.execute("REFRESH MATERIALIZED VIEW above")
    _check(con)
    epochs = con.execute(
        "SELECT max(epoch) FROM mv_catalog.maintenance_history WHERE name IN ('recent', 'days', 'filtered') GROUP BY name"
    ).fetchall()
    assert len(epochs) == 3
    assert len(set(epochs)) == 1


def test_a_view_is_created_by_the_clock_of_its_creation_and_the_others_follow(
    con: mvengine.Connection, clock: FakeClock
) -> None:
    clock.advance(3 * HOUR)
    con.execute("CREATE MATERIALIZED VIEW late AS SELECT id FROM t WHERE ts < now()")
    assert _ids(con) == [2, 3]
    _check(con)


def test_the_clock_does_not_go_back(con: mvengine.Connection, clock: FakeClock) -> None:
    clock.advance(3 * HOUR)
    con.execute("REFRESH ALL")
    clock.advance(-2 * HOUR)
    con.execute("REFRESH ALL")
    assert _ids(con) == [2, 3]


def test_a_refresh_that_fails_leaves_the_clock_where_it_is(con: mvengine.Connection, clock: FakeClock) -> None:
    con.execute(
        "CREATE MATERIALIZED VIEW fails AS SELECT CAST('x' || id AS INT) AS e FROM t WHERE ts < now() - INTERVAL 5 HOUR"
    )
    before = con.execute("SELECT epoch_ms(now) FROM mv_catalog.clock").fetchall()
    clock.advance(50 * HOUR)
    with pytest.raises(mvengine.Error):
        con.execute("REFRESH ALL")
    assert con.execute("SELECT epoch_ms(now) FROM mv_catalog.clock").fetchall() == before


def test_a_deferred_view_follows_the_clock_with_the_tables(con: mvengine.Connection, clock: FakeClock) -> None:
    query = "SELECT id, ts FROM t WHERE ts < now()"
    con.execute(f"CREATE MATERIALIZED VIEW later WITH (maintain = 'deferred') AS {query}")
    clock.advance(4 * HOUR)
    con.execute("DELETE FROM t WHERE id = 1")
    con.execute("REFRESH MATERIALIZED VIEW recent")
    assert con.execute("SELECT count(*) FROM later").fetchone() == (0,)
    con.execute("REFRESH MATERIALIZED VIEW later")
    assert con.execute("SELECT id FROM later ORDER BY id").fetchall() == [(0,), (2,), (3,)]


def test_a_view_that_is_replaced_is_by_the_clock_of_that_moment(con: mvengine.Connection, clock: FakeClock) -> None:
    clock.advance(3 * HOUR)
    query = "SELECT id FROM t WHERE ts > now() - INTERVAL 1 HOUR AND ts <= now()"
    con.execute(f"CREATE OR REPLACE MATERIALIZED VIEW recent AS {query}")
    assert _ids(con) == [3]
    assert con.execute("SELECT n FROM above").fetchone() == (1,)
    assert {row[5] for row in con.execute("VERIFY ALL").fetchall()} == {"equal"}
