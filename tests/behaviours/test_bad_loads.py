"""R07: a load that ends badly changes nothing, says which file and line is wrong, and the next good one heals."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from behaviour_world import Files, check_views, declare, epoch, one, rows

import mvengine
from mvengine.errors import Error, LoadError, SourceError
from mvengine.testing.flaky import FlakyFiles, flaky_files

NOBODY = 65534

Spoil = Callable[[Path], object]


@dataclass(frozen=True, kw_only=True)
class Bad:
    """A way to spoil a load. ``spoil`` is given the folder, where ``name`` is the file to be named in the error."""

    format: str  # CSV, JSON, PARQUET
    spoil: Spoil
    name: str
    line: int | None = None
    error: type[Error] = LoadError
    during: Callable[[Path], AbstractContextManager[None]] = field(default=lambda folder: nullcontext())


def parquet(path: Path, **columns: list[object]) -> None:
    pq.write_table(pa.table(columns), path)


def write_good(folder: Path, format_: str) -> None:
    match format_:
        case "CSV":
            (folder / "good.csv").write_text("id,x\n1,10\n2,20\n")
        case "JSON":
            (folder / "good.json").write_text('{"id": 1, "x": 10}\n{"id": 2, "x": 20}\n')
        case "PARQUET":
            parquet(folder / "good.parquet", id=[1, 2], x=[10, 20])


def truncate_parquet(folder: Path) -> None:
    parquet(folder / "bad.parquet", id=list(range(100)), x=list(range(100)))
    os.truncate(folder / "bad.parquet", 200)


@contextmanager
def always(fault: Callable[[FlakyFiles], object]) -> Iterator[None]:
    """A fault that does not pass by itself."""
    with flaky_files() as flaky:
        fault(flaky)
        yield


def add_line(path: str) -> None:
    with open(path, "a") as file:
        file.write("4,40\n")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything, so that it has to be another for a moment."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def text(name: str, contents: str) -> Spoil:
    return lambda folder: (folder / name).write_text(contents)


def content(name: str, contents: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(contents)


def remove_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


BAD = {
    "wrong type": Bad(format="CSV", spoil=text("bad.csv", "id,x\n3,30\n4,many\n"), name="bad.csv", line=3),
    "too few columns": Bad(format="CSV", spoil=text("bad.csv", "id,x\n3,30\n4\n"), name="bad.csv", line=3),
    "too many columns": Bad(format="CSV", spoil=text("bad.csv", "id,x\n3,30\n4,40,400\n"), name="bad.csv", line=3),
    "column missing": Bad(format="CSV", spoil=text("bad.csv", "id,y\n3,30\n"), name="bad.csv", line=1),
    "open quote": Bad(format="CSV", spoil=text("bad.csv", 'id,x\n3,30\n4,"40\n'), name="bad.csv", line=3),
    "NULL key": Bad(format="CSV", spoil=text("bad.csv", "id,x\n3,30\n,40\n"), name="bad.csv", line=3),
    "wrong encoding": Bad(format="CSV", spoil=content("bad.csv", b"id,x\n3,30\n4,\xff\xfe\n"), name="bad.csv"),
    "no gzip": Bad(format="CSV", spoil=content("bad.csv.gz", b"id,x\n3,30\n"), name="bad.csv.gz"),
    "half a gzip": Bad(
        format="CSV", spoil=content("bad.csv.gz", gzip.compress(b"id,x\n3,30\n" * 999)[:-20]), name="bad.csv.gz"
    ),
    "broken JSON": Bad(format="JSON", spoil=text("bad.json", '{"id": 3, "x": 30}\n{"id": 4, "x"\n'), name="bad.json"),
    "wrong type in JSON": Bad(
        format="JSON", spoil=text("bad.json", '{"id": 3, "x": 30}\n{"id": 4, "x": "many"}\n'), name="bad.json", line=2
    ),
    "NULL key in JSON": Bad(
        format="JSON", spoil=text("bad.json", '{"id": 3, "x": 3}\n{"x": 4}\n'), name="bad.json", line=2
    ),
    "broken Parquet": Bad(format="PARQUET", spoil=truncate_parquet, name="bad.parquet"),
    "zero-byte Parquet": Bad(format="PARQUET", spoil=content("bad.parquet", b""), name="bad.parquet"),
    "text as Parquet": Bad(format="PARQUET", spoil=text("bad.parquet", "id,x\n3,30\n"), name="bad.parquet"),
    "wrong type in Parquet": Bad(
        format="PARQUET", spoil=lambda folder: parquet(folder / "bad.parquet", id=[3], x=["many"]), name="bad.parquet"
    ),
    "column missing in Parquet": Bad(
        format="PARQUET", spoil=lambda folder: parquet(folder / "bad.parquet", id=[3]), name="bad.parquet"
    ),
    "NULL key in Parquet": Bad(
        format="PARQUET",
        spoil=lambda folder: parquet(folder / "bad.parquet", id=[None, 3], x=[1, 2]),
        name="bad.parquet",
    ),
    "dangling link": Bad(
        format="CSV", spoil=lambda folder: (folder / "bad.csv").symlink_to("nowhere"), name="bad.csv", error=SourceError
    ),
    "no such root": Bad(format="CSV", spoil=remove_folder, name="files", error=SourceError),
    "file that cannot be opened": Bad(
        format="CSV",
        spoil=text("bad.csv", "id,x\n3,30\n"),
        name="bad.csv",
        error=SourceError,
        during=lambda folder: always(lambda flaky: flaky.fail("*/bad.csv", times=99)),
    ),
    "file that changes while it is read": Bad(
        format="CSV",
        spoil=text("bad.csv", "id,x\n3,30\n"),
        name="bad.csv",
        error=SourceError,
        during=lambda folder: always(lambda flaky: flaky.act("*/bad.csv", add_line, times=99)),
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_r07_a_bad_load_changes_nothing_names_the_file_and_the_next_good_one_heals(
    con: mvengine.Connection, files: Files, tmp_path: Path, bad: Bad
) -> None:
    other = Files(tmp_path / "other")
    other.write(o="1,1")
    declare(con, "other", other)
    write_good(files.folder, bad.format)
    con.execute(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER) REFRESHABLE FROM '{files.folder}' "
        f"FORMAT PLAIN ENCODE {bad.format}"
    )
    con.execute("ALTER TABLE t SET (max_attempts = 1)")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT t.id, t.x + other.x AS y FROM t JOIN other USING (id)")
    con.execute("REFRESH ALL")
    relations = ("t", "other", "v")
    before = epoch(con), {name: rows(con, name) for name in relations}

    bad.spoil(files.folder)
    other.write(o="1,1 2,2")
    with bad.during(files.folder), pytest.raises(bad.error) as raised:
        con.execute("REFRESH TABLE other, t")
    assert bad.name in str(raised.value)
    if bad.line is not None:
        assert f"{bad.name}:{bad.line}" in str(raised.value)
    assert (epoch(con), {name: rows(con, name) for name in relations}) == before
    states = con.execute("SELECT table_name, state, last_error FROM mv_catalog.refresh_jobs").fetchall()
    assert {state for _, state, _ in states} == {"IDLE"}
    assert raised.value.message in {table: error for table, _, error in states}["t"]

    restore(files, bad)
    assert con.execute("REFRESH TABLE other, t").fetchall()
    assert rows(con, "t") == [(1, 10), (2, 20)]
    assert rows(con, "v") == [(1, 11), (2, 22)]
    check_views(con)
    assert rows(con, "SELECT last_error FROM mv_catalog.refresh_jobs") == [(None,), (None,)]


def restore(files: Files, bad: Bad) -> None:
    files.folder.mkdir(exist_ok=True)
    files.folder.chmod(0o755)
    for path in files.folder.iterdir():
        if path.name.startswith("bad"):
            path.unlink()
    write_good(files.folder, bad.format)


@pytest.mark.parametrize("forbidden", ["folder", "folder/bad.csv"])
def test_r07_what_may_not_be_read_is_named(con: mvengine.Connection, forbidden: str) -> None:
    with TemporaryDirectory() as place:  # pytest's own folders are closed to others
        files = Files(Path(place) / "folder")
        Path(place).chmod(0o755)
        files.write(good="1,10", bad="2,20")
        declare(con, "t", files)
        con.execute("REFRESH TABLE t")
        files.write(bad="3,3000")
        (Path(place) / forbidden).chmod(0)
        with as_nobody(), pytest.raises(SourceError, match=f"{forbidden}.*Permission denied"):
            con.execute("REFRESH TABLE t")
        (Path(place) / forbidden).chmod(0o755)
        assert rows(con, "t") == [(1, 10), (2, 20)]
        assert forbidden in str(one(con, "SELECT last_error FROM mv_catalog.refresh_jobs"))
        con.execute("REFRESH TABLE t")
        assert rows(con, "t") == [(1, 10), (3, 3000)]


@pytest.mark.parametrize("constraint", ["NOT NULL", "CHECK (x > 0)"])
def test_r07_a_row_that_breaks_a_constraint_is_told_of_under_the_names_of_file_and_table(
    con: mvengine.Connection, files: Files, constraint: str
) -> None:
    files.write(a="1,10", b="2," if constraint == "NOT NULL" else "2,-1")
    columns = f"id INT PRIMARY KEY, x INT {constraint}"
    con.execute(f"CREATE TABLE t ({columns}) REFRESHABLE FROM '{files.folder}' FORMAT PLAIN ENCODE CSV")
    with pytest.raises(LoadError, match=r"b\.csv") as raised:
        con.execute("REFRESH TABLE t")
    assert "$" not in str(raised.value)
    assert rows(con, "t") == []


def test_r07_a_folder_where_a_file_was_meant_is_an_error(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    con.execute(f"CREATE TABLE t (id INT, x INT) REFRESHABLE FROM '{files.folder}/*.csv' FORMAT PLAIN ENCODE CSV")
    con.execute("REFRESH TABLE t")
    files.path("b.csv").mkdir()
    with pytest.raises(SourceError, match=r"b\.csv.* is a folder"):
        con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10)]
    files.path("b.csv").rmdir()
    con.execute("REFRESH TABLE t")
    assert one(con, "SELECT last_error FROM mv_catalog.refresh_jobs") is None


def test_r07_a_folder_in_the_place_of_a_loaded_file_does_not_remove_its_rows(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10", b="2,20")
    files.path("sub").mkdir()
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    files.remove("b")
    files.path("b.csv").mkdir()
    with pytest.raises(SourceError, match=r"b\.csv' was a file when it was loaded and is a folder now"):
        con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10), (2, 20)]
    assert one(con, "SELECT state FROM mv_catalog.refresh_jobs") == "IDLE"
    files.path("b.csv").rmdir()
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10)]


def test_r07_a_file_that_is_rewritten_between_two_parts_of_it_is_never_half_loaded(tmp_path: Path) -> None:
    path = tmp_path / "files" / "a.parquet"
    path.parent.mkdir()

    def write(x: int) -> bytes:
        table = pa.table({"id": list(range(5000)), "x": [x] * 5000})
        pq.write_table(table, path, row_group_size=500, compression="none", use_dictionary=False)
        return path.read_bytes()

    with mvengine.connect(staging_batch_bytes=20_000, retry_pause=0) as con:
        later = write(2)
        write(1)
        con.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER) REFRESHABLE FROM '{path.parent}'")
        with flaky_files() as flaky:
            flaky.change("*/a.parquet", later, after=1)
            with suppress(SourceError):  # or the next attempt has loaded it anew
                con.execute("REFRESH TABLE t")
            assert rows(con, "t") == [] or rows(con, "SELECT DISTINCT x FROM t") == [(2,)]
        con.execute("REFRESH TABLE t")
        assert rows(con, "SELECT x, count(*) FROM t GROUP BY x") == [(2, 5000)]


FAULTS: dict[str, Callable[[FlakyFiles], object]] = {
    "cannot be opened": lambda flaky: flaky.fail("*/b.csv", times=2),
    "vanishes": lambda flaky: flaky.vanish("*/b.csv"),
    "changes": lambda flaky: flaky.change("*/b.csv", b"id,x\n2,21\n3,30\n"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_r07_a_file_that_fails_for_a_moment_is_loaded_as_it_is_at_the_next_attempt(
    files: Files, fault: Callable[[FlakyFiles], object]
) -> None:
    with mvengine.connect(retry_pause=0) as con:
        files.write(a="1,10", b="2,20")
        declare(con, "t", files)
        with flaky_files() as flaky:
            fault(flaky)
            con.execute("REFRESH TABLE t")
        there = [line for path in files.folder.iterdir() for line in path.read_text().splitlines()[1:]]
        assert rows(con, "SELECT id || ',' || x FROM t") == sorted((line,) for line in there)
        assert one(con, "SELECT state FROM mv_catalog.refresh_jobs") == "IDLE"


def test_p36_what_a_load_failed_of_stays_to_be_asked_for_after_a_restart(files: Files, tmp_path: Path) -> None:
    files.write(a="1,10", b="2,20")
    database = str(tmp_path / "x.db")
    with mvengine.connect(database, retry_pause=0) as con:
        declare(con, "t", files)
        fault = always(lambda flaky: flaky.fail("*/b.csv", times=99))
        with fault, pytest.raises(SourceError, match="Input/output error"):
            con.execute("REFRESH TABLE t")
        files.write(b="2,many")
        with pytest.raises(LoadError):
            con.execute("REFRESH TABLE t")
    with mvengine.connect(database) as con:
        found = con.execute(
            "SELECT attempt, code, type, relation, file, line, retryable FROM mv_catalog.failures"
            " ORDER BY plan_id, attempt"
        ).fetchall()
    path = str(files.path("b.csv"))
    assert found == [
        *((attempt, "58030", "io", "t", path, None, True) for attempt in (1, 2, 3)),
        (1, "22P04", "data", "t", path, 2, False),
    ]


def test_r07_rows_of_bad_files_do_not_come_into_the_table_by_a_later_refresh(
    con: mvengine.Connection, files: Files
) -> None:
    """The good file beside the bad one was staged; it changes before the next refresh."""
    files.write(a="1,10", b="2,many")
    declare(con, "t", files, key=False)
    with pytest.raises(LoadError):
        con.execute("REFRESH TABLE t")
    files.write(a="1,11", b="2,20")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 11), (2, 20)]


# -- rows that may be skipped ------------------------------------------------------------------------------------------


def test_r07_skipped_rows_are_counted_and_kept_with_file_line_and_reason(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10 2,many 3,30 4", b="5,50")
    declare(con, "t", files, more="WITH (on_error = 'skip')")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10), (3, 30), (5, 50)]
    rejected = con.execute("SELECT path, line, reason, text FROM mv_catalog.rejected_rows ORDER BY line").fetchall()
    assert [(Path(path).name, line) for path, line, _, _ in rejected] == [("a.csv", 3), ("a.csv", 5)]
    assert rejected[0][3] == "2,many"
    assert "x" in rejected[0][2]
    counted = con.execute("SELECT rows, rejected FROM mv_catalog.source_files ORDER BY path").fetchall()
    assert counted == [(2, 2), (1, 0)]
    files.write(a="1,10 2,20 3,30 4,40")
    con.execute("REFRESH TABLE t")
    assert rows(con, "mv_catalog.rejected_rows") == []
    assert len(rows(con, "t")) == 5


def test_r07_more_bad_rows_than_allowed_are_an_error_that_changes_nothing(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files, more="WITH (on_error = 'skip', errors_max = 1)")
    con.execute("REFRESH TABLE t")
    files.write(b="2,many 3,more")
    with pytest.raises(LoadError, match=r"b\.csv"):
        con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10)]
    assert rows(con, "mv_catalog.rejected_rows") == []
