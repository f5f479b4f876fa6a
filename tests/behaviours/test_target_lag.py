"""Views with a target_lag, brought up to date by the scheduler. The clock is the test's: nothing really waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mvengine.config import load_config
from mvengine.connection import Connection
from mvengine.refresh.opening import acquire
from mvengine.testing.clock import FakeClock


class World:
    """A database with a scheduler, a clock that stands still, and a table with something in it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.con = Connection(acquire(":memory:", load_config({"scheduler": True}), self.clock))
        self.clock.settle()
        self.run("CREATE TABLE t (a INTEGER, s VARCHAR)")

    def run(self, sql: str) -> None:
        self.con.execute(sql)

    def one(self, sql: str) -> object:
        (found,) = self.con.execute(sql).fetchall()
        return found[0]

    def advance(self, seconds: float) -> None:
        """Lets time pass, and the scheduler do what is due."""
        self.clock.advance(seconds)
        self.clock.settle()

    def state(self, view: str = "v") -> object:
        return self.one(f"SELECT state FROM mv_catalog.materialized_views WHERE name = '{view}'")

    def schedule(self, column: str, view: str = "v") -> object:
        return self.one(f"SELECT {column} FROM mv_catalog.schedules WHERE table_name = '{view}'")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.con:
        yield world


def lagging(world: World, lag: str = "4 minutes", more: str = "") -> None:
    world.run(f"CREATE MATERIALIZED VIEW v WITH (target_lag = '{lag}'{more}) AS SELECT sum(a) AS total FROM t")
    world.clock.settle()


def test_a_view_follows_before_it_lags_by_its_target(world: World) -> None:
    lagging(world)
    world.run("INSERT INTO t VALUES (1, 'x')")
    world.advance(59)
    assert world.state() == "stale"
    assert world.one("FROM v") is None
    world.advance(61)
    assert world.state() == "fresh"
    assert world.one("FROM v") == 1


def test_a_change_just_after_a_look_does_not_wait_for_longer_than_the_target(world: World) -> None:
    lagging(world, "10 seconds")
    world.advance(5)
    world.advance(0.1)
    world.run("INSERT INTO t VALUES (1, 'x')")
    for _ in range(9):
        world.advance(1)
    assert world.one("FROM v") == 1


def test_nothing_is_refreshed_where_nothing_waits(world: World) -> None:
    lagging(world)
    for _ in range(10):
        world.advance(240)
    assert world.one("SELECT runs FROM mv_meta.schedules") == 0
    assert world.schedule("next_run IS NULL AND last_run IS NULL AND reason = 'stays behind by at most 4 minutes'")


def test_views_that_are_due_together_and_what_they_read_are_at_one_epoch(world: World) -> None:
    world.run("CREATE MATERIALIZED VIEW base WITH (maintain = 'deferred') AS SELECT a FROM t WHERE a > 0")
    lagging(world)
    world.run("CREATE MATERIALIZED VIEW w WITH (target_lag = '4 min') AS SELECT max(a) AS most FROM base")
    world.clock.settle()
    world.run("INSERT INTO t VALUES (1, 'x')")
    epoch = world.con.execute("SELECT max(epoch) FROM mv_catalog.epochs").fetchall()[0][0]
    world.advance(120)
    assert world.con.execute("FROM v, w").fetchall() == [(1, 1)]
    epochs = world.con.execute("SELECT DISTINCT epoch FROM mv_catalog.materialized_views").fetchall()
    assert epochs == [(epoch + 1,)]


def test_a_view_that_fails_backs_off_and_is_well_again_after_a_refresh_by_hand(world: World) -> None:
    world.run(
        "CREATE MATERIALIZED VIEW v WITH (target_lag = '2 minutes') AS SELECT sum(CAST(s AS INTEGER)) AS total FROM t"
    )
    world.clock.settle()
    world.run("INSERT INTO t VALUES (1, 'x')")
    world.advance(60)
    assert world.schedule("failures") == 1
    assert "backs off after 1 failure" in str(world.schedule("reason"))
    assert "materialized view v: " in str(world.schedule("reason"))
    world.advance(60)
    assert world.schedule("failures") == 1
    world.advance(60)
    assert world.schedule("failures") == 2
    world.run("UPDATE t SET s = '7'")
    world.run("REFRESH MATERIALIZED VIEW v")
    world.run("INSERT INTO t VALUES (2, '3')")
    world.advance(30)
    assert world.one("FROM v") == 7
    world.advance(30)
    assert world.one("FROM v") == 10
    assert world.schedule("failures") == 0


def test_a_failing_view_does_not_hold_up_those_that_are_due_with_it(world: World) -> None:
    lagging(world, "2 minutes")
    world.run(
        "CREATE MATERIALIZED VIEW bad WITH (target_lag = '2 minutes') AS SELECT sum(CAST(s AS INTEGER)) AS total FROM t"
    )
    world.clock.settle()
    world.run("INSERT INTO t VALUES (1, 'x')")
    world.advance(60)
    assert world.state() == "fresh"
    assert world.state("bad") == "stale"


def test_a_suspended_view_heals_when_the_scheduler_comes_to_it(world: World) -> None:
    world.run(
        "CREATE MATERIALIZED VIEW v WITH (target_lag = '2 minutes', on_error = 'suspend') AS "
        "SELECT sum(CAST(s AS INTEGER)) AS total FROM t"
    )
    world.clock.settle()
    world.run("INSERT INTO t VALUES (1, 'x')")
    world.advance(60)
    assert world.state() == "suspended"
    assert world.schedule("failures") == 1
    world.run("UPDATE t SET s = '7'")
    world.advance(120)
    assert world.state() == "fresh"
    assert world.one("FROM v") == 7


def test_setting_and_resetting_a_target_lag_changes_the_schedule_at_once(world: World) -> None:
    world.run("CREATE MATERIALIZED VIEW v AS SELECT sum(a) AS total FROM t")
    world.run("ALTER MATERIALIZED VIEW v SET (target_lag = '1 hour 30 minutes')")
    world.clock.settle()
    assert world.schedule("interval_sec") == 5400
    world.run("INSERT INTO t VALUES (1, 'x')")
    assert world.one("FROM v") is None
    world.run("ALTER MATERIALIZED VIEW v RESET (target_lag)")
    assert world.one("FROM v") == 1
    assert world.one("SELECT count(*) FROM mv_catalog.schedules") == 0


def test_without_a_scheduler_the_schedules_say_so() -> None:
    with Connection(acquire(":memory:", load_config({}), FakeClock())) as con:
        con.execute("CREATE TABLE t (a INTEGER)")
        con.execute("CREATE MATERIALIZED VIEW v WITH (target_lag = '5 minutes') AS SELECT sum(a) AS total FROM t")
        con.execute("SHOW SCHEDULES")
        assert con.fetchall() == [("v", 300, None, None, None, 0, False, "no scheduler is running")]
