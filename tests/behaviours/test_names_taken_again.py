"""A table that is dropped while it is refreshed, another one created under its name, and whose tables are whose."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest
from behaviour_world import Files, check_views, declare, rows
from plan_world import (
    SECONDS_MAX,
    Hold,
    causes,
    check_histories,
    connect,
    end_process,
    refresh_in_background,
    release_when_asked,
    sources,
    staged_files,
    status,
    table_state,
    wait,
)

import mvengine
from mvengine.errors import StateError
from mvengine.refresh.run import operations
from mvengine.refresh.run import start as starting
from mvengine.testing.faults import inject


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        ("refresh.after_listing", 1),
        ("refresh.after_trigger", 1),
        ("stage.after_prepare", 1),
        ("refresh.after_split", 1),
        ("refresh.after_split", 2),
        ("refresh.after_split", 3),
        ("refresh.after_staged", 1),
    ],
)
@pytest.mark.parametrize("batch", [1, 2**20], ids=["apart", "together"])
def test_r08_a_table_of_the_same_name_gets_nothing_of_the_dropped_ones_refresh(
    tmp_path: Path, files: Files, point: str, nth: int, batch: int
) -> None:
    if batch > 1 and (nth > 1 or point == "stage.after_prepare"):
        pytest.skip("all is one stage")
    files.write(a="1,10", b="2,20", c="3,30")
    with connect(tmp_path / "world.db", max_concurrency=1, staging_batch_bytes=batch) as con:
        declare(con, "t", files, key=False)
        hold = Hold(nth)
        with inject(point, hold):
            number = refresh_in_background(con, "t")
            hold.wait()
            con.execute("DROP TABLE t")
            con.execute(
                f"CREATE TABLE t (id INTEGER, x INTEGER, y INTEGER DEFAULT 7) REFRESHABLE FROM '{files.folder}'"
            )
            con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n, sum(x) AS x, sum(y) AS y FROM t")
            hold.release()
            assert wait(con, number) == "CANCELLED"
        staging = con._database.engine.query('SELECT count(*), count(y) FROM mv_state."t$staging"')
        assert (staging, staged_files(con)) == ([(0, 0)], 0)
        files.write(a="1,10,7", b="2,20,7", c="3,30,7")
        for name in "abc":
            text = files.path(f"{name}.csv").read_text().replace("id,x\n", "id,x,y\n")
            files.path(f"{name}.csv").write_text(text)
        con.execute("REFRESH TABLE t")
        assert rows(con, "t") == [(1, 10, 7), (2, 20, 7), (3, 30, 7)]
        check_views(con)


@pytest.mark.parametrize("is_explicit", [False, True], ids=["by itself", "in a transaction"])
@pytest.mark.parametrize("is_reopened", [False, True])
def test_r08_a_drop_cancels_a_paused_refresh_and_its_tables_are_free(
    tmp_path: Path, is_explicit: bool, is_reopened: bool
) -> None:
    with connect(tmp_path / "world.db", max_concurrency=1) as con:
        sources(con, tmp_path, "t", "u")
        number = paused(con, "t", "u")
        if not is_reopened:
            drop(con, is_explicit=is_explicit)
            check_free(con, tmp_path, number)
    if is_reopened:
        with connect(tmp_path / "world.db") as con:
            drop(con, is_explicit=is_explicit)
            check_free(con, tmp_path, number)


def paused(con: mvengine.Connection, *tables: str) -> int:
    """A refresh that is paused behind its first stage."""
    hold = Hold()
    with inject("refresh.after_split", hold):
        number = refresh_in_background(con, *tables)
        hold.wait()
        release_when_asked(con, number, hold.release)
        assert operations.pause(con._database, number).is_done
    return number


def drop(con: mvengine.Connection, *, is_explicit: bool) -> None:
    if is_explicit:
        con.execute("BEGIN")
        con.execute("DROP TABLE t")
        assert status(con, 1) == "PAUSED"
        con.execute("COMMIT")
    else:
        con.execute("DROP TABLE t")


def check_free(con: mvengine.Connection, folder: Path, number: int) -> None:
    assert (status(con, number), staged_files(con), table_state(con, "u")) == ("CANCELLED", 0, "IDLE")
    assert causes(con, number, "CANCEL")[-1] == "a table of it was dropped"
    check_histories(con)
    declare(con, "t", Files(folder / "t"))
    con.execute("REFRESH TABLE t, u")
    assert (rows(con, "t"), rows(con, "u")) == ([(1, 10)], [(2, 20)])


def test_r08_a_refresh_of_a_table_whose_recovered_refresh_is_paused_is_refused(tmp_path: Path, files: Files) -> None:
    files.write(a="1,10", b="2,20", c="3,30")
    hold, again = Hold(), Hold()
    con = connect(tmp_path / "world.db", max_concurrency=1)
    declare(con, "t", files)
    with inject("refresh.after_split", hold):
        end_process(con, refresh_in_background(con, "t"), hold, is_killed=True)
    with inject("refresh.after_split", again), connect(tmp_path / "world.db", max_concurrency=1) as con:
        again.wait()
        release_when_asked(con, 1, again.release)
        assert operations.pause(con._database, 1).is_done
        with pytest.raises(StateError, match="RESUME REFRESH 1 lets that refresh go on"):
            con.execute("REFRESH TABLE t")


def test_r08_a_refresh_that_is_resumed_at_once_runs_under_its_number(
    monkeypatch: pytest.MonkeyPatch, files: Files
) -> None:
    """The thread that was paused may come to its last lines when the next one runs."""
    files.write(a="1,10", b="2,20", c="3,30")
    ends, hold, resumed, seen = 0, Hold(2), Event(), Event()
    over = starting._over

    def late(*arguments: Any, **more: Any) -> None:
        nonlocal ends
        ends += 1
        is_second = ends == 2
        if is_second:
            assert resumed.wait(SECONDS_MAX)
        over(*arguments, **more)
        if is_second:
            seen.set()

    monkeypatch.setattr(starting, "_over", late)
    with connect(max_concurrency=1) as con:
        declare(con, "t", files)
        number = paused(con, "t")
        with inject("refresh.after_split", hold):
            con.execute(f"RESUME REFRESH {number}")
            hold.wait()
            resumed.set()
            assert seen.wait(SECONDS_MAX)
            assert con._database.registry.running(number) is not None
            hold.release()
            assert wait(con, number) == "COMPLETED"


@pytest.mark.parametrize("kind", ["VIEW", "TABLE"])
def test_a_drop_with_cascade_leaves_what_is_temporary_and_drops_the_view_that_it_hides(kind: str) -> None:
    with connect() as con:
        con.execute("CREATE TABLE plain (id INTEGER)")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM plain")
        con.execute(f"CREATE TEMP {kind} v AS SELECT 99 AS n")
        con.execute("DROP TABLE plain CASCADE")
        assert rows(con, "temp.v") == [(99,)]
        con.execute(f"DROP {kind} temp.v")
        con.execute("CREATE TABLE plain (id INTEGER)")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM plain")
        assert rows(con, "v") == [(0,)]
