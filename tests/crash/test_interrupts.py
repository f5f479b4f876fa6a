"""Ctrl-C: a statement that is interrupted did nothing, the connection can be used, and nothing is held or stuck."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from linecache import getline
from threading import current_thread, main_thread
from types import FrameType

import pytest
from crash_world import (
    CHILD_SECONDS_MAX,
    STEPS,
    World,
    change_rows,
    check_nothing_is_stuck,
    check_views,
    child_environment,
    contents,
    refresh,
)

import mvengine
from mvengine.engines.duckdb import DuckDbEngine
from mvengine.testing.faults import inject


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


BEFORE_COMMIT = {
    "create_view": ("create.after_job", "create.before_commit", "dml.before_commit"),
    "create_table": ("create.after_job", "create.before_commit"),
    "refresh": (
        "refresh.after_trigger",
        "refresh.after_split",
        "refresh.after_staged",
        "refresh.after_merge",
        "maintain.view",
        "publish.before_commit",
        "dml.before_commit",
    ),
}


@pytest.mark.parametrize(
    ("step", "point"), [(step, point) for step, points in BEFORE_COMMIT.items() for point in points]
)
def test_an_interrupted_statement_did_nothing_and_can_be_run_again(world: World, step: str, point: str) -> None:
    with mvengine.connect(str(world.database)) as con:
        with inject(point, press_ctrl_c), pytest.raises(KeyboardInterrupt):
            STEPS[step](con, world.folder)
        check_nothing_is_stuck(con)
        assert contents(con) == world.before
        with con.cursor() as other:  # the writer lock is free
            other.execute("CREATE TABLE free (id INT)")
            other.execute("DROP TABLE free")
        STEPS[step](con, world.folder)
        refresh(con, world.folder)
        check_views(con)
        assert contents(con) == world.finished[step]


@pytest.mark.parametrize(
    ("step", "point"),
    [
        ("create_view", "dml.after_commit"),
        ("create_table", "dml.after_commit"),
        ("refresh", "dml.after_commit"),
        ("refresh", "publish.after_commit"),
        ("change_rows", "dml.after_commit"),
    ],
)
def test_an_interrupt_after_the_commit_comes_too_late_to_undo_anything(world: World, step: str, point: str) -> None:
    with mvengine.connect(str(world.database)) as con:
        with inject(point, press_ctrl_c), pytest.raises(KeyboardInterrupt):
            STEPS[step](con, world.folder)
        check_nothing_is_stuck(con)
        check_views(con)
        assert contents(con) == world.after[step]
        if step.startswith("create"):
            con.execute("REFRESH ALL")
            con.execute("DROP TABLE more" if step == "create_table" else "DROP MATERIALIZED VIEW more")
        refresh(con, world.folder)
        check_nothing_is_stuck(con)
        assert contents(con) == world.finished[step]


@pytest.mark.parametrize("batch", [1, 2**26], ids=["apart", "together"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_an_interrupt_while_a_refresh_commits_leaves_nothing_that_runs_or_is_staged(
    world: World, monkeypatch: pytest.MonkeyPatch, batch: int, nth: int
) -> None:
    """Python hears Ctrl-C when COMMIT has returned."""
    commit, passed = DuckDbEngine.commit, 0

    def commit_and_hear(engine: DuckDbEngine) -> None:
        nonlocal passed
        commit(engine)
        if current_thread() is main_thread():
            passed += 1
            if passed == nth:
                raise KeyboardInterrupt

    with mvengine.connect(str(world.database), staging_batch_bytes=batch) as con:
        monkeypatch.setattr(DuckDbEngine, "commit", commit_and_hear)
        with contextlib.suppress(KeyboardInterrupt):
            refresh(con, world.folder)
        monkeypatch.undo()
        check_nothing_is_stuck(con)
        check_views(con)
        assert con.execute("SELECT status FROM mv_catalog.plans WHERE finished_at IS NULL").fetchall() == []
        assert con.execute("SELECT * FROM mv_meta.staged_files").fetchall() == []
        refresh(con, world.folder)
        check_views(con)
        assert contents(con) == world.after["refresh"]


@pytest.mark.parametrize("step", ["create_view", "change_rows", "refresh"])
@pytest.mark.parametrize("where", ["_show", "release"])
@pytest.mark.parametrize("nth", range(9))
def test_an_interrupt_behind_the_commit_keeps_no_lock_and_everybody_knows_of_what_was_committed(
    world: World, step: str, where: str, nth: int
) -> None:
    left = nth

    def trace(frame: FrameType, event: str, _: object) -> object:
        nonlocal left
        file = frame.f_code.co_filename
        is_there = frame.f_code.co_name == where and file.endswith(("transaction.py", "lock.py"))
        is_within_with = getline(file, frame.f_lineno).strip().startswith("with")  # where Python hears nothing
        if is_there and event in ("call", "line") and not is_within_with:
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    with mvengine.connect(str(world.database), lock_timeout=1.0) as con:
        with contextlib.suppress(KeyboardInterrupt):
            sys.settrace(trace)  # type: ignore[arg-type]
            STEPS[step](con, world.folder)
        sys.settrace(None)
        with contextlib.suppress(mvengine.Error):
            con.rollback()
        check_nothing_is_stuck(con)
        check_views(con)
        con.execute("INSERT INTO customers VALUES (99, 'Zoe')")
        con.execute("DELETE FROM orders WHERE id % 2 = 0")
        check_views(con)
        if step != "create_view" or contents(con).keys() == world.after[step].keys():
            refresh(con, world.folder)
            check_views(con)


@pytest.mark.parametrize("where", ["__init__", "begin", "_number", "commit", "_go_on", "identify", "start"])
@pytest.mark.parametrize("when", ["call", "return"])
@pytest.mark.parametrize("more", ["", " BACKGROUND", " BACKGROUND QUEUE"])
def test_an_interrupt_before_anybody_carries_a_refresh_out_leaves_no_table_taken(
    world: World, where: str, when: str, more: str
) -> None:
    """As Python hears Ctrl-C: when a function begins, or has returned."""
    files = [f"refresh/run/{name}.py" for name in ("start", "execution", "ledger", "progress", "registry", "workers")]

    def trace(frame: FrameType, event: str, _: object) -> object:
        is_there = frame.f_code.co_name == where and frame.f_code.co_filename.endswith(tuple(files))
        if is_there and event == when:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    with mvengine.connect(str(world.database)) as con:
        with contextlib.suppress(KeyboardInterrupt):
            sys.settrace(trace)  # type: ignore[arg-type]
            con.execute(f"REFRESH TABLE orders, items{more}")
        sys.settrace(None)
        con.execute("WAIT TIMEOUT 20")
        check_nothing_is_stuck(con)
        assert con.execute("SELECT status FROM mv_catalog.plans WHERE finished_at IS NULL").fetchall() == []
        refresh(con, world.folder)
        check_views(con)
        assert contents(con) == world.after["refresh"]


@pytest.mark.parametrize("point", ["maintain.view", "dml.before_commit"])
def test_an_interrupted_write_did_nothing(world: World, point: str) -> None:
    with mvengine.connect(str(world.database)) as con:
        with inject(point, press_ctrl_c), pytest.raises(KeyboardInterrupt):
            con.execute("INSERT INTO customers VALUES (1, 'Zoe')")
        assert contents(con) == world.before
        change_rows(con, world.folder)
        assert contents(con) == world.after["change_rows"]


def test_an_interrupted_commit_rolls_the_transaction_back(world: World) -> None:
    with mvengine.connect(str(world.database)) as con:
        with inject("maintain.view", press_ctrl_c), pytest.raises(KeyboardInterrupt):
            change_rows(con, world.folder)
        assert contents(con) == world.before
        change_rows(con, world.folder)
        check_views(con)
        assert contents(con) == world.after["change_rows"]


LONG = """
import signal, sys, mvengine
con = mvengine.connect(sys.argv[1])
signal.signal(signal.SIGINT, lambda *_: con.interrupt())
con.execute("CREATE TABLE big AS SELECT i AS id FROM range(40000) t(i)")
con.execute("CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM big")
print("ready", flush=True)
try:
    con.execute("INSERT INTO big SELECT count(*) FROM range(100000000000) t(i) WHERE hash(i) = 1")
except mvengine.OperationalError as error:
    print(error.code, flush=True)
con.execute("INSERT INTO big VALUES (1)")
print(con.execute("FROM counted").fetchall(), flush=True)
"""


def test_a_signal_while_the_engine_computes_stops_it_and_leaves_the_state_clean(world: World) -> None:
    """A real SIGINT, at a moment at which DuckDB is at work for hours to come; handled as the shell does.

    (Python's own handler is not enough: DuckDB then leaves its worker threads running, and waits for them.)
    """
    command = [sys.executable, "-c", LONG, str(world.database)]
    with subprocess.Popen(command, env=child_environment(None), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.3)
            child.send_signal(signal.SIGINT)
            said, _ = child.communicate(timeout=CHILD_SECONDS_MAX)
        finally:
            child.kill()
    assert said.splitlines() == ["57014", "[(40001,)]"]
    with mvengine.connect(str(world.database)) as con:
        check_nothing_is_stuck(con)
        check_views(con)
