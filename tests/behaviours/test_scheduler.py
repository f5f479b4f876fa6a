"""R09: tables that refresh by themselves. The clock is the test's: nothing here waits for real time to pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import current_thread, main_thread

import pytest
from behaviour_world import Files, declare, epoch, one, rows

import mvengine
from mvengine.config import load_config
from mvengine.connection import Connection
from mvengine.errors import ProgrammingError, UnknownOption, WrongObject
from mvengine.refresh.opening import acquire
from mvengine.testing.clock import FakeClock
from mvengine.testing.faults import inject

EVERY_MINUTE = "WITH (refresh_interval_sec = 60)"
MINUTE = 66  # seconds after which a table with an interval of 60 is due, the longest jitter included


class World:
    """A database with a scheduler and a clock that stands still."""

    def __init__(self, path: str = ":memory:", clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.database = acquire(path, load_config({"scheduler": True, "retry_pause": 0}), self.clock)
        self.con = Connection(self.database)
        self.clock.settle()

    def declare(self, *tables: tuple[str, Files], more: str = EVERY_MINUTE) -> None:
        for table, files in tables:
            declare(self.con, table, files, more=more)
        self.clock.settle()

    def run(self, sql: str) -> None:
        """A statement, and what the scheduler makes of it."""
        self.con.execute(sql)
        self.clock.settle()

    def advance(self, seconds: float) -> None:
        """Lets time pass, and the scheduler do what is due."""
        self.clock.advance(seconds)
        self.clock.settle()

    def schedule(self, column: str, table: str = "t") -> object:
        return one(self.con, f"SELECT {column} FROM mv_catalog.schedules WHERE table_name = '{table}'")

    def runs(self, table: str = "t") -> object:
        """How many refreshes the scheduler has started."""
        return one(
            self.con,
            f"SELECT coalesce(sum(runs), 0) FROM mv_meta.schedules JOIN mv_meta.relations USING (relation_id) "
            f"WHERE name = '{table}'",
        )


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.con:
        yield world


@contextmanager
def removed(files: Files) -> Iterator[None]:
    """The source is not there for a while."""
    hidden = files.folder.with_suffix(".hidden")
    files.folder.rename(hidden)
    yield
    hidden.rename(files.folder)


def test_r09_a_table_with_an_interval_is_refreshed_by_itself_and_its_views_follow(world: World, files: Files) -> None:
    world.declare(("t", files))
    world.run("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    files.write(a="1,10")
    world.advance(59)
    assert rows(world.con, "t") == []
    world.advance(7)
    assert rows(world.con, "v") == [(10,)]
    files.write(a="1,10", b="2,20")
    world.advance(MINUTE)
    assert rows(world.con, "v") == [(30,)]


def test_r09_a_table_without_an_interval_and_a_database_without_a_scheduler_are_left_alone(
    world: World, files: Files
) -> None:
    files.write(a="1,10")
    world.declare(("t", files), more="")
    world.advance(10 * MINUTE)
    assert rows(world.con, "t") == []
    assert rows(world.con, "mv_catalog.schedules") == []
    clock = FakeClock()
    with Connection(acquire(":memory:", load_config({}), clock)) as con:
        declare(con, "t", files, more=EVERY_MINUTE)
        clock.advance(10 * MINUTE)
        assert rows(con, "t") == []
        assert rows(con, "SELECT next_run, reason FROM mv_catalog.schedules") == [(None, "no scheduler is running")]


def test_r09_overdue_refreshes_are_not_piled_up(world: World, files: Files) -> None:
    world.declare(("t", files))
    world.advance(100 * MINUTE)
    assert world.runs() == 1
    world.advance(59)
    assert world.runs() == 1
    world.advance(7)
    assert world.runs() == 2


def test_r09_a_refresh_by_hand_counts_as_the_last_look(world: World, files: Files) -> None:
    files.write(a="1,10")
    world.declare(("t", files))
    world.advance(50)
    before = world.schedule("next_run")
    world.con.execute("REFRESH TABLE t")
    assert world.schedule("next_run") == before + timedelta(seconds=50)  # type: ignore[operator]
    world.advance(50)
    assert world.runs() == 0
    world.advance(MINUTE - 50)
    assert world.runs() == 1


def test_r09_jitter_stays_within_a_tenth_of_the_interval_and_differs_between_runs(world: World, files: Files) -> None:
    world.declare(("t", files), more="WITH (refresh_interval_sec = 1000)")
    pauses = set()
    for _ in range(5):
        pause = _pause(world)
        assert 1000 <= pause <= 1100
        pauses.add(pause)
        world.advance(pause)
    assert world.runs() == 5
    assert len(pauses) == 5


def _pause(world: World) -> float:
    """Seconds until the next run."""
    next_run = world.schedule("next_run")
    assert isinstance(next_run, datetime)
    return (next_run.replace(tzinfo=UTC) - world.clock()).total_seconds()


def test_r09_failures_back_off_and_a_success_resets_them(world: World, files: Files) -> None:
    files.write(a="1,10")
    world.declare(("t", files))
    with removed(files):
        for failures, pause in enumerate((60, 120, 240, 480, 960, 1920, 3600, 3600)):
            assert world.schedule("failures") == failures
            assert pause <= _pause(world) <= pause + 6
            world.advance(_pause(world))
    assert world.schedule("last_status") == "FAILED"
    assert "files" in str(world.schedule("reason"))
    assert "backs off after 8 failures" in str(world.schedule("reason"))
    assert threading.active_count() > 1
    world.advance(3606)
    assert rows(world.con, "t") == [(1, 10)]
    assert (world.schedule("failures"), world.schedule("last_status")) == (0, "COMPLETED")
    assert _pause(world) <= 66


def test_r09_a_success_by_hand_ends_the_backing_off(world: World, files: Files) -> None:
    files.write(a="1,10")
    world.declare(("t", files))
    with removed(files):
        for _ in range(6):
            world.advance(_pause(world))
    assert _pause(world) > 3000
    world.con.execute("REFRESH TABLE t")
    world.advance(60)  # it looks at the latest after the shortest interval
    assert world.schedule("failures") == 0
    assert _pause(world) <= 6


def test_r09_tables_due_at_once_are_refreshed_under_one_epoch(world: World, files: Files, tmp_path: Path) -> None:
    other = Files(tmp_path / "other")
    world.declare(("t", files), ("u", other))
    before = epoch(world.con)
    files.write(a="1,10")
    other.write(a="2,20")
    world.advance(MINUTE)
    assert (rows(world.con, "t"), rows(world.con, "u")) == ([(1, 10)], [(2, 20)])
    assert epoch(world.con) == before + 1  # type: ignore[operator]


def test_r09_a_broken_source_does_not_hold_up_the_tables_due_with_it(
    world: World, files: Files, tmp_path: Path
) -> None:
    other = Files(tmp_path / "other")
    world.declare(("t", files), ("u", other))
    files.write(a="1,many")
    for failures, row in ((1, "1,10"), (2, "2,20")):
        other.write(a=row)
        world.advance(2 * MINUTE)
        assert rows(world.con, "SELECT concat_ws(',', id, x) FROM u") == [(row,)]
        assert (world.schedule("failures", "u"), world.schedule("last_status", "u")) == (0, "COMPLETED")
        assert (world.schedule("failures"), world.schedule("last_status")) == (failures, "FAILED")


def test_r09_a_table_that_is_being_refreshed_is_left_for_later_and_none_runs_twice(world: World, files: Files) -> None:
    files.write(a="1,10")
    world.declare(("t", files))
    seen: list[tuple[object, object, object]] = []
    with world.con.cursor() as reader:

        def meanwhile() -> None:
            world.advance(3 * MINUTE)
            sql = "SELECT is_running, last_status, reason FROM mv_catalog.schedules"
            seen.append(reader.execute(sql).fetchall()[0])

        with inject("refresh.after_trigger", meanwhile):
            world.con.execute("REFRESH TABLE t")
    assert seen == [(True, "RUNNING", "due, and waits for the refresh that is going on")]
    assert world.runs() == 0
    world.advance(MINUTE)
    assert (world.runs(), world.schedule("failures"), world.schedule("is_running")) == (1, 0, False)


@contextmanager
def held_up(world: World) -> Iterator[None]:
    """While the block runs, the scheduler is refreshing, until it is asked for something."""
    reached, scheduler = threading.Event(), world.database.scheduler
    assert scheduler is not None

    def hold() -> None:
        reached.set()
        assert scheduler._control.wait(10)

    with inject("refresh.after_trigger", hold):
        world.clock.advance(MINUTE)
        assert reached.wait(10)
        yield


def test_r09_a_table_whose_source_is_being_listed_is_left_for_later_and_has_not_failed(
    world: World, files: Files
) -> None:
    world.declare(("t", files))
    files.write(a="1,10")

    def meanwhile() -> None:
        if current_thread() is main_thread():
            world.advance(2 * MINUTE)

    with inject("refresh.after_listing", meanwhile):
        world.con.execute("REFRESH TABLE t")
    world.clock.settle()
    assert (world.runs(), world.schedule("failures")) == (1, 0)
    files.write(a="1,11")
    world.advance(2 * MINUTE)
    assert rows(world.con, "t") == [(1, 11)]


def test_r09_a_scheduled_refresh_is_a_refresh_like_any_other_and_says_who_started_it(
    world: World, files: Files
) -> None:
    files.write(a="1,10")
    world.declare(("t", files))
    world.advance(MINUTE)
    plans = rows(world.con, "SELECT status, trigger, tables, is_background FROM mv_catalog.plans")
    assert plans == [("COMPLETED", "schedule", ["t"], False)]


def test_r09_a_scheduled_refresh_that_is_cancelled_has_not_failed_and_comes_again(world: World, files: Files) -> None:
    files.write(a="1,10")
    world.declare(("t", files))
    with held_up(world):
        world.con.execute("CANCEL REFRESH 1")
    world.clock.settle()
    assert (world.schedule("failures"), world.schedule("last_status")) == (0, "CANCELLED")
    assert 60 <= _pause(world) <= 66
    world.advance(MINUTE)
    assert rows(world.con, "t") == [(1, 10)]


def test_r09_a_scheduled_refresh_that_is_paused_holds_its_table_until_it_is_resumed(world: World, files: Files) -> None:
    files.write(a="1,10")
    world.declare(("t", files))
    with held_up(world):
        world.con.execute("PAUSE REFRESH 1")
    world.clock.settle()
    world.advance(3 * MINUTE)
    assert (world.runs(), world.schedule("failures"), world.schedule("last_status")) == (1, 0, "RUNNING")
    assert world.schedule("reason") == "due, and waits for the refresh that is going on"
    world.run("RESUME REFRESH 1; WAIT")
    assert rows(world.con, "t") == [(1, 10)]
    files.write(a="1,11")
    world.advance(3 * MINUTE)
    assert rows(world.con, "t") == [(1, 11)]


# -- changes -----------------------------------------------------------------------------------------------------------


def test_r09_alter_table_changes_the_interval_at_once(world: World, files: Files) -> None:
    files.write(a="1,10")
    world.declare(("t", files), more="WITH (refresh_interval_sec = 86400)")
    world.run("ALTER TABLE t SET (refresh_interval_sec = 60)")
    assert world.schedule("interval_sec") == 60
    assert 60 <= _pause(world) <= 66
    world.advance(MINUTE)
    assert rows(world.con, "t") == [(1, 10)]
    world.run("ALTER TABLE t SET (refresh_interval_sec = NULL)")
    assert rows(world.con, "mv_catalog.schedules") == []
    files.write(a="1,99")
    world.advance(10 * MINUTE)
    assert rows(world.con, "t") == [(1, 10)]


def test_r09_alter_in_a_transaction_counts_when_it_commits(world: World, files: Files) -> None:
    world.declare(("t", files), more="")
    world.con.execute("BEGIN; ALTER TABLE t SET (refresh_interval_sec = 60); ROLLBACK")
    assert rows(world.con, "mv_catalog.schedules") == []
    world.con.execute("BEGIN; ALTER TABLE t SET (refresh_interval_sec = 60)")
    world.advance(MINUTE)
    assert world.runs() == 0
    world.run("COMMIT")
    world.advance(1)
    assert world.runs() == 1


def test_r09_a_dropped_table_is_gone_from_the_schedules(world: World, files: Files, tmp_path: Path) -> None:
    world.declare(("t", files), ("u", Files(tmp_path / "other")))
    world.run("DROP TABLE t")
    assert rows(world.con, "SELECT table_name FROM mv_catalog.schedules") == [("u",)]
    world.advance(MINUTE)
    assert (world.runs(), world.runs("u")) == (0, 1)


def test_r09_a_table_dropped_while_the_scheduler_refreshes_it_ends_that_refresh(world: World, files: Files) -> None:
    files.write(a="1,10")
    world.declare(("t", files))
    left = [lambda: world.con.execute("DROP TABLE t")]
    with inject("refresh.after_staged", lambda: left and left.pop()()):  # type: ignore[arg-type, return-value]
        world.advance(MINUTE)
    assert left == []
    assert rows(world.con, "mv_catalog.schedules") == []
    world.declare(("t", files))
    world.advance(MINUTE)
    assert rows(world.con, "t") == [(1, 10)]


def test_r09_a_bug_in_the_scheduler_is_shown_and_the_next_turn_goes_on(world: World, files: Files) -> None:
    files.write(a="1,10")
    scheduler = world.database.scheduler
    assert scheduler is not None
    good = scheduler._jitter

    def bad(*_: object) -> float:
        raise ZeroDivisionError("no jitter")

    scheduler._jitter = bad
    world.declare(("t", files))
    assert world.schedule("reason") == "the scheduler failed: ZeroDivisionError: no jitter"
    scheduler._jitter = good
    world.advance(MINUTE)
    assert rows(world.con, "t") == [(1, 10)]
    assert world.schedule("reason") == "every 60 s"


# -- its life ----------------------------------------------------------------------------------------------------------


def scheduler_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mvengine-scheduler"]


def test_r09_close_stops_and_joins_the_thread(tmp_path: Path) -> None:
    database = str(tmp_path / "one.db")
    with mvengine.connect(database) as plain:
        assert scheduler_threads() == []
        with mvengine.connect(database, scheduler=True), mvengine.connect(database, scheduler=True):
            assert len(scheduler_threads()) == 1
        assert len(scheduler_threads()) == 1  # the database is open still
        plain.execute("SELECT 1")
    assert scheduler_threads() == []


def test_r09_close_during_a_scheduled_refresh_leaves_a_database_that_opens_and_goes_on(
    tmp_path: Path, files: Files
) -> None:
    files.write(a="1,10")
    path, clock = str(tmp_path / "one.db"), FakeClock()
    world = World(path, clock)
    world.declare(("t", files))
    with held_up(world):
        world.con.close()
    assert scheduler_threads() == []
    world = World(path, clock)
    with world.con:
        assert world.schedule("failures") == 0
        assert 60 <= _pause(world) <= 66  # start-up has set it back: nothing was staged to go on from
        world.advance(MINUTE)
        assert rows(world.con, "t") == [(1, 10)]


def test_r09_after_a_restart_an_overdue_table_is_refreshed_once_and_failures_are_remembered(
    tmp_path: Path, files: Files
) -> None:
    files.write(a="1,10")
    path, clock = str(tmp_path / "one.db"), FakeClock()
    world = World(path, clock)
    with world.con, removed(files):
        world.declare(("t", files))
        for _ in range(3):
            world.advance(_pause(world))
        assert world.schedule("failures") == 3
    world = World(path, clock)
    with world.con:
        assert world.schedule("failures") == 3
        assert 480 <= _pause(world) <= 486
    clock.advance(86_400)
    world = World(path, clock)
    with world.con:
        assert (world.runs(), world.schedule("failures")) == (4, 0)
        assert rows(world.con, "t") == [(1, 10)]


def test_r09_opened_without_a_scheduler_nothing_claims_to_run(tmp_path: Path, files: Files) -> None:
    path = str(tmp_path / "one.db")
    world = World(path)
    with world.con:
        world.declare(("t", files))
        assert world.schedule("next_run") is not None
    with mvengine.connect(path) as con:
        assert rows(con, "SELECT next_run, reason FROM mv_catalog.schedules") == [(None, "no scheduler is running")]


# -- settings ----------------------------------------------------------------------------------------------------------


def test_r09_settings_of_tables_and_views_are_kept_over_a_restart_and_go_with_their_relation(
    tmp_path: Path, files: Files
) -> None:
    path = str(tmp_path / "one.db")
    shown = "SELECT relation, name, value FROM mv_catalog.settings"
    with mvengine.connect(path) as con:
        declare(con, "t", files, more="WITH (max_attempts = 5, recovery = 'Restart')")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
        con.execute("ALTER MATERIALIZED VIEW v SET (max_attempts = 2)")
        con.execute("ALTER TABLE t SET (max_attempts = 7)")
    with mvengine.connect(path) as con:
        assert rows(con, shown) == [
            ("t", "max_attempts", "7"),
            ("t", "recovery", "restart"),
            ("v", "max_attempts", "2"),
        ]
        con.execute("ALTER TABLE t RESET (max_attempts)")
        assert rows(con, shown) == [("t", "recovery", "restart"), ("v", "max_attempts", "2")]
        con.execute("DROP TABLE t CASCADE")
        assert rows(con, shown) == []


@pytest.mark.parametrize(
    ("sql", "error", "said"),
    [
        ("ALTER TABLE t SET (max_atempts = 3)", UnknownOption, "did you mean 'max_attempts'"),
        ("ALTER TABLE t SET (max_attempts = 0)", ProgrammingError, "at least 1"),
        ("ALTER TABLE t SET (refresh_interval_sec = 0)", ProgrammingError, "at least 1"),
        ("ALTER TABLE t SET (refresh_interval_sec = 99999999999)", ProgrammingError, "at most 316224000"),
        ("ALTER TABLE t SET (refresh_interval_sec = 'often')", ProgrammingError, "whole number"),
        ("ALTER TABLE t SET (recovery = 'hope')", ProgrammingError, "allowed: resume, restart, reset"),
        ("ALTER TABLE t SET (match_pattern = '*.csv')", ProgrammingError, "cannot be changed"),
        ("ALTER TABLE t SET (max_attempts = 4, recovery = 'hope')", ProgrammingError, "allowed"),
        ("ALTER TABLE t RESET (recoverie)", UnknownOption, "did you mean 'recovery'"),
        (
            "ALTER MATERIALIZED VIEW v SET (refresh_interval_sec = 60)",
            UnknownOption,
            "options are: exact_floats, maintain, max_attempts",
        ),
        ("ALTER MATERIALIZED VIEW t SET (max_attempts = 3)", WrongObject, "not a materialized view"),
        ("ALTER TABLE v SET (max_attempts = 3)", WrongObject, "not refreshable"),
        ("ALTER TABLE plain SET (max_attempts = 3)", WrongObject, "not refreshable"),
    ],
)
def test_r09_alter_refuses_what_is_no_setting_and_changes_nothing(
    con: mvengine.Connection, files: Files, sql: str, error: type[mvengine.Error], said: str
) -> None:
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t; CREATE TABLE plain (id INT)")
    with pytest.raises(error, match=said):
        con.execute(sql)
    assert rows(con, "mv_catalog.settings") == []
    assert rows(con, "mv_catalog.schedules") == []
