"""F03: what start-up does to a refresh whose process ended in the middle, by the policy of its tables.

A process is ended here by closing its database, or by what a killed one leaves: a copy of its files. Processes that are
really killed are tested elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from behaviour_world import Files, Rows, check_views, declare, one, rows
from plan_world import (
    Hold,
    causes,
    check_histories,
    connect,
    contents,
    create_diamond,
    end_process,
    events,
    failures,
    refresh_in_background,
    release_when_asked,
    sources,
    staged_files,
    status,
    table_state,
    tasks,
    wait,
)

import mvengine
from mvengine.errors import StateError
from mvengine.testing.faults import inject
from mvengine.testing.flaky import FlakyFiles, flaky_files

THREE = {"a": "1,10", "b": "2,20", "c": "3,30"}
ALL = [(1, 10), (2, 20), (3, 30)]
STARTED, STAGED_ONE, STAGED_ALL = ("refresh.after_trigger", 1), ("refresh.after_split", 1), ("refresh.after_split", 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "world.db"


def create(path: Path, files: Files, *alters: str) -> None:
    files.write(**THREE)
    with connect(path) as con:
        declare(con, "t", files, key=False)
        create_diamond(con)
        for sql in alters:
            con.execute(sql)


def end(path: Path, at: tuple[str, int] = STAGED_ONE, *tables: str, is_killed: bool = False, **settings: Any) -> None:
    """Ends the process when a refresh passes a fault point for the ``nth`` time."""
    point, nth = at
    con, hold = connect(path, max_concurrency=1, **settings), Hold(nth)
    with inject(point, hold):
        number = refresh_in_background(con, *tables or ("t",))
        end_process(con, number, hold, is_killed=is_killed)


def end_again(path: Path, at: tuple[str, int] = STAGED_ONE, *, is_killed: bool, **settings: Any) -> None:
    """Ends the process in which refresh 1 goes on."""
    point, nth = at
    hold = Hold(nth)
    with inject(point, hold):
        end_process(connect(path, **settings), 1, hold, is_killed=is_killed)


HOW = pytest.mark.parametrize("is_killed", [False, True], ids=["closed", "killed"])
ENDED = {False: "the database was closed", True: "the process ended while it was RUNNING"}


def opened(flaky: FlakyFiles) -> list[str]:
    return [Path(found).name for found in flaky.opened]


def decisions(con: mvengine.Connection, table: str = "t") -> Rows:
    """What was decided about a table, and why."""
    sql = f"""SELECT from_state, to_state, cause FROM mv_catalog.state_history
        WHERE subject = 'refresh' AND name = '{table}' AND event = 'RECOVER' ORDER BY seq"""
    return con.execute(sql).fetchall()


# -- resume ------------------------------------------------------------------------------------------------------------


@HOW
def test_f03_resume_goes_on_from_the_last_durable_stage_and_records_why(
    path: Path, files: Files, is_killed: bool
) -> None:
    create(path, files)
    end(path, is_killed=is_killed)
    with flaky_files() as flaky, connect(path) as con:
        assert wait(con, 1) == "COMPLETED"
        assert opened(flaky) == ["b.csv", "c.csv"]
        assert events(con, 1) == ["START", "RECOVER", "RESUME", "COMPLETE"]
        assert events(con, 1, "load t") == ["EXECUTE", "RECOVER", "RESUME", "COMPLETE"]
        (why,) = set(causes(con, 1, "RECOVER"))
        assert why.startswith(ENDED[is_killed])
        assert is_killed == why.endswith("recovery = 'resume': it goes on from 1 staged files or parts")
        assert "recovery = 'resume'" in causes(con, 1, "RESUME")[0]
        assert rows(con, "t") == ALL
        check_views(con)
        check_histories(con)


@HOW
def test_f03_resume_goes_on_when_all_was_staged_and_reads_no_file(path: Path, files: Files, is_killed: bool) -> None:
    create(path, files)
    end(path, STAGED_ALL, is_killed=is_killed)
    with flaky_files() as flaky, connect(path) as con:
        assert (wait(con, 1), opened(flaky), rows(con, "t")) == ("COMPLETED", [], ALL)
        assert table_state(con) == "IDLE"


@HOW
def test_f03_with_nothing_staged_it_goes_back_to_idle_and_can_be_retried(
    path: Path, files: Files, is_killed: bool
) -> None:
    create(path, files)
    end(path, STARTED, is_killed=is_killed)
    with connect(path) as con:
        assert (status(con, 1), table_state(con), staged_files(con)) == ("FAILED", "IDLE", 0)
        error = f"{ENDED[is_killed]}; nothing was staged to go on from"
        assert one(con, "SELECT error FROM mv_catalog.plans") == error
        assert failures(con, 1, "code, type, retryable, relation") == [("57P02", "interrupted", True, "t")]
        assert decisions(con) == [("REFRESHING", "IDLE", "the process ended while REFRESHING; nothing is staged")]
        assert set(tasks(con, 1).values()) == {"FAILED", "SKIPPED"}
        con.execute("RETRY REFRESH 1")
        assert (wait(con, 1), rows(con, "t")) == ("COMPLETED", ALL)
        check_histories(con)


@HOW
def test_f03_a_source_that_has_changed_since_is_followed(path: Path, files: Files, is_killed: bool) -> None:
    create(path, files)
    end(path, is_killed=is_killed)
    files.write(a="1,11", d="4,40")
    files.remove("b")
    with flaky_files() as flaky, connect(path) as con:
        assert wait(con, 1) == "COMPLETED"
        assert opened(flaky) == ["a.csv", "c.csv", "d.csv"]
        assert rows(con, "t") == [(1, 11), (3, 30), (4, 40)]
        check_views(con)


# -- restart and reset -------------------------------------------------------------------------------------------------


def check_restarted(con: mvengine.Connection, flaky: FlakyFiles) -> None:
    assert wait(con, 1) == "COMPLETED"
    assert opened(flaky) == ["a.csv", "b.csv", "c.csv"]
    assert any("recovery = 'restart'" in cause for cause in causes(con, 1, "RESUME"))
    assert rows(con, "t") == ALL
    assert tasks(con, 1, "stages_done")["load t"] == 3
    check_views(con)
    check_histories(con)


def check_reset(con: mvengine.Connection, flaky: FlakyFiles) -> None:
    assert (status(con, 1), table_state(con), staged_files(con), rows(con, "t")) == ("FAILED", "IDLE", 0, [])
    assert str(one(con, "SELECT error FROM mv_catalog.plans")).endswith("; recovery = 'reset'")
    assert [state for *state, _ in decisions(con)] == [["REFRESHING", "IDLE"]]
    con.execute("REFRESH TABLE t")
    assert opened(flaky) == ["a.csv", "b.csv", "c.csv"]
    assert rows(con, "t") == ALL
    check_histories(con)


@HOW
@pytest.mark.parametrize(
    ("where", "at"), [("table", STAGED_ONE), ("database", STAGED_ALL)], ids=["of the table", "of the database"]
)
@pytest.mark.parametrize("policy", ["restart", "reset"])
def test_f03_restart_begins_anew_and_reset_goes_back_to_idle(
    path: Path, files: Files, policy: str, at: tuple[str, int], where: str, is_killed: bool
) -> None:
    create(path, files, *([f"ALTER TABLE t SET (recovery = '{policy}')"] if where == "table" else []))
    end(path, at, is_killed=is_killed)
    with flaky_files() as flaky, connect(path, recovery=policy if where == "database" else "resume") as con:
        (check_restarted if policy == "restart" else check_reset)(con, flaky)


def test_f03_the_setting_of_a_table_wins_over_the_databases(path: Path, files: Files) -> None:
    create(path, files, "ALTER TABLE t SET (recovery = 'resume')")
    end(path, is_killed=True)
    with flaky_files() as flaky, connect(path, recovery="reset") as con:
        assert (wait(con, 1), opened(flaky)) == ("COMPLETED", ["b.csv", "c.csv"])


def test_f03_where_tables_differ_the_most_careful_policy_counts(path: Path, tmp_path: Path) -> None:
    with connect(path) as con:
        found = sources(con, tmp_path, "t", "u")
        found["t"].write(b="5,50")
        con.execute("ALTER TABLE u SET (recovery = 'reset')")
    end(path, ("refresh.after_split", 2), "t", "u", is_killed=True)
    with connect(path) as con:
        assert (status(con, 1), staged_files(con)) == ("FAILED", 0)
        assert (table_state(con), table_state(con, "u")) == ("IDLE", "IDLE")
        assert contents(con) == {"t": [], "u": []}


# -- finishing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["refresh.after_staged", "refresh.after_merge", "publish.before_commit"])
def test_f03_killed_in_finishing_before_the_merge_was_committed_the_next_process_makes_it(
    path: Path, files: Files, point: str
) -> None:
    create(path, files)
    end(path, (point, 1), is_killed=True)
    with flaky_files() as flaky, connect(path) as con:
        assert wait(con, 1) == "COMPLETED"
        assert (table_state(con), rows(con, "t"), opened(flaky)) == ("IDLE", ALL, [])
        assert ("refresh", "FINISHING", "RESUME", "REFRESHING") in con.execute(
            "SELECT subject, from_state, event, to_state FROM mv_catalog.state_history"
        ).fetchall()
        check_views(con)
        check_histories(con)


@HOW
def test_f03_ended_behind_the_merge_there_is_nothing_to_recover(path: Path, files: Files, is_killed: bool) -> None:
    create(path, files)
    end(path, ("publish.after_commit", 1), is_killed=is_killed)
    with connect(path) as con:
        assert (status(con, 1), table_state(con), rows(con, "t"), decisions(con)) == ("COMPLETED", "IDLE", ALL, [])
        assert events(con, 1) == ["START", "COMPLETE"]


# -- again and again ---------------------------------------------------------------------------------------------------


@HOW
def test_f03_a_recovery_of_a_recovery_works(path: Path, files: Files, is_killed: bool) -> None:
    create(path, files)
    end(path, is_killed=is_killed)
    end_again(path, is_killed=is_killed)
    with flaky_files() as flaky, connect(path) as con:
        assert (wait(con, 1), opened(flaky)) == ("COMPLETED", ["c.csv"])
        assert events(con, 1) == ["START", "RECOVER", "RESUME", "RECOVER", "RESUME", "COMPLETE"]
        assert rows(con, "t") == ALL
        check_views(con)
        check_histories(con)


def test_f03_a_refresh_that_always_kills_its_process_is_given_up(path: Path, files: Files) -> None:
    create(path, files, "ALTER TABLE t SET (max_attempts = 2)")
    end(path, is_killed=True)
    end_again(path, ("stage.before_commit", 1), is_killed=True)
    with connect(path) as con:
        assert (status(con, 1), table_state(con)) == ("FAILED", "IDLE")
        assert "2 times by now: it is not tried again by itself" in str(one(con, "SELECT error FROM mv_catalog.plans"))
        con.execute("REFRESH TABLE t")
        assert rows(con, "t") == ALL
        check_histories(con)


def test_f03_a_database_that_is_closed_again_and_again_does_not_give_up(path: Path, files: Files) -> None:
    create(path, files, "ALTER TABLE t SET (max_attempts = 2)")
    end(path)
    for _ in range(3):
        end_again(path, STARTED, is_killed=False)
    with connect(path) as con:
        assert (wait(con, 1), rows(con, "t")) == ("COMPLETED", ALL)


def test_f03_a_refresh_that_somebody_has_paused_stays_paused(path: Path, files: Files) -> None:
    create(path, files)
    with connect(path) as con:
        hold = Hold()
        with inject("refresh.after_split", hold):
            number = refresh_in_background(con, "t")
            hold.wait()
            release_when_asked(con, number, hold.release)
            con.execute(f"PAUSE REFRESH {number}")
    with connect(path, recovery="reset") as con:
        assert (status(con, 1), table_state(con), staged_files(con)) == ("PAUSED", "REFRESHING", 1)


def test_f03_a_second_refresh_after_a_restart_waits_for_the_one_that_goes_on(path: Path, files: Files) -> None:
    create(path, files)
    end(path)
    files.write(d="4,40")
    with connect(path) as con:
        con.execute("REFRESH TABLE t")
        assert (status(con, 1), rows(con, "t")) == ("COMPLETED", [*ALL, (4, 40)])


def test_f03_a_refresh_that_had_not_begun_goes_on_or_is_cancelled_by_reset(path: Path, files: Files) -> None:
    for policy, expected in (("resume", "COMPLETED"), ("reset", "CANCELLED")):
        path.unlink(missing_ok=True)
        create(path, files)
        with connect(path) as con:
            con._database.engine.query("""
                INSERT INTO mv_meta.plans SELECT nextval('mv_meta.plan_ids'), 'CREATED', 0, 'background',
                [relation_id], ['t'], false, true, NULL, NULL, TIMESTAMP '2026-01-01', NULL, NULL, false
                FROM mv_meta.relations WHERE name = 't'""")
        with connect(path, recovery=policy) as con:
            assert wait(con, 1) == expected
            assert rows(con, "t") == (ALL if expected == "COMPLETED" else [])
            check_histories(con)


@pytest.mark.parametrize("verb", ["RESUME", "RETRY", "CANCEL"])
def test_a_paused_refresh_of_which_a_table_is_dropped_ends_with_the_drop(path: Path, tmp_path: Path, verb: str) -> None:
    with connect(path) as con:
        found = sources(con, tmp_path, "t", "u")
        found["t"].write(**THREE)
        hold = Hold()
        with inject("refresh.after_split", hold):
            number = refresh_in_background(con, "t", "u")
            hold.wait()
            run = con._database.registry.running(number)
            assert run is not None
            release_when_asked(con, number, hold.release)
            con.execute(f"PAUSE REFRESH {number}")
        con.execute("DROP TABLE t")
        assert wait(con, number) == "CANCELLED"
        with pytest.raises(StateError, match=f"cannot {verb} refresh {number}: it is CANCELLED"):
            con.execute(f"{verb} REFRESH {number}")
        assert set(causes(con, number, "CANCEL")) == {"a table of it was dropped"}
        assert staged_files(con) == 0
        assert table_state(con, "u") == "IDLE"
        con.execute("REFRESH TABLE u")
        assert rows(con, "u") == [(2, 20)]
        check_histories(con)
