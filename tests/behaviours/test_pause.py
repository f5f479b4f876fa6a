"""PAUSE, RESUME and CANCEL of refreshes that run: P22, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from behaviour_world import Files, check_views, declare, one, rows
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
    outage,
    refresh_in_background,
    release_when_asked,
    sources,
    staged_files,
    status,
    table_state,
    tasks,
    until,
    wait,
)

import mvengine
from mvengine.errors import OperationalError, StateError
from mvengine.refresh.plan.outcome import Outcome, RefusalKind
from mvengine.refresh.run import operations
from mvengine.refresh.run.control import Request
from mvengine.testing.faults import inject
from mvengine.testing.flaky import flaky_files

THREE = {"a": "1,10", "b": "2,20", "c": "3,30"}
ALL = [(1, 10), (2, 20), (3, 30)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "world.db"


@pytest.fixture
def con(path: Path) -> Iterator[mvengine.Connection]:
    with connect(path, max_concurrency=1) as connection:
        yield connection
        check_histories(connection)


def pause_while_held(con: mvengine.Connection, number: int, hold: Hold) -> Outcome:
    """Asks for a pause of a refresh that stands at a fault point, and lets it go on once it was asked."""
    release_when_asked(con, number, hold.release)
    return operations.pause(con._database, number)


def pause_at(con: mvengine.Connection, point: str, nth: int, *tables: str) -> tuple[int, Outcome]:
    """A refresh that is asked to pause when it passes a fault point for the ``nth`` time."""
    hold = Hold(nth)
    with inject(point, hold):
        number = refresh_in_background(con, *tables)
        hold.wait()
        return number, pause_while_held(con, number, hold)


def test_p22_a_pause_takes_effect_within_one_stage_and_pending_tasks_do_not_start(
    con: mvengine.Connection, tmp_path: Path
) -> None:
    found = sources(con, tmp_path, "t", "u")
    found["t"].write(**THREE)
    number, outcome = pause_at(con, "stage.before_commit", 2, "t", "u")
    assert (outcome.is_done, outcome.status, status(con, number)) == (True, "PAUSED", "PAUSED")
    assert tasks(con, number) == {
        "load t": "PAUSED",
        "load u": "CREATED",
        "merge t": "CREATED",
        "merge u": "CREATED",
        "publish": "CREATED",
    }
    assert tasks(con, number, "stages_done")["load t"] == 2  # the one that ran was finished
    assert tasks(con, number, "checkpoint IS NOT NULL")["load t"] is True
    assert (table_state(con), table_state(con, "u"), staged_files(con)) == ("REFRESHING", "REFRESHING", 2)
    assert contents(con) == {"t": [], "u": []}
    assert con._database.registry.all_running() == {}


def test_p22_all_running_tasks_are_paused(tmp_path: Path) -> None:
    with connect(max_concurrency=2) as con, flaky_files() as flaky:
        for files in sources(con, tmp_path, "t", "u").values():
            files.write(**THREE)
        gates = [flaky.hold(f"*/{table}/b.csv") for table in ("t", "u")]
        number = refresh_in_background(con, "t", "u")
        assert all(gate.wait(SECONDS_MAX) for gate in gates)
        release_when_asked(con, number, *(gate.release for gate in gates))
        assert con.execute(f"PAUSE REFRESH {number}").fetchall() == [(number, "PAUSED")]
        found = tasks(con, number)
        assert (found["load t"], found["load u"]) == ("PAUSED", "PAUSED")
        assert set(tasks(con, number, "stages_done").values()) == {2, 0}
        check_histories(con)


def test_p22_a_paused_refresh_stays_so_over_a_restart_and_resume_runs_only_the_rest(path: Path, files: Files) -> None:
    files.write(**THREE)
    with connect(path) as con:
        declare(con, "t", files)
        create_diamond(con)
        number, _ = pause_at(con, "stage.before_commit", 1, "t")
    for _ in range(2):
        with connect(path) as con:
            assert (status(con, number), tasks(con, number)["load t"]) == ("PAUSED", "PAUSED")
            assert (table_state(con), rows(con, "t"), staged_files(con)) == ("REFRESHING", [], 1)
            with pytest.raises(StateError, match=rf"it is REFRESHING, by refresh {number}, which is paused") as refused:
                con.execute("REFRESH TABLE t")
            assert f"RESUME REFRESH {number} lets that refresh go on" in (refused.value.hint or "")
    with connect(path) as con, flaky_files() as flaky:
        assert con.execute(f"RESUME REFRESH {number}").fetchall() == [(number, "RUNNING")]
        assert wait(con, number) == "COMPLETED"
        assert [Path(opened).name for opened in flaky.opened] == ["b.csv", "c.csv"]
        assert set(tasks(con, number).values()) == {"COMPLETED"}
        assert tasks(con, number, "stages_done")["load t"] == 3
        assert events(con, number) == ["START", "PAUSE", "RESUME", "COMPLETE"]
        assert events(con, number, "load t") == ["EXECUTE", "PAUSE", "RESUME", "COMPLETE"]
        assert rows(con, "t") == ALL
        check_views(con)
        check_histories(con)


def test_p22_the_row_that_resume_answers_with_is_of_a_refresh_that_runs(con: mvengine.Connection, files: Files) -> None:
    files.write(**THREE)
    declare(con, "t", files)
    number, _ = pause_at(con, "stage.before_commit", 1, "t")
    hold = Hold()
    with inject("refresh.after_trigger", hold):
        con.execute(f"RESUME REFRESH {number}")
        hold.wait()
        assert status(con, number) == "RUNNING"
        for verb in ("RESUME", "RETRY", "ROLLBACK"):
            with pytest.raises(StateError, match=f"cannot {verb} refresh {number}: it is RUNNING"):
                con.execute(f"{verb} REFRESH {number}")
        hold.release()
        assert wait(con, number) == "COMPLETED"
    assert rows(con, "t") == ALL


def test_p22_it_can_be_paused_and_resumed_again_and_again(con: mvengine.Connection, files: Files) -> None:
    files.write(**THREE)
    declare(con, "t", files, key=False)
    number, _ = pause_at(con, "stage.before_commit", 1, "t")
    hold = Hold()
    with inject("stage.before_commit", hold):
        con.execute(f"RESUME REFRESH {number}")
        hold.wait()
        assert pause_while_held(con, number, hold).status == "PAUSED"
    con.execute(f"RESUME REFRESH {number}")
    assert (wait(con, number), rows(con, "t")) == ("COMPLETED", ALL)
    assert events(con, number) == ["START", "PAUSE", "RESUME", "PAUSE", "RESUME", "COMPLETE"]


def test_p22_a_pause_between_loading_and_finishing_leaves_the_loads_completed(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(**THREE)
    declare(con, "t", files)
    number, outcome = pause_at(con, "stage.before_commit", 3, "t")
    assert outcome.status == "PAUSED"
    assert tasks(con, number) == {"load t": "COMPLETED", "merge t": "CREATED", "publish": "CREATED"}
    assert rows(con, "t") == []
    with flaky_files() as flaky:
        con.execute(f"RESUME REFRESH {number}")
        assert (wait(con, number), flaky.opened) == ("COMPLETED", [])
    assert rows(con, "t") == ALL


@pytest.mark.parametrize("point", ["refresh.after_merge", "maintain.view", "publish.before_commit"])
def test_p22_a_pause_during_the_last_stage_ends_in_completed_and_is_refused(
    con: mvengine.Connection, files: Files, point: str
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    create_diamond(con)
    number, outcome = pause_at(con, point, 1, "t")
    assert outcome.refusal is not None
    assert (outcome.status, outcome.refusal.kind) == ("COMPLETED", RefusalKind.ILLEGAL_TRANSITION)
    assert (status(con, number), table_state(con), rows(con, "t")) == ("COMPLETED", "IDLE", [(1, 10)])
    assert events(con, number) == ["START", "COMPLETE"]


def test_p22_files_that_change_during_a_pause_are_loaded_anew(con: mvengine.Connection, files: Files) -> None:
    files.write(**THREE)
    declare(con, "t", files)
    number, _ = pause_at(con, "stage.before_commit", 2, "t")
    files.write(a="1,11 4,40", d="5,50")
    files.remove("c")
    con.execute(f"RESUME REFRESH {number}")
    assert wait(con, number) == "COMPLETED"
    assert rows(con, "t") == [(1, 11), (2, 20), (4, 40), (5, 50)]
    assert any("a.csv changed since it was staged" in cause for cause in causes(con, number, "DISCARD"))


def test_p22_a_refresh_in_the_foreground_can_be_paused_by_others_and_its_caller_is_told(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(**THREE)
    declare(con, "t", files)

    def ask() -> None:
        (run,) = con._database.registry.all_running().values()
        run.control.ask(Request.PAUSE, "PAUSE REFRESH")

    with inject("stage.before_commit", ask), pytest.raises(StateError, match="refresh 1 was paused: PAUSE REFRESH"):
        con.execute("REFRESH TABLE t")
    assert (status(con, 1), tasks(con, 1, "stages_done")["load t"]) == ("PAUSED", 1)
    con.execute("RESUME REFRESH 1")
    assert (wait(con, 1), rows(con, "t")) == ("COMPLETED", ALL)


def test_p22_a_load_that_waits_for_its_next_attempt_can_be_paused(path: Path, files: Files) -> None:
    files.write(**THREE)
    with connect(path, retry_pause=60) as con, flaky_files() as flaky:
        declare(con, "t", files)
        flaky.fail("*/b.csv")
        number = refresh_in_background(con, "t")
        failed = f"SELECT count(*) FROM mv_catalog.failures WHERE plan_id = {number}"
        until(lambda: one(con, failed) == 1)
        assert con.execute(f"PAUSE REFRESH {number}").fetchall() == [(number, "PAUSED")]
        assert tasks(con, number)["load t"] == "FAILED"
        con.execute(f"RESUME REFRESH {number}")
        assert (wait(con, number), rows(con, "t")) == ("COMPLETED", ALL)
        check_histories(con)


@pytest.mark.parametrize("fails_again", [False, True])
@pytest.mark.parametrize("is_closed", [False, True])
def test_p22_publishing_that_waits_for_its_next_attempt_can_be_paused(
    path: Path, files: Files, is_closed: bool, fails_again: bool
) -> None:
    files.write(**THREE)
    with connect(path, retry_pause=SECONDS_MAX) as con:
        declare(con, "t", files)
        with inject("publish.before_commit", Raise(outage)):
            number = refresh_in_background(con, "t")
            until(lambda: tasks(con, number).get("publish") == "FAILED")
        if not is_closed:
            assert operations.pause(con._database, number).is_done
    again = Raise(outage, times=1 if fails_again else 0)
    with inject("publish.before_commit", again), connect(path) as con:
        if not is_closed:
            con.execute(f"RESUME REFRESH {number}")
        assert wait(con, number) == "COMPLETED"
        assert set(tasks(con, number).values()) == {"COMPLETED"}
        assert tasks(con, number, "attempts")["publish"] == 2 + fails_again
        assert rows(con, "t") == ALL
        check_histories(con)


# -- cancelled ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_paused", [False, True], ids=["running", "paused"])
def test_a_cancelled_refresh_leaves_nothing_staged_and_its_tables_idle(
    con: mvengine.Connection, files: Files, is_paused: bool
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    create_diamond(con)
    con.execute("REFRESH TABLE t")
    before = contents(con)
    files.write(**{**THREE, "a": "1,11"})
    if is_paused:
        number, _ = pause_at(con, "stage.before_commit", 1, "t")
        assert con.execute(f"CANCEL REFRESH {number}").fetchall() == [(number, "CANCELLED")]
    else:
        hold = Hold()
        with inject("refresh.after_split", hold):
            number = refresh_in_background(con, "t")
            hold.wait()
            release_when_asked(con, number, hold.release)
            assert con.execute(f"CANCEL REFRESH {number}").fetchall() == [(number, "CANCELLED")]
    assert set(tasks(con, number).values()) == {"CANCELLED"}
    assert (staged_files(con), table_state(con)) == (0, "IDLE")
    assert contents(con) == before
    with pytest.raises(StateError, match=f"cannot CANCEL refresh {number}: it is CANCELLED"):
        con.execute(f"CANCEL REFRESH {number}")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 11), (2, 20), (3, 30)]
    check_views(con)


def test_a_cancelled_refresh_in_the_foreground_is_an_error_of_its_caller(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(**THREE)
    declare(con, "t", files)
    cancelled = pytest.raises(OperationalError, match="refresh 1 was cancelled")
    with inject("refresh.after_trigger", con.interrupt), cancelled as raised:
        con.execute("REFRESH TABLE t")
    assert raised.value.code == "57014"
    assert (status(con, 1), table_state(con), staged_files(con)) == ("CANCELLED", "IDLE", 0)


def test_a_cancel_between_two_attempts_does_not_wait_for_the_next_one(path: Path, files: Files) -> None:
    files.write(a="1,10")
    with connect(path, retry_pause=60) as con:
        declare(con, "t", files)
        failed = Hold()

        def fail() -> None:
            failed.release()
            failed()
            raise outage()

        with inject("publish.before_commit", fail):
            number = refresh_in_background(con, "t")
            failed.wait()
            con.execute(f"CANCEL REFRESH {number}")
        assert (wait(con, number), table_state(con)) == ("CANCELLED", "IDLE")
