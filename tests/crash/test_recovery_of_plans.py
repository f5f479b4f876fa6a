"""What opening does to refreshes that were killed: how many stages are left, what is decided and why, and again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from crash_world import World, check_nothing_is_stuck, check_views, contents, run_child, write_files
from plan_checks import check_plans, check_staging_of_file, settle

import mvengine
from mvengine.testing.flaky import flaky_files

STAGES = 6


@pytest.fixture
def one_table(tmp_path: Path) -> tuple[Path, Path]:
    """A table whose files were never loaded, each of them a stage, and the folder of the files."""
    database, folder = tmp_path / "one.db", tmp_path / "files"
    write_files(folder, {f"{number}.csv": f"id,x\n{number},{number * 10}\n" for number in range(STAGES)})
    with mvengine.connect(str(database)) as con:
        con.execute(f"CREATE TABLE t (id INT, x INT) REFRESHABLE FROM '{folder}' FORMAT PLAIN ENCODE CSV")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n, sum(x) AS total FROM t")
    return database, folder


def kill(step: str, database: Path, folder: Path, fault: str) -> None:
    child = run_child(step, database, folder, fault=fault)
    assert child.returncode == -signal.SIGKILL, child.stderr


def opened_and_done(database: Path, **settings: object) -> tuple[list[str], mvengine.Connection]:
    """Opens, waits for what recovery sets going: the names of the files that were read, in order."""
    with flaky_files() as files:
        con = mvengine.connect(str(database), staging_batch_bytes=1, **settings)
        settle(con)
        return [Path(path).name for path in files.opened], con


def check_loaded(con: mvengine.Connection) -> None:
    assert con.execute("FROM t ORDER BY id").fetchall() == [(number, number * 10) for number in range(STAGES)]
    assert con.execute("FROM v").fetchall() == [(STAGES, sum(range(STAGES)) * 10)]
    check_plans(con)


def plan(con: mvengine.Connection) -> tuple[object, ...]:
    """Status and error of the only refresh."""
    ((status, error),) = con.execute("SELECT status, error FROM mv_catalog.plans").fetchall()
    return status, error


def decisions(con: mvengine.Connection) -> list[tuple[str, str]]:
    """Events and causes of the plan, but for its beginning and its end."""
    sql = """SELECT event, cause FROM mv_catalog.events
        WHERE task_id IS NULL AND event NOT IN ('START', 'COMPLETE') ORDER BY seq"""
    return con.execute(sql).fetchall()


@pytest.mark.parametrize("point", ["refresh.after_split", "stage.before_commit"])
@pytest.mark.parametrize("k", [1, 2, 4, STAGES - 1])
def test_p20_killed_after_stage_k_of_n_exactly_the_other_stages_run(
    one_table: tuple[Path, Path], tmp_path: Path, k: int, point: str
) -> None:
    """P20, P21: also killed in the stage that follows, before it is durable."""
    database, folder = one_table
    kill("refresh", database, folder, f"{point}:{k if point == 'refresh.after_split' else k + 1}")
    check_staging_of_file(database, tmp_path / "killed")
    opened, con = opened_and_done(database)
    with con:
        assert opened == [f"{number}.csv" for number in range(k, STAGES)]
        check_loaded(con)
        assert con.execute(
            "SELECT stages_done, stages_total, rows, attempts FROM mv_catalog.tasks WHERE kind = 'load'"
        ).fetchall() == [(STAGES, STAGES, STAGES, 1)]
        recovered, resumed = decisions(con)
        assert recovered == (
            "RECOVER",
            f"the process ended while it was RUNNING; recovery = 'resume': it goes on from {k} staged files or parts",
        )
        assert resumed == ("RESUME", "recovery = 'resume'")


def test_p20_a_resumed_refresh_that_is_killed_too_goes_on_again(one_table: tuple[Path, Path], tmp_path: Path) -> None:
    database, folder = one_table
    kill("refresh", database, folder, "refresh.after_split:2")
    kill("open_and_wait", database, folder, "refresh.after_split:2")
    check_staging_of_file(database, tmp_path / "killed")
    opened, con = opened_and_done(database)
    with con:
        assert opened == ["4.csv", "5.csv"]
        assert [event for event, _ in decisions(con)] == ["RECOVER", "RESUME"] * 2
        check_loaded(con)


@pytest.mark.parametrize("point", ["recovery.before_commit", "recovery.after_commit"])
def test_p20_a_recovery_that_is_killed_is_made_again(one_table: tuple[Path, Path], point: str) -> None:
    database, folder = one_table
    kill("refresh", database, folder, "refresh.after_split:3")
    kill("open_only", database, folder, point)
    opened, con = opened_and_done(database)
    with con:
        assert opened == ["3.csv", "4.csv", "5.csv"]
        assert len(decisions(con)) == (2 if point == "recovery.before_commit" else 4)
        check_loaded(con)


def test_p20_one_that_kills_its_process_each_time_is_not_tried_for_ever(one_table: tuple[Path, Path]) -> None:
    database, folder = one_table
    kill("refresh", database, folder, "refresh.after_staged")
    kill("open_and_wait", database, folder, "refresh.after_staged")
    kill("open_and_wait", database, folder, "refresh.after_staged")
    opened, con = opened_and_done(database)
    with con:
        assert opened == []
        status, error = plan(con)
        assert status == "FAILED"
        assert "3 times by now: it is not tried again by itself" in str(error)
        check_plans(con)
        assert con.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
        con.execute("REFRESH TABLE t")
        check_loaded(con)


def test_p20_restart_begins_anew(one_table: tuple[Path, Path]) -> None:
    database, folder = one_table
    kill("refresh", database, folder, "refresh.after_split:4")
    opened, con = opened_and_done(database, recovery="restart")
    with con:
        assert opened == [f"{number}.csv" for number in range(STAGES)]
        assert "recovery = 'restart': it begins anew" in decisions(con)[0][1]
        check_loaded(con)


def test_p20_reset_sets_it_back_and_it_can_be_retried(one_table: tuple[Path, Path]) -> None:
    database, folder = one_table
    kill("refresh", database, folder, "refresh.after_split:4")
    opened, con = opened_and_done(database, recovery="reset")
    with con:
        assert opened == []
        check_plans(con)
        assert plan(con)[0] == "FAILED"
        assert decisions(con) == [("FAIL", "the process ended while it was RUNNING; recovery = 'reset'")]
        assert con.execute("SELECT code, type, retryable FROM mv_catalog.failures").fetchall() == [
            ("57P02", "interrupted", True)
        ]
        con.execute("RETRY REFRESH 1")
        settle(con)
        check_loaded(con)


def test_p20_what_changed_while_nothing_ran_is_loaded_again_and_it_is_said_why(one_table: tuple[Path, Path]) -> None:
    database, folder = one_table
    kill("refresh", database, folder, "refresh.after_split:4")
    write_files(folder, {"1.csv": "id,x\n1,1000\n", "2.csv": ""})
    opened, con = opened_and_done(database)
    with con:
        assert opened == ["1.csv", "4.csv", "5.csv"]
        assert con.execute("FROM t ORDER BY id").fetchall() == [(0, 0), (1, 1000), (3, 30), (4, 40), (5, 50)]
        discards = con.execute("SELECT cause FROM mv_catalog.events WHERE event = 'DISCARD'").fetchall()
        assert len(discards) == 1
        assert "1.csv and 1 more changed since it was staged" in discards[0][0]
        check_plans(con)


def test_p22_a_paused_refresh_stays_paused_over_a_kill_and_keeps_its_tables(world: World, tmp_path: Path) -> None:
    child = run_child("paused", world.database, world.folder, fault=None)
    assert child.returncode == -signal.SIGKILL, child.stderr
    check_staging_of_file(world.database, tmp_path / "killed")
    with mvengine.connect(str(world.database)) as con:
        settle(con)
        check_plans(con)
        ((number, status),) = con.execute(
            "SELECT plan_id, status FROM mv_catalog.plans ORDER BY plan_id DESC LIMIT 1"
        ).fetchall()
        assert status == "PAUSED"
        assert contents(con) == world.before
        with pytest.raises(mvengine.Error, match="which is paused"):
            con.execute("REFRESH ALL")
        con.execute(f"RESUME REFRESH {number}")
        settle(con)
        check_nothing_is_stuck(con)
        check_views(con)
        assert contents(con) == world.after["resumed"]
