"""A disk that fills up, a source that vanishes in the middle of a refresh: the old epoch stays, and it is said why."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from plan_checks import check_plans

import mvengine
from mvengine.errors import OperationalError, SourceError
from mvengine.testing.faults import inject
from mvengine.testing.flaky import flaky_files

DISK_MB = 48
ROWS = 120_000  # of about 100 bytes that do not compress: more than LEFT
LEFT = 1024 * 1024  # bytes in which states can be written, and rows cannot


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk takes root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path, leaving: int) -> None:
    """Leaves so many bytes."""
    with (disk / "filler").open("wb") as file:
        for _ in range(max(shutil.disk_usage(disk).free - leaving, 0) // 4096):
            file.write(bytes(4096))


@pytest.fixture
def loaded(small_disk: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A database on the small disk with a table of one row, and the folder of its files, one of which is large."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "1.csv").write_text("id,x\n1,one\n")
    with mvengine.connect(str(small_disk / "small.db")) as con:
        con.execute(f"CREATE TABLE t (id BIGINT, x VARCHAR) REFRESHABLE FROM '{folder}' FORMAT PLAIN ENCODE CSV")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t")
        con.execute("REFRESH TABLE t")
    with duckdb.connect() as writer:
        rows = f"SELECT i AS id, md5(i::VARCHAR) || sha256(i::VARCHAR) AS x FROM range({ROWS}) t(i)"
        writer.execute(f"COPY ({rows}) TO '{folder / '2.csv'}' (HEADER)")
    return small_disk / "small.db", folder


POINTS = {"Refreshing": "refresh.after_trigger", "Finishing": "refresh.after_staged"}


def fill_during_refresh(con: mvengine.Connection, disk: Path, state: str, leaving: int) -> None:
    with inject(POINTS[state], lambda: fill(disk, leaving)), pytest.raises(OperationalError) as raised:
        con.execute("REFRESH TABLE t")
    assert raised.value.code == "53100"
    assert raised.value.retryable


def check_loaded(con: mvengine.Connection) -> None:
    check_plans(con)
    assert con.execute("SELECT count(*) FROM t").fetchall() == [(ROWS + 1,)]
    assert con.execute("FROM v").fetchall() == [(ROWS + 1,)]


@pytest.mark.parametrize("state", POINTS)
def test_a_disk_that_fills_in_refreshing_or_finishing_leaves_the_old_epoch_until_there_is_room(
    loaded: tuple[Path, Path], state: str
) -> None:
    """There may be no room left to write down what became of the refresh: the next one does."""
    database, _ = loaded
    with mvengine.connect(str(database), retry_pause=0) as con:
        fill_during_refresh(con, database.parent, state, LEFT)
        assert con.execute("FROM t").fetchall() == [(1, "one")]
        assert con.execute("FROM v").fetchall() == [(1,)]
        (database.parent / "filler").unlink()
        con.execute("REFRESH TABLE t")
        check_loaded(con)
        ((status, error),) = con.execute("SELECT status, error FROM mv_catalog.plans WHERE plan_id = 2").fetchall()
        assert status == "FAILED"
        assert "53100" in error or "its states could not be written" in error
        if state == "Refreshing":
            failures = con.execute("SELECT DISTINCT type, code, retryable FROM mv_catalog.failures").fetchall()
            assert failures == [("disk_full", "53100", True)]


@pytest.mark.parametrize("state", POINTS)
def test_a_database_whose_disk_has_no_room_at_all_opens_again_at_the_old_epoch(
    loaded: tuple[Path, Path], state: str
) -> None:
    database, _ = loaded
    with mvengine.connect(str(database), retry_pause=0) as con:
        fill_during_refresh(con, database.parent, state, 0)
    (database.parent / "filler").unlink()
    with mvengine.connect(str(database), recovery="reset") as con:
        check_at_rest(con, [(1, "one")])
        con.execute("REFRESH TABLE t")
        check_loaded(con)


def test_a_full_disk_during_a_refresh_is_an_error_that_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "1.csv").write_text("id,x\n1,one\n")
    database = str(small_disk / "small.db")
    with mvengine.connect(database) as con:
        con.execute(f"CREATE TABLE t (id BIGINT, x VARCHAR) REFRESHABLE FROM '{files}' FORMAT PLAIN ENCODE CSV")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t")
        con.execute("REFRESH TABLE t")
        (small_disk / "filler").write_bytes(bytes(LEFT))
        with duckdb.connect() as writer:  # rows that do not compress
            rows = "SELECT i AS id, md5(i::VARCHAR) || sha256(i::VARCHAR) AS x FROM range(500_000) t(i)"
            writer.execute(f"COPY ({rows}) TO '{files / '2.csv'}' (HEADER)")
        with pytest.raises(OperationalError) as raised:
            con.execute("REFRESH TABLE t")
        assert "space" in str(raised.value).lower()
    (small_disk / "filler").unlink()  # opening writes down what it decides
    (files / "2.csv").write_text("id,x\n2,two\n")
    with mvengine.connect(database, recovery="reset") as con:
        check_at_rest(con, [(1, "one")])
        con.execute("REFRESH TABLE t")
        check_at_rest(con, [(1, "one"), (2, "two")])


def check_at_rest(con: mvengine.Connection, expected: list[tuple[int, str]]) -> None:
    assert con.execute("FROM t ORDER BY id").fetchall() == expected
    assert con.execute("FROM v").fetchall() == [(len(expected),)]
    check_plans(con)


# -- a source that vanishes ------------------------------------------------------------------------------------------


@pytest.fixture
def few(tmp_path: Path) -> tuple[mvengine.Connection, Path]:
    """A table of three files, of which the first was loaded."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "1.csv").write_text("id,x\n1,one\n")
    con = mvengine.connect(staging_batch_bytes=1, retry_pause=0)
    con.execute(f"CREATE TABLE t (id INT, x VARCHAR) REFRESHABLE FROM '{folder}' FORMAT PLAIN ENCODE CSV")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t")
    con.execute("REFRESH TABLE t")
    for number in (2, 3):
        (folder / f"{number}.csv").write_text(f"id,x\n{number},more\n")
    return con, folder


def test_a_file_that_vanishes_in_the_middle_is_gone_in_the_attempt_that_follows(
    few: tuple[mvengine.Connection, Path],
) -> None:
    con, _ = few
    with flaky_files() as files:
        files.vanish("*/3.csv")
        con.execute("REFRESH TABLE t")
        assert [Path(path).name for path in files.opened] == ["2.csv", "3.csv"], "2.csv is staged, and not read again"
    check_at_rest(con, [(1, "one"), (2, "more")])
    assert con.execute("SELECT type, retryable FROM mv_catalog.failures").fetchall() == [("missing_file", True)]
    con.close()


def test_a_source_that_vanishes_in_the_middle_fails_and_can_be_retried_when_it_is_back(
    few: tuple[mvengine.Connection, Path],
) -> None:
    con, folder = few
    away = folder.with_name("away")
    move: Callable[[str], None] = lambda _: folder.rename(away) and None  # noqa: E731 - what a file does when it is read
    with flaky_files() as files:
        files.act("*/3.csv", move)
        with pytest.raises(SourceError) as raised:
            con.execute("REFRESH TABLE t FULL")
    assert str(folder) in raised.value.message
    check_at_rest(con, [(1, "one")])
    away.rename(folder)
    con.execute("REFRESH TABLE t")
    check_at_rest(con, [(1, "one"), (2, "more"), (3, "more")])
    con.close()
