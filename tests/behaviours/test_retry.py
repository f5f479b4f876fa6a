"""Attempts of failed tasks: by themselves and by RETRY, P30 to P33."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest
from behaviour_world import Files, check_views, declare, rows
from plan_world import (
    SECONDS_MAX,
    Hold,
    Raise,
    causes,
    check_histories,
    connect,
    contents,
    create_diamond,
    events,
    failures,
    last,
    outage,
    refresh_in_background,
    sources,
    staged_files,
    status,
    table_state,
    tasks,
    wait,
)

import mvengine
from mvengine.errors import DataError, LoadError, SourceError, StateError
from mvengine.refresh.plan.outcome import Outcome, RefusalKind
from mvengine.refresh.plan.retry import is_tried_again, pause_before
from mvengine.refresh.run import operations
from mvengine.testing.faults import inject
from mvengine.testing.flaky import flaky_files

THREE = {"a": "1,10", "b": "2,20", "c": "3,30"}
ALL = [(1, 10), (2, 20), (3, 30)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "world.db"


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    with connect() as connection:
        yield connection
        check_histories(connection)


def fail_at_b(con: mvengine.Connection, files: Files) -> int:
    """A refresh of ``t`` that has failed at the second of its three stages: b.csv is broken."""
    files.write(**{**THREE, "b": "2,much"})
    with pytest.raises(LoadError):
        con.execute("REFRESH TABLE t")
    return last(con)


# -- P30: from the checkpoint, from the start --------------------------------------------------------------------------


def test_p30_a_retry_starts_at_the_failed_stage(con: mvengine.Connection, files: Files) -> None:
    declare(con, "t", files)
    number = fail_at_b(con, files)
    assert (status(con, number), tasks(con, number)["load t"], table_state(con)) == ("FAILED", "FAILED", "IDLE")
    assert (tasks(con, number, "stages_done")["load t"], staged_files(con)) == (1, 1)
    files.write(**THREE)
    with flaky_files() as flaky:
        assert con.execute(f"RETRY REFRESH {number}").fetchall() == [(number, "RUNNING")]
        assert wait(con, number) == "COMPLETED"
    # a.csv was written again, too, with the same size: its time tells
    assert [Path(opened).name for opened in flaky.opened][-2:] == ["b.csv", "c.csv"]
    assert tasks(con, number, "attempts") == {"load t": 2, "merge t": 1, "publish": 1}
    assert events(con, number) == ["START", "FAIL", "RETRY", "COMPLETE"]
    assert rows(con, "t") == ALL


def test_p30_what_was_staged_is_not_read_again_by_a_retry(con: mvengine.Connection, files: Files) -> None:
    declare(con, "t", files, key=False)
    number = fail_at_b(con, files)
    files.write(b="2,20")
    with flaky_files() as flaky:
        con.execute(f"RETRY REFRESH {number}")
        assert wait(con, number) == "COMPLETED"
    assert [Path(opened).name for opened in flaky.opened] == ["b.csv", "c.csv"]
    assert (tasks(con, number, "stages_done")["load t"], rows(con, "t")) == (3, ALL)


def test_p30_a_retry_from_the_start_begins_with_clean_staging(con: mvengine.Connection, files: Files) -> None:
    declare(con, "t", files, key=False)
    number = fail_at_b(con, files)
    files.write(b="2,20")
    hold = Hold()
    with flaky_files() as flaky, inject("refresh.after_trigger", hold):
        con.execute(f"RETRY REFRESH {number} FROM START")
        hold.wait()
        assert staged_files(con) == 0
        assert tasks(con, number, "stages_done")["load t"] == 0
        hold.release()
        assert wait(con, number) == "COMPLETED"
    assert [Path(opened).name for opened in flaky.opened] == ["a.csv", "b.csv", "c.csv"]
    assert (tasks(con, number, "stages_done")["load t"], rows(con, "t")) == (3, ALL)


def test_p30_a_paused_refresh_can_be_retried(con: mvengine.Connection, files: Files) -> None:
    files.write(**THREE)
    declare(con, "t", files, key=False)
    for from_start, opened in (("", ["b.csv", "c.csv"]), (" FROM START", ["a.csv", "b.csv", "c.csv"])):
        number = _paused(con)
        with flaky_files() as flaky:
            con.execute(f"RETRY REFRESH {number}{from_start}")
            assert wait(con, number) == "COMPLETED"
        assert [Path(path).name for path in flaky.opened] == opened
        assert events(con, number) == ["START", "PAUSE", "RESUME", "COMPLETE"]
        assert rows(con, "t") == ALL
        con.execute("DELETE FROM t")  # so that the next refresh reads all


def _paused(con: mvengine.Connection) -> int:
    """A refresh of ``t`` that was paused behind its first stage."""
    hold = Hold()
    with inject("refresh.after_split", hold):
        number = refresh_in_background(con, "t")
        hold.wait()
        run = con._database.registry.running(number)
        assert run is not None
        run.control.ask(operations.Request.PAUSE, "PAUSE REFRESH")
        hold.release()
        assert wait(con, number) == "PAUSED"
    return number


# -- P31: attempts -----------------------------------------------------------------------------------------------------


def test_p31_what_may_pass_is_tried_three_times_and_then_it_is_exhausted_also_after_a_restart(
    path: Path, files: Files
) -> None:
    files.write(**THREE)
    with connect(path) as con, flaky_files() as flaky:
        declare(con, "t", files)
        flaky.fail("*/b.csv", times=9)
        with pytest.raises(SourceError):
            con.execute("REFRESH TABLE t")
        assert [Path(opened).name for opened in flaky.opened] == ["a.csv", "b.csv", "b.csv", "b.csv"]
        assert failures(con, 1, "attempt, type, retryable") == [(1, "io", True), (2, "io", True), (3, "io", True)]
        assert events(con, 1, "load t") == ["EXECUTE", "FAIL", "RETRY", "FAIL", "RETRY", "FAIL"]
    with connect(path) as con:
        before = status(con, 1), tasks(con, 1, "version"), tasks(con, 1, "attempts")
        outcome = operations.retry(con._database, 1)
        assert outcome.refusal is not None
        assert (outcome.refusal.kind, outcome.status) == (RefusalKind.RETRY_EXHAUSTED, "FAILED")
        with pytest.raises(StateError, match=r"load t of refresh 1 has had 3 of 3 attempts") as raised:
            con.execute("RETRY REFRESH 1")
        assert "FROM START" in (raised.value.hint or "")
        assert (status(con, 1), tasks(con, 1, "version"), tasks(con, 1, "attempts")) == before
        con.execute("RETRY REFRESH 1 FROM START")
        assert (wait(con, 1), rows(con, "t")) == ("COMPLETED", ALL)
        assert len(failures(con, 1, "attempt")) == 3  # the history keeps them
        sql = (
            "SELECT attempt FROM mv_catalog.events WHERE plan_id = 1 AND event IN ('EXECUTE', 'RETRY') AND task_id = 1"
        )
        assert con.execute(f"{sql} ORDER BY seq").fetchall() == [(1,), (2,), (3,), (1,)]
        check_histories(con)


def test_p31_what_does_not_pass_by_itself_is_tried_once_and_three_times_by_hand(
    con: mvengine.Connection, files: Files
) -> None:
    declare(con, "t", files)
    number = fail_at_b(con, files)
    for attempt in (2, 3):
        assert tasks(con, number, "attempts")["load t"] == attempt - 1
        con.execute(f"RETRY REFRESH {number}")
        assert wait(con, number) == "FAILED"
    with pytest.raises(StateError, match="has had 3 of 3 attempts"):
        con.execute(f"RETRY REFRESH {number}")
    assert failures(con, number, "attempt, retryable") == [(1, False), (2, False), (3, False)]


@pytest.mark.parametrize("where", ["table", "database"])
def test_p31_how_often_can_be_set_for_a_table_and_for_the_database(files: Files, where: str) -> None:
    files.write(a="1,10")
    with connect(max_attempts=2 if where == "database" else 5) as con, flaky_files() as flaky:
        declare(con, "t", files)
        if where == "table":
            con.execute("ALTER TABLE t SET (max_attempts = 2)")
        flaky.fail("*/a.csv", times=9)
        with pytest.raises(SourceError):
            con.execute("REFRESH TABLE t")
        assert tasks(con, 1, "attempts")["load t"] == 2
        with pytest.raises(StateError, match="has had 2 of 2 attempts"):
            con.execute("RETRY REFRESH 1")
        if where == "table":
            con.execute("ALTER TABLE t SET (max_attempts = 3)")
            con.execute("RETRY REFRESH 1")
            assert (wait(con, 1), tasks(con, 1, "attempts")["load t"]) == ("FAILED", 3)
            con.execute("ALTER TABLE t RESET (max_attempts)")
            con.execute("RETRY REFRESH 1")
            assert (wait(con, 1), tasks(con, 1, "attempts")["load t"]) == ("FAILED", 5)


def test_p31_how_often_can_be_set_for_a_view(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,-1")
    declare(con, "t", files)
    create_diamond(con)
    con.execute("ALTER MATERIALIZED VIEW a SET (max_attempts = 1)")
    with pytest.raises(DataError):
        con.execute("REFRESH TABLE t")
    with pytest.raises(StateError, match="maintain a of refresh 1 has had 1 of 1 attempts"):
        con.execute("RETRY REFRESH 1")
    con.execute("ALTER MATERIALIZED VIEW a SET (max_attempts = 2)")
    con.execute("RETRY REFRESH 1")
    assert (wait(con, 1), tasks(con, 1, "attempts")["maintain a"]) == ("FAILED", 2)


def test_p31_publishing_is_tried_again_too(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    create_diamond(con)
    fault = Raise(outage, times=2)
    with inject("publish.before_commit", fault):
        con.execute("REFRESH TABLE t")
    assert (fault.passed, status(con, 1), tasks(con, 1, "attempts")["publish"]) == (3, "COMPLETED", 3)
    assert rows(con, "t") == [(1, 10)]
    check_views(con)


def test_p31_pauses_between_attempts_double_and_are_bounded() -> None:
    assert [pause_before(attempt, first_pause=1) for attempt in (2, 3, 4, 5)] == [1, 2, 4, 8]
    assert {pause_before(attempt, first_pause=1) for attempt in (8, 50, 10**6)} == {60}
    assert [is_tried_again(attempts, retryable=True, attempts_max=3) for attempts in (1, 2, 3)] == [True, True, False]
    assert not is_tried_again(1, retryable=False, attempts_max=3)


def test_p31_attempts_really_wait_for_their_pauses(files: Files) -> None:
    files.write(a="1,10")
    with connect(retry_pause=0.05, max_attempts=3) as con, flaky_files() as flaky:
        declare(con, "t", files)
        flaky.fail("*/a.csv", times=2)
        con.execute("REFRESH TABLE t")
        sql = """SELECT epoch(occurred_at - lag(occurred_at) OVER (ORDER BY seq)) AS seconds, event
            FROM mv_catalog.events WHERE task_id = 1 QUALIFY event = 'RETRY' ORDER BY seq"""
        first, second = (seconds for seconds, _ in con.execute(sql).fetchall())
        assert first >= 0.05
        assert second >= 0.1
        assert rows(con, "t") == [(1, 10)]


# -- P32, P33 ----------------------------------------------------------------------------------------------------------


def test_p32_of_two_retries_at_once_one_runs(con: mvengine.Connection, files: Files) -> None:
    """Each is begun before the other is over; the race itself is run 200 times elsewhere."""
    declare(con, "t", files)
    number = fail_at_b(con, files)
    files.write(b="2,20")
    barrier, outcomes = Barrier(2), list[Outcome]()

    def retry() -> None:
        barrier.wait(SECONDS_MAX)
        outcomes.append(operations.retry(con._database, number))

    hold = Hold()
    with inject("refresh.after_trigger", hold):
        threads = [Thread(target=retry) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS_MAX)
        hold.release()
        assert wait(con, number) == "COMPLETED"
    assert sorted(outcome.is_done for outcome in outcomes) == [False, True]
    (refused,) = (outcome.refusal for outcome in outcomes if outcome.refusal is not None)
    assert refused.kind in (RefusalKind.CONFLICT, RefusalKind.ILLEGAL_TRANSITION)
    assert (events(con, number), tasks(con, number, "attempts")["load t"]) == (
        ["START", "FAIL", "RETRY", "COMPLETE"],
        2,
    )
    assert rows(con, "t") == ALL


def test_p33_a_retry_of_a_load_also_runs_what_was_skipped_and_not_the_other_load(
    con: mvengine.Connection, tmp_path: Path
) -> None:
    found = sources(con, tmp_path, "t", "u")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t JOIN u USING (id)")
    found["t"].write(b="2,much")
    with pytest.raises(LoadError):
        con.execute("REFRESH TABLE t, u")
    assert tasks(con, 1) == {
        "load t": "FAILED",
        "load u": "COMPLETED",
        "merge t": "SKIPPED",
        "merge u": "CREATED",
        "maintain v": "SKIPPED",
        "publish": "SKIPPED",
    }
    found["t"].write(b="2,20")
    with flaky_files() as flaky:
        con.execute("RETRY REFRESH 1")
        assert wait(con, 1) == "COMPLETED"
    assert {Path(opened).parent.name for opened in flaky.opened} == {"t"}
    assert tasks(con, 1, "attempts") == {
        "load t": 2,
        "load u": 1,
        "merge t": 1,
        "merge u": 1,
        "maintain v": 1,
        "publish": 1,
    }
    assert set(tasks(con, 1).values()) == {"COMPLETED"}
    assert events(con, 1, "load u") == ["EXECUTE", "COMPLETE"]  # not RESET: it does not run again
    assert rows(con, "v") == [(1,)]


def test_p33_a_retry_of_a_view_also_runs_the_one_over_it_and_not_its_sibling(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    create_diamond(con)
    con.execute("REFRESH TABLE t")
    before = contents(con)
    files.write(b="2,-1")
    with pytest.raises(DataError):
        con.execute("REFRESH TABLE t")
    failed = tasks(con, 2)
    assert (failed["maintain a"], failed["maintain b"], failed["maintain c"]) == ("FAILED", "COMPLETED", "SKIPPED")
    assert contents(con) == before
    files.write(b="2,20")
    con.execute("RETRY REFRESH 2")
    assert wait(con, 2) == "COMPLETED"
    assert set(tasks(con, 2).values()) == {"COMPLETED"}
    attempts = tasks(con, 2, "attempts")
    assert (attempts["maintain a"], attempts["maintain b"], attempts["maintain c"]) == (2, 1, 1)
    assert causes(con, 2, "RESET")[:1] == ["RETRY REFRESH"]
    assert len(rows(con, "c")) == 2
    check_views(con)
