"""Two threads that want different things of one refresh, many times: one defined end each time, and nothing is left.

Threads start at a barrier; who comes first is up to the machine. Two refreshes race 200 times, the others as often as
``MVENGINE_RACE_ROUNDS`` says.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import duckdb
import pytest
from plan_checks import check_plans, settle

import mvengine
from mvengine.errors import Error, InterfaceError, StateError
from mvengine.meta.states import PlanStatus
from mvengine.refresh.plan.outcome import Outcome, RefusalKind
from mvengine.testing.faults import inject
from mvengine.testing.flaky import flaky_files

ROUNDS = int(os.environ.get("MVENGINE_RACE_ROUNDS", "20"))
SECONDS_MAX = 60
LOST = {RefusalKind.CONFLICT, RefusalKind.ILLEGAL_TRANSITION}


@dataclass
class World:
    """A table over two files, each a stage, with a view; a cursor for each of two threads."""

    con: mvengine.Connection
    cursors: tuple[mvengine.Connection, mvengine.Connection]
    folder: Path
    pool: ThreadPoolExecutor
    round: int = 0

    def create(self) -> None:
        self.con.execute(f"CREATE TABLE t (id INT, x INT) REFRESHABLE FROM '{self.folder}' FORMAT PLAIN ENCODE CSV")
        self.con.execute("CREATE MATERIALIZED VIEW v AS SELECT id, sum(x) AS total FROM t GROUP BY id")

    def change_files(self) -> None:
        self.round += 1
        for number in (1, 2):
            (self.folder / f"{number}.csv").write_text("id,x\n" + f"{number},1\n" * self.round)

    def race(self, first: Callable[[mvengine.Connection], Any], second: Callable[[mvengine.Connection], Any]) -> Any:
        """What both came to: a value or an error of ours. Anything else is raised."""
        barrier = Barrier(2)

        def run(task: Callable[[mvengine.Connection], Any], cursor: mvengine.Connection) -> Any:
            barrier.wait(SECONDS_MAX)
            try:
                return task(cursor)
            except Error as error:
                return error

        tasks = zip((first, second), self.cursors, strict=True)
        return tuple(future.result(SECONDS_MAX) for future in [self.pool.submit(run, *it) for it in tasks])

    def check(self, *, is_loaded: bool = True) -> None:
        """At rest, with the files' contents or those of the round before."""
        settle(self.con)
        (last,) = self.con.execute("SELECT coalesce(max(plan_id), 0) FROM mv_catalog.plans").fetchone() or (0,)
        check_plans(self.con, since=last)
        held = self.round if is_loaded else self.round - 1
        rows = [(number, held) for number in (1, 2)] if held else []
        assert self.con.execute("SELECT id, count(*) FROM t GROUP BY id ORDER BY id").fetchall() == rows
        assert self.con.execute("FROM v ORDER BY id").fetchall() == rows


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with mvengine.connect(staging_batch_bytes=1) as con, ThreadPoolExecutor(2) as pool:
        found = World(con=con, cursors=(con.cursor(), con.cursor()), folder=tmp_path, pool=pool)
        found.create()
        yield found
        check_plans(con)
        for cursor in found.cursors:
            cursor.close()


def steering(number: int, verb: str, **arguments: Any) -> Callable[[mvengine.Connection], Outcome]:
    def run(cursor: mvengine.Connection) -> Outcome:
        (refresh,) = [it for it in cursor.refreshes() if it.id == number]
        found: Outcome = getattr(refresh, verb)(**arguments)
        return found

    return run


def load_attempts(world: World, number: int) -> int:
    sql = "SELECT attempts FROM mv_catalog.tasks WHERE plan_id = ? AND kind = 'load'"
    ((attempts,),) = world.con.execute(sql, [number]).fetchall()
    return int(attempts)


def executions(world: World, number: int) -> int:
    """How often a refresh was told to run."""
    sql = "SELECT count(*) FROM mv_catalog.events WHERE plan_id = ? AND task_id IS NULL AND to_state = 'RUNNING'"
    ((count,),) = world.con.execute(sql, [number]).fetchall()
    return int(count)


def start(world: World) -> int:
    refresh = world.con.refresh("t", background=True)
    assert refresh.id is not None
    return refresh.id


def fail(world: World) -> int:
    """The number of a refresh that has failed of its second file."""
    with flaky_files() as files:
        files.fail("*/2.csv", code=errno.EACCES)
        refresh = world.con.refresh("t", background=True)
        assert refresh.wait(SECONDS_MAX).status is PlanStatus.FAILED
    assert refresh.id is not None
    return refresh.id


def pause(world: World) -> int:
    """The number of a refresh that is paused behind its first file."""
    with flaky_files() as files:
        gate = files.hold("*/1.csv")
        refresh = world.con.refresh("t", background=True)
        assert gate.wait()
        with ThreadPoolExecutor(1) as pool:
            pausing = pool.submit(refresh.pause)
            run = world.con._database.registry.running(refresh.id or 0)
            assert run is not None
            assert run.control.wait(SECONDS_MAX)
            gate.release()
            assert pausing.result(SECONDS_MAX).status is PlanStatus.PAUSED
    assert refresh.id is not None
    return refresh.id


def test_f04_of_two_refreshes_of_one_table_exactly_one_loads_the_files(world: World) -> None:
    """F04: the other one is refused, or waits, in effect, and finds that nothing has changed."""
    for _ in range(200):
        world.change_files()
        ended = world.race(lambda it: it.refresh("t"), lambda it: it.refresh("t"))
        refused = [it for it in ended if isinstance(it, Error)]
        assert all(isinstance(it, StateError) and "is being refreshed already" in it.message for it in refused), refused
        results = [it.results[0] for it in ended if not isinstance(it, Error)]
        assert sum(it.files_read > 0 for it in results) == 1
        world.check()


def test_p22_a_pause_against_the_end_pauses_or_comes_too_late(world: World) -> None:
    paused = 0
    for _ in range(ROUNDS):
        world.change_files()
        begun = Event()
        with inject("refresh.after_trigger", begun.set):
            number = start(world)
            assert begun.wait(SECONDS_MAX)
            outcome, _ = world.race(
                steering(number, "pause"), lambda it: it.execute("SELECT count(*) FROM v").fetchall()
            )
        if outcome.is_done:
            assert outcome.status is PlanStatus.PAUSED
            world.check(is_loaded=False)
            assert steering(number, "resume")(world.con).is_done
            paused += 1
        else:
            assert (outcome.status, outcome.refusal.kind) == (PlanStatus.COMPLETED, RefusalKind.ILLEGAL_TRANSITION)
        world.check()
        assert steering(number, "wait", timeout=SECONDS_MAX)(world.con).status is PlanStatus.COMPLETED
    assert paused, "a pause is in time at least once"


def test_cancel_against_the_end_cancels_or_comes_too_late(world: World) -> None:
    for _ in range(ROUNDS):
        world.change_files()
        number = start(world)
        outcome, _ = world.race(steering(number, "cancel"), lambda it: it.execute("SELECT count(*) FROM v").fetchall())
        if outcome.is_done:
            assert outcome.status is PlanStatus.CANCELLED
            world.check(is_loaded=False)
            assert world.con.execute("SELECT count(*) FROM mv_meta.staged_files").fetchone() == (0,)
            world.con.execute("REFRESH TABLE t")
        else:
            assert (outcome.status, outcome.refusal.kind) == (PlanStatus.COMPLETED, RefusalKind.ILLEGAL_TRANSITION)
        world.check()


def test_p32_of_two_retries_at_once_one_is_carried_out(world: World) -> None:
    for _ in range(ROUNDS):
        world.change_files()
        number = fail(world)
        assert load_attempts(world, number) == 1
        outcomes = world.race(steering(number, "retry"), steering(number, "retry"))
        (lost,) = [it for it in outcomes if not it.is_done]
        assert lost.refusal.kind in LOST
        world.check()
        assert load_attempts(world, number) == 2
        assert executions(world, number) == 2


def test_p02_of_two_resumes_at_once_one_is_carried_out(world: World) -> None:
    for _ in range(ROUNDS):
        world.change_files()
        number = pause(world)
        outcomes = world.race(steering(number, "resume"), steering(number, "resume"))
        (lost,) = [it for it in outcomes if not it.is_done]
        assert lost.refusal.kind in LOST
        world.check()
        assert load_attempts(world, number) == 1
        assert executions(world, number) == 2


def test_p32_of_a_retry_and_a_rollback_at_once_one_is_carried_out(world: World) -> None:
    for _ in range(ROUNDS):
        world.change_files()
        number = fail(world)
        retried, rolled_back = world.race(steering(number, "retry"), steering(number, "rollback"))
        assert retried.is_done != rolled_back.is_done
        world.check(is_loaded=retried.is_done)
        if rolled_back.is_done:
            world.con.execute("REFRESH TABLE t")
        world.check()


def test_r08_a_drop_during_a_refresh_ends_it_cleanly(world: World) -> None:
    for _ in range(ROUNDS):
        world.change_files()
        number = start(world)
        dropped, _ = world.race(lambda it: it.execute("DROP TABLE t CASCADE"), steering(number, "wait", timeout=60))
        assert not isinstance(dropped, Error), dropped
        settle(world.con)
        check_plans(world.con, since=number)
        ended = steering(number, "wait", timeout=SECONDS_MAX)(world.con).status
        assert ended in (PlanStatus.COMPLETED, PlanStatus.CANCELLED)
        left = world.con.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'mv_state'").fetchone()
        assert left == (0,)
        assert world.con.execute("SELECT count(*) FROM mv_meta.staged_files").fetchone() == (0,)
        world.create()
        world.con.execute("REFRESH TABLE t")
        world.check()


def test_a_view_that_is_created_during_writes_misses_none(world: World) -> None:
    world.con.execute("CREATE TABLE p (k INT, x INT)")
    for number in range(ROUNDS):
        name = f"w{number}"
        sql = f"CREATE MATERIALIZED VIEW {name} AS SELECT k, count(*) AS n, sum(x) AS total FROM p GROUP BY k"
        ended = world.race(
            lambda it, sql=sql: it.execute(sql),  # type: ignore[misc]
            lambda it, number=number: it.execute(f"INSERT INTO p VALUES ({number % 3}, {number})"),  # type: ignore[misc]
        )
        assert not [it for it in ended if isinstance(it, Error)], ended
        stored = world.con.execute(f"FROM {name} ORDER BY k").fetchall()
        assert stored == world.con.execute("SELECT k, count(*), sum(x) FROM p GROUP BY k ORDER BY k").fetchall()
        world.con.execute(f"DROP MATERIALIZED VIEW {name}")


def test_a_close_while_another_thread_waits_for_a_refresh_closes_the_file(tmp_path: Path) -> None:
    """Whoever waits is told that the connection is closed, or how the refresh ended."""
    (tmp_path / "1.csv").write_text("id,x\n1,1\n")
    with mvengine.connect(str(tmp_path / "closed.db")) as con:
        con.execute(f"CREATE TABLE t (id INT, x INT) REFRESHABLE FROM '{tmp_path}/*.csv' FORMAT PLAIN ENCODE CSV")
    for _ in range(ROUNDS):
        con = mvengine.connect(str(tmp_path / "closed.db"))
        refresh = con.refresh("t", full=True, background=True)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(refresh.wait, SECONDS_MAX)
            con.close()
            with suppress(InterfaceError):  # it is closed
                assert waiting.result(SECONDS_MAX).is_done
    with duckdb.connect(str(tmp_path / "closed.db"), config={"threads": 1}):
        pass  # nobody has it open
    with mvengine.connect(str(tmp_path / "closed.db")) as con:
        settle(con)
        con.execute("REFRESH TABLE t")
        assert con.execute("FROM t").fetchall() == [(1, 1)]
        check_plans(con)
