"""What opening does to an unfinished refresh: what it keeps, what it decides, and that it may be killed itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from crash_world import World, check_nothing_is_stuck, check_views, contents, refresh, run_child, write_files
from plan_checks import settle

import mvengine
from mvengine.testing.faults import inject

THREE = {"1.csv": "id,x\n1,10\n", "2.csv": "id,x\n2,20\n", "3.csv": "id,x\n3,30\n"}


@pytest.fixture
def staged(tmp_path: Path) -> tuple[Path, Path]:
    """A database whose first refresh was killed after two of three files, and the folder of the files."""
    database, folder = tmp_path / "staged.db", tmp_path / "files"
    write_files(folder, THREE)
    with mvengine.connect(str(database)) as con:
        con.execute(f"CREATE TABLE t (id INT PRIMARY KEY, x INT) REFRESHABLE FROM '{folder}' FORMAT PLAIN ENCODE CSV")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    kill("refresh", database, folder, "refresh.after_split:2")
    return database, folder


def kill(step: str, database: Path, folder: Path, fault: str) -> None:
    child = run_child(step, database, folder, fault=fault)
    assert child.returncode == -signal.SIGKILL, child.stderr


def rewrite_unseen(folder: Path, files: Mapping[str, str]) -> None:
    """Other rows under the same size and time: they show only if the file is read again."""
    for name, text in files.items():
        before = (folder / name).stat()
        (folder / name).write_text(text)
        os.utime(folder / name, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (folder / name).stat().st_size == before.st_size


def actions(con: mvengine.Connection) -> dict[str, str]:
    """File name → what the next refresh of t would do with it."""
    return {Path(path).name: action for _, action, path, _ in con.execute("EXPLAIN REFRESH TABLE t").fetchall()}


def recoveries(con: mvengine.Connection) -> list[tuple[str, str, str, str]]:
    """Table, state before and after, and cause of everything that recovery decided about refreshes."""
    sql = "SELECT name, from_state, to_state, cause FROM mv_catalog.state_history WHERE event = 'RECOVER' ORDER BY seq"
    return con.execute(sql).fetchall()


@contextmanager
def opened(database: Path) -> Iterator[tuple[mvengine.Connection, Callable[[], None]]]:
    """The database, and what lets the refresh go on that its start-up has resumed."""
    gate = Event()
    with inject("refresh.after_listing", lambda: _pass(gate)):
        try:
            with mvengine.connect(str(database)) as con:
                yield con, gate.set
        finally:
            gate.set()


def _pass(gate: Event) -> None:
    assert gate.wait(30), "nobody has let the refresh go on"


def test_files_that_were_staged_before_a_kill_are_not_read_again(staged: tuple[Path, Path]) -> None:
    database, folder = staged
    rewrite_unseen(folder, {"1.csv": "id,x\n1,99\n", "3.csv": "id,x\n3,77\n"})
    with opened(database) as (con, go_on):
        assert actions(con) == {"1.csv": "staged already", "2.csv": "staged already", "3.csv": "read"}
        go_on()
        con.execute("REFRESH TABLE t")
        assert con.execute("FROM t ORDER BY id").fetchall() == [(1, 10), (2, 20), (3, 77)]
        assert con.execute("FROM v").fetchall() == [(107,)]
        assert set(actions(con).values()) == {"skip: unchanged"}


def test_files_that_were_staged_and_changed_since_are_read_again(staged: tuple[Path, Path]) -> None:
    database, folder = staged
    write_files(folder, {"1.csv": "id,x\n1,1000\n", "2.csv": ""})
    with opened(database) as (con, go_on):
        assert actions(con) == {"1.csv": "read", "3.csv": "read"}
        go_on()
        con.execute("REFRESH TABLE t")
        assert con.execute("FROM t ORDER BY id").fetchall() == [(1, 1000), (3, 30)]
        assert con.execute("FROM v").fetchall() == [(1030,)]


def test_full_reads_files_again_that_were_staged_before_a_kill(staged: tuple[Path, Path]) -> None:
    database, folder = staged
    rewrite_unseen(folder, {"1.csv": "id,x\n1,99\n"})
    with mvengine.connect(str(database)) as con:
        con.execute("REFRESH TABLE t FULL")
        assert con.execute("FROM t ORDER BY id").fetchall() == [(1, 99), (2, 20), (3, 30)]


@pytest.mark.parametrize(
    ("fault", "state", "recovery", "said"),
    [
        ("refresh.after_trigger", "REFRESHING", "resume", "nothing is staged"),
        ("refresh.after_split:2", "REFRESHING", "reset", "nothing is staged"),
        ("refresh.after_staged", "FINISHING", "reset", "nothing is staged"),
        ("publish.before_commit", "FINISHING", "reset", "nothing is staged"),
    ],
)
def test_history_says_what_recovery_decided_and_why(
    world: World, fault: str, state: str, recovery: str, said: str
) -> None:
    kill("refresh", world.database, world.folder, fault)
    with mvengine.connect(str(world.database), recovery=recovery) as con:
        found = {name: (before, after, cause) for name, before, after, cause in recoveries(con)}
        assert found.keys() == {"orders", "items"}
        before, after, cause = found["orders"]
        assert (before, after) == (state, "IDLE")
        assert f"ended while {state}" in cause
        assert said in cause
        errors = dict(con.execute("SELECT table_name, last_error FROM mv_catalog.refresh_jobs").fetchall())
        assert errors["orders"] == cause
        refresh(con, world.folder)
        cleared = con.execute("SELECT DISTINCT last_error FROM mv_catalog.refresh_jobs").fetchall()
        assert cleared == [(None,)]


def test_a_creation_that_was_killed_is_in_the_history_with_its_reason(world: World) -> None:
    kill("create_view", world.database, world.folder, "create.after_job")
    with mvengine.connect(str(world.database)) as con:
        sql = "SELECT from_state, event, cause FROM mv_catalog.state_history WHERE name = 'more' ORDER BY seq"
        (*_, last) = con.execute(sql).fetchall()
        assert last == ("CREATING", "DROP", "the process ended while the job was CREATING")
        con.execute("CREATE TABLE more (id INT)")  # the name is free again


@pytest.mark.parametrize("fault", ["refresh.after_split:3", "publish.before_commit", "create.after_job"])
def test_a_recovery_that_is_killed_itself_is_recovered(world: World, fault: str) -> None:
    step = "create_view" if fault.startswith("create") else "refresh"
    kill(step, world.database, world.folder, fault)
    kill("open_only", world.database, world.folder, "recovery.before_commit")
    kill("open_only", world.database, world.folder, "recovery.before_commit")
    with mvengine.connect(str(world.database)) as con:
        settle(con)
        check_nothing_is_stuck(con)
        check_views(con)
        assert contents(con) == (world.after["refresh"] if step == "refresh" else world.before)
        decided = con.execute("SELECT count(*) FROM mv_catalog.events WHERE task_id IS NULL AND event = 'RECOVER'")
        assert decided.fetchone() == (int(step == "refresh"),)  # the killed ones left nothing
        refresh(con, world.folder)
        assert contents(con) == world.after["refresh"]


def test_opening_a_file_that_was_closed_recovers_nothing(world: World) -> None:
    child = run_child("open_only", world.database, world.folder, fault="recovery.before_commit")
    assert child.returncode == 0, child.stderr
    with mvengine.connect(str(world.database)) as con:
        assert recoveries(con) == []
        assert contents(con) == world.before
