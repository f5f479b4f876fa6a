"""F01: how far a refresh is can be read by everybody while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from behaviour_world import Files, declare

import mvengine
from mvengine.meta.progress import Progress
from mvengine.testing.faults import inject

READ = "SELECT status, phase, splits_done, splits_total, rows, bytes_done, percentage FROM mv_catalog.progress"
SECONDS_MAX = 60


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    """A database that loads each file in a stage of its own."""
    with mvengine.connect(staging_batch_bytes=1) as connection:
        yield connection


@pytest.fixture
def table(con: mvengine.Connection, files: Files) -> str:
    """A table of three files, and a view of it."""
    files.write(a="1,10 2,20", b="3,30", c="4,40 5,50 6,60")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT x // 20 AS g, count(*) AS n FROM t GROUP BY g")
    return "t"


@contextmanager
def held(con: mvengine.Connection, point: str) -> Iterator[None]:
    """A refresh of ``t`` that stands at a fault point during the block, and is over after it."""
    is_there, may_go, failures = Event(), Event(), []

    def hold() -> None:
        is_there.set()
        assert may_go.wait(SECONDS_MAX)

    def refresh() -> None:
        try:
            with con.cursor() as cursor:
                cursor.execute("REFRESH TABLE t")
        except Exception as error:
            failures.append(error)

    with inject(point, hold):
        thread = Thread(target=refresh)
        thread.start()
        try:
            assert is_there.wait(SECONDS_MAX)
            yield
        finally:
            may_go.set()
            thread.join()
    assert not failures


def test_f01_another_cursor_reads_how_far_a_load_is(con: mvengine.Connection, table: str) -> None:
    with held(con, "refresh.after_split"):
        ((status, phase, done, total, rows, size, percentage),) = con.execute(
            f"{READ} WHERE kind = 'refresh'"
        ).fetchall()
        assert (status, phase, done, total, rows) == ("RUNNING", "loading", 1, 3, 2)
        assert size == len("id,x\n1,10\n2,20\n")
        assert 0 < percentage < 100
        (live,) = con.progress()
        assert (live.kind, live.name, live.phase, live.splits_done) == ("refresh", "t", "loading", 1)
        assert live.id == con.execute("SELECT plan_id FROM mv_catalog.plans").fetchone()[0]
        assert live.percentage == pytest.approx(percentage)
    assert con.progress() == ()
    assert con.execute(f"{READ} WHERE kind = 'refresh'").fetchone()[:5] == ("COMPLETED", "done", 3, 3, 6)


@pytest.mark.parametrize(
    ("point", "phase"),
    [
        ("refresh.after_merge", "merging"),
        ("maintain.view", "maintaining"),
        ("publish.before_commit", "publishing"),
    ],
)
def test_f01_every_half_of_finishing_has_its_phase(
    con: mvengine.Connection, table: str, point: str, phase: str
) -> None:
    with held(con, point):
        (live,) = con.progress()
        assert (live.phase, live.splits_done, live.rows_done) == (phase, 3, 6)
        assert 70 < live.percentage < 100


def test_what_is_over_is_at_its_end_without_having_been_watched(con: mvengine.Connection, table: str) -> None:
    con.execute("REFRESH TABLE t")
    status, phase, done, total, rows, _, percentage = con.execute(f"{READ} WHERE kind = 'refresh'").fetchone()
    assert (status, phase, done, total, rows, percentage) == ("COMPLETED", "done", 3, 3, 6, 100)
    assert con.execute("SELECT count(*) FROM mv_meta.progress").fetchone() == (0,)
    assert con.execute("SELECT DISTINCT status, percentage FROM mv_catalog.progress WHERE kind = 'job'").fetchall() == [
        ("CREATED", 100)
    ]


def test_what_failed_stays_where_it_was(con: mvengine.Connection, files: Files, table: str) -> None:
    files.write(c="4,forty")
    with pytest.raises(mvengine.Error):
        con.execute("REFRESH TABLE t")
    status, phase, done, total, rows, _, percentage = con.execute(f"{READ} WHERE kind = 'refresh'").fetchone()
    assert (status, phase, done, total, rows) == ("FAILED", "loading", 2, 3, 3)
    assert 0 < percentage < 70


def test_a_callback_is_told_how_it_goes_on_and_how_it_ends(con: mvengine.Connection, table: str) -> None:
    heard: list[Progress] = []
    con.refresh("t", on_progress=heard.append)
    assert [each.percentage for each in heard] == sorted(each.percentage for each in heard)
    assert (heard[-1].percentage, heard[-1].phase, heard[-1].rows_done, heard[-1].eta_seconds) == (100, "done", 6, 0)


def test_a_callback_that_raises_does_no_harm_and_is_warned_of(con: mvengine.Connection, table: str) -> None:
    def broken(progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.warns(RuntimeWarning, match="ZeroDivisionError"):
        con.refresh("t", on_progress=broken)
    assert con.execute("SELECT count(*) FROM t").fetchone() == (6,)


def test_files_are_counted_also_where_one_stage_loads_several(files: Files) -> None:
    files.write(a="1,10", b="2,20", c="3,30")
    with mvengine.connect() as con:
        declare(con, "t", files)
        con.execute("REFRESH TABLE t")
        assert con.execute("SELECT stages_total FROM mv_catalog.tasks WHERE kind = 'load'").fetchone() == (1,)
        assert con.execute(f"{READ} WHERE kind = 'refresh'").fetchone()[2:4] == (3, 3)
