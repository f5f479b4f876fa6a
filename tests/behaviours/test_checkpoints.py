"""What is durable of a refresh that ended in the middle: P20, P21, P24.

A process is ended here by closing its database, or by what a killed one leaves: a copy of its files. Processes that are
really killed are tested elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from behaviour_world import Files, Rows, check_views, declare, rows
from plan_world import (
    Hold,
    Raise,
    causes,
    check_histories,
    connect,
    create_diamond,
    end_process,
    events,
    last,
    outage,
    refresh_in_background,
    staged_files,
    status,
    tasks,
    wait,
)

import mvengine
from mvengine.errors import Error, LoadError
from mvengine.testing.clock import FakeClock
from mvengine.testing.faults import inject
from mvengine.testing.flaky import FlakyFiles, flaky_files

FOUR = {"a": "1,10", "b": "2,20 2,20", "c": "3,30", "d": "4,40"}
ALL = [(1, 10), (2, 20), (2, 20), (3, 30), (4, 40)]
WEEK = 7 * 86_400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "world.db"


def opened(flaky: FlakyFiles) -> list[str]:
    """The names of the files that were loaded, in order."""
    return [Path(found).name for found in flaky.opened]


def meta(path: Path, sql: str) -> Rows:
    """What a closed database has in its tables."""
    with duckdb.connect(str(path), read_only=True) as raw:
        return raw.execute(sql).fetchall()


def end_at(path: Path, files: Files, point: str, nth: int, *, is_killed: bool = False) -> None:
    """A refresh of a bag of four files and a diamond, whose process ends when it passes a fault point."""
    files.write(**FOUR)
    with connect(path) as con:
        declare(con, "t", files, key=False)
        create_diamond(con)
        hold = Hold(nth)
        with inject(point, hold):
            number = refresh_in_background(con, "t")
            end_process(con, number, hold, is_killed=is_killed)


# -- P20: closed in the middle -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("done", "is_killed"), [(1, False), (1, True), (3, True), (4, True)])
def test_p20_ended_after_a_stage_it_goes_on_with_the_next_ones_only(
    path: Path, files: Files, done: int, is_killed: bool
) -> None:
    end_at(path, files, "refresh.after_split", done, is_killed=is_killed)
    assert meta(path, "SELECT status FROM mv_meta.plans") == [("RUNNING" if is_killed else "PAUSED",)]
    assert meta(path, "SELECT count(*) FROM mv_meta.staged_files") == [(done,)]
    assert meta(path, "SELECT stages_done, stages_total FROM mv_meta.tasks WHERE kind = 'load'") == [(done, 4)]
    with flaky_files() as flaky, connect(path) as con:
        assert wait(con, 1) == "COMPLETED"
        assert opened(flaky) == ["a.csv", "b.csv", "c.csv", "d.csv"][done:]
        assert tasks(con, 1, "stages_done")["load t"] == 4
        assert rows(con, "t") == ALL
        check_views(con)
        check_histories(con)


# -- P21: nothing takes effect twice -----------------------------------------------------------------------------------

POINTS = [
    ("refresh.after_trigger", 1),
    ("stage.before_commit", 2),  # before the data commit
    ("refresh.after_split", 2),  # behind it: the checkpoint is in the same transaction
    ("refresh.after_staged", 1),  # before the state write
    ("refresh.after_merge", 1),
    ("maintain.view", 2),
    ("publish.before_commit", 1),
    ("publish.after_commit", 1),
]


@pytest.mark.parametrize(("point", "nth"), POINTS)
def test_p21_killed_at_any_point_no_stage_takes_effect_twice(path: Path, files: Files, point: str, nth: int) -> None:
    end_at(path, files, point, nth, is_killed=True)
    with connect(path) as con:
        wait(con, 1)
        con.execute("REFRESH TABLE t")  # of those that had nothing to go on from
        assert rows(con, "t") == ALL
        assert staged_files(con) == 0
        check_views(con)
        check_histories(con)


@pytest.mark.parametrize(("point", "nth"), POINTS)
def test_p21_failed_at_any_point_no_stage_takes_effect_twice(files: Files, point: str, nth: int) -> None:
    files.write(**FOUR)
    with connect(max_attempts=1) as con:
        declare(con, "t", files, key=False)
        create_diamond(con)
        with inject(point, Raise(outage, nth=nth)), pytest.raises(Error, match="the store is away"):
            con.execute("REFRESH TABLE t")
        con.execute("REFRESH TABLE t")
        assert rows(con, "t") == ALL
        assert staged_files(con) == 0
        check_views(con)
        check_histories(con)


# -- P24: a checkpoint that must not be used ---------------------------------------------------------------------------

GOOD = '{"digest": "%s", "stages": 2, "at": "2026-01-01T00:00:00+00:00", "format": 1}'


def fail_in_the_middle(con: mvengine.Connection, files: Files) -> int:
    """A failed refresh of ``t`` with two of its four files staged; then the broken one is mended."""
    files.write(**{**FOUR, "c": "3,much"})
    with pytest.raises(LoadError):
        con.execute("REFRESH TABLE t")
    assert staged_files(con) == 2
    files.write(c=FOUR["c"])
    return last(con)


def set_checkpoint(con: mvengine.Connection, text: str) -> None:
    con._database.engine.query(f"UPDATE mv_meta.tasks SET checkpoint = '{text}' WHERE kind = 'load'")


@pytest.mark.parametrize(
    ("checkpoint", "reason", "batch"),
    [
        (GOOD % "0", "the definition of the table has changed since", 1),
        (GOOD % "0", "the definition of the table has changed since", 2**20),
        ("", "its checkpoint cannot be read: JSONDecodeError", 1),
    ],
    ids=["in stages", "in one stage", "unreadable"],
)
def test_p24_a_checkpoint_that_does_not_fit_is_discarded_with_its_reason(
    path: Path, files: Files, checkpoint: str, reason: str, batch: int
) -> None:
    with connect(path) as con:
        declare(con, "t", files, key=False)
        number = fail_in_the_middle(con, files)
        set_checkpoint(con, checkpoint)
    with flaky_files() as flaky, connect(path, staging_batch_bytes=batch) as con:
        con.execute(f"RETRY REFRESH {number}")
        assert wait(con, number) == "COMPLETED"
        assert opened(flaky) == ["a.csv", "b.csv", "c.csv", "d.csv"]
        (cause,) = causes(con, number, "DISCARD")
        assert cause.startswith(reason)
        assert rows(con, "t") == ALL
        check_histories(con)


@pytest.mark.parametrize("batch", [1, 2**20], ids=["in stages", "in one stage"])
def test_p24_a_checkpoint_that_fits_is_used_and_nothing_is_discarded(path: Path, files: Files, batch: int) -> None:
    with connect(path) as con:
        declare(con, "t", files, key=False)
        number = fail_in_the_middle(con, files)
    with flaky_files() as flaky, connect(path, staging_batch_bytes=batch) as con:
        con.execute(f"RETRY REFRESH {number}")
        assert wait(con, number) == "COMPLETED"
        assert opened(flaky) == ["c.csv", "d.csv"]
        assert (causes(con, number, "DISCARD"), rows(con, "t")) == ([], ALL)


@pytest.mark.parametrize("statement", ["RETRY REFRESH 1", "REFRESH TABLE t BACKGROUND"])
@pytest.mark.parametrize(("age", "read"), [(WEEK - 60, 2), (WEEK + 60, 4)], ids=["young", "old"])
def test_p24_what_was_staged_too_long_ago_is_loaded_again(files: Files, statement: str, age: int, read: int) -> None:
    clock = FakeClock()
    with connect(clock=clock) as con:
        declare(con, "t", files, key=False)
        fail_in_the_middle(con, files)
        clock.advance(age)
        with flaky_files() as flaky:
            ((number, _),) = con.execute(statement).fetchall()
            assert wait(con, number) == "COMPLETED"
        assert len(flaky.opened) == read
        discarded = causes(con, number, "DISCARD")
        assert len(discarded) == (read == 4)
        assert all("old" in cause or "too long ago" in cause for cause in discarded)
        assert rows(con, "t") == ALL


@pytest.mark.parametrize(("statement", "batch"), [("RETRY REFRESH 1", 1), ("REFRESH TABLE t BACKGROUND", 2**20)])
def test_p24_staged_files_that_have_changed_or_gone_are_not_used(
    path: Path, files: Files, statement: str, batch: int
) -> None:
    with connect(path) as con:
        declare(con, "t", files, key=False)
        fail_in_the_middle(con, files)
    files.write(a="1,11", e="5,50")
    files.remove("b")
    with flaky_files() as flaky, connect(path, staging_batch_bytes=batch) as con:
        ((number, _),) = con.execute(statement).fetchall()
        assert wait(con, number) == "COMPLETED"
        assert opened(flaky) == ["a.csv", "c.csv", "d.csv", "e.csv"]
        (cause,) = causes(con, number, "DISCARD")
        assert f"{files.path('a.csv')} and 1 more changed since it was staged" in cause
        assert rows(con, "t") == [(1, 11), (3, 30), (4, 40), (5, 50)]


def test_p24_files_that_change_after_all_was_staged_are_loaded_again(path: Path, files: Files) -> None:
    end_at(path, files, "refresh.after_split", 4)
    files.write(b="2,21")
    with flaky_files() as flaky, connect(path) as con:
        assert wait(con, 1) == "COMPLETED"
        assert opened(flaky) == ["b.csv"]
        assert causes(con, 1, "RESET") == ["its files have changed since they were staged"]
        assert any("b.csv changed since it was staged" in cause for cause in causes(con, 1, "DISCARD"))
        assert rows(con, "t") == [(1, 10), (2, 21), (3, 30), (4, 40)]
        check_views(con)


@pytest.mark.parametrize("is_published", [False, True], ids=["a first load", "a later one"])
@pytest.mark.parametrize("change", ["gone", "as before"])
def test_p24_staged_files_of_a_completed_load_that_are_gone_or_as_they_were_are_not_published(
    tmp_path: Path, change: str, is_published: bool
) -> None:
    t, u = Files(tmp_path / "t"), Files(tmp_path / "u")
    t.write(a="1,10", b="2,20")
    u.write(a="5,50")
    with connect(max_concurrency=1) as con:
        declare(con, "t", t, key=False)
        declare(con, "u", u, key=False)
        con.execute("CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n, sum(x) AS x FROM t")
        if is_published:
            con.execute("REFRESH TABLE t, u")
        t.path("b.csv").rename(tmp_path / "kept")
        t.write(b="2,21 2,22", c="3,30")
        u.write(b="6,bad")
        with pytest.raises(LoadError):
            con.execute("REFRESH TABLE t, u")
        number = last(con)
        assert tasks(con, number)["load t"] == "COMPLETED"
        t.remove("b")
        if change == "as before":  # its time is as it was, too
            (tmp_path / "kept").rename(t.path("b.csv"))
        u.write(b="6,60")
        con.execute(f"RETRY REFRESH {number}")
        assert wait(con, number) == "COMPLETED"
        assert rows(con, "t") == [(1, 10), *([(2, 20)] if change == "as before" else []), (3, 30)]
        assert events(con, number, "load t")[-4:] == ["RESET", "EXECUTE", "DISCARD", "COMPLETE"]
        check_views(con)
        check_histories(con)


def test_p24_parts_of_a_file_that_is_cut_otherwise_now_are_not_used(path: Path, tmp_path: Path) -> None:
    """The list of stages has changed: the size of a batch is another one."""
    file, groups, size = tmp_path / "big.parquet", 3, 2048
    duckdb.sql(f"COPY (SELECT range AS id FROM range({groups * size})) TO '{file}' (ROW_GROUP_SIZE {size})")
    with connect(path, staging_batch_bytes=1, max_attempts=1) as con:
        con.execute(f"CREATE TABLE t (id BIGINT) REFRESHABLE FROM '{file}'")
        with inject("stage.before_commit", Raise(outage, nth=2)), pytest.raises(Error):
            con.execute("REFRESH TABLE t")
        assert (staged_files(con), tasks(con, 1, "stages_total")["load t"]) == (1, groups)
    with connect(path, staging_batch_bytes=2**20, max_attempts=2) as con:
        con.execute("RETRY REFRESH 1")
        assert wait(con, 1) == "COMPLETED"
        assert len(causes(con, 1, "DISCARD")) == 1
        assert rows(con, "SELECT count(*), count(DISTINCT id) FROM t") == [(groups * size, groups * size)]


def test_p24_full_uses_nothing_that_is_staged(files: Files) -> None:
    with connect() as con:
        declare(con, "t", files, key=False)
        fail_in_the_middle(con, files)
        with flaky_files() as flaky:
            con.execute("REFRESH TABLE t FULL")
        assert (len(flaky.opened), len(causes(con, 2, "DISCARD"))) == (4, 1)
        assert (status(con, 2), rows(con, "t")) == ("COMPLETED", ALL)
