"""Many scripts: which files, on what, in which order, in how many processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from slt_scripts import engine_of

from mvengine.errors import Error, OperationalError
from mvengine.slt import Answer, Columns, run

CREATES_T = "statement ok\ncreate table t (i int)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scripts that create the same table, and what is no script."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.slt").write_text(CREATES_T)
    (tmp_path / "sub" / "b.test").write_text(CREATES_T)
    (tmp_path / "sub" / "c.slt.part").write_text("not run by itself")
    (tmp_path / "sub" / "b.txt").write_text("not a script")
    return tmp_path


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_file_has_a_fresh_database_of_its_own(folder: Path, jobs: int) -> None:
    summary = run(folder, engine="duckdb", jobs=jobs)
    assert summary.is_ok
    assert [Path(result.path).name for result in summary.results] == ["a.slt", "b.test"]
    assert {Path(name).name: counts.passed for name, counts in summary.folders().items()} == {
        folder.name: 1,
        "sub": 1,
    }


def test_files_may_share_a_database(folder: Path, tmp_path: Path) -> None:
    database = tmp_path / "kept.db"
    summary = run([folder / "a.slt"], engine="duckdb", database=str(database))
    assert summary.is_ok
    (failure,) = run([folder / "sub"], engine="mvengine", database=str(database)).failures
    assert "already exists" in failure.actual


def test_a_pattern_chooses_files_and_a_seed_shuffles_them(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / f"{index:02}.slt").write_text("statement ok\nselect 1\n")
    in_order = run(tmp_path, engine="duckdb", pattern=r"/0\d\.slt$").results
    assert len(in_order) == 10
    shuffled, again = (run(tmp_path, engine="duckdb", pattern=r"/0\d\.slt$", seed=1).results for _ in range(2))
    assert [result.path for result in shuffled] == [result.path for result in again]
    assert sorted(result.path for result in shuffled) == [result.path for result in in_order]
    assert [result.path for result in shuffled] != [result.path for result in in_order]


def test_fail_fast_ends_at_the_first_failure(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.slt").write_text("statement ok\nnonsense\n\nstatement ok\nnonsense\n")
    assert run(tmp_path, engine="duckdb").counts.failed == 4
    summary = run(tmp_path, engine="duckdb", fail_fast=True)
    assert (summary.counts.files, summary.counts.failed) == (1, 1)


def test_a_path_that_matches_nothing_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "a.slt").write_text("system ok\ntouch " + str(tmp_path / "ran"))
    with pytest.raises(OperationalError, match="no sqllogictest file at"):
        run([tmp_path / "a.slt", tmp_path / "*.none"], engine="duckdb")
    assert not (tmp_path / "ran").exists()


def test_a_file_that_cannot_be_read_is_a_failure_and_the_others_run(tmp_path: Path) -> None:
    (tmp_path / "a.slt").write_bytes(b"statement ok\nselect '\xff'\n")
    (tmp_path / "b.slt").write_text(CREATES_T)
    bad, good = run(tmp_path, engine="duckdb").results
    assert (bad.failures[0].reason, good.passed) == ("the script is malformed", 1)


def test_a_database_that_cannot_be_opened_is_a_failure_of_each_file(folder: Path) -> None:
    summary = run(folder, engine="duckdb", database=str(folder))
    assert [failure.reason for failure in summary.failures] == ["the script cannot be run"] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "oracle"}, "there is no engine 'oracle'"),
        ({"engine": "python:nonesuch:connect"}, "cannot be imported"),
        ({"engine": "python:sqlite3:nonesuch"}, "cannot be imported"),
        ({"dialect": "postgres"}, "the engine 'duckdb' reads no dialect"),
        ({"dialect": "latin", "engine": "mvengine"}, "latin"),
        ({"flavor": "vanilla"}, "there is no flavor 'vanilla'"),
        ({"pattern": "("}, "is not a regular expression"),
        ({"jobs": 0}, "0 jobs"),
        ({"jobs": 2, "database": "x.db"}, "several jobs on one database"),
        ({"jobs": 2, "engine": engine_of(sqlite3.connect)}, "name it, as python:module:factory"),
        ({"timeout": 0.0}, "a timeout of 0 seconds"),
    ],
)
def test_what_cannot_be_is_an_error(folder: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(Error, match=message):
        run(folder, **{"engine": "duckdb", **options})  # type: ignore[arg-type]  # wrong on purpose


def test_another_engine_is_a_function_of_python(tmp_path: Path) -> None:
    script = "onlyif sqlite3\nquery IRT rowsort\nselect 5 / 2, 5, 'ä'\n----\n2\n5.000\n@@\n"
    (tmp_path / "a.test").write_text(f"{script}\nstatement error no such table\nselect * from t\n")
    assert run(tmp_path, engine="python:sqlite3:connect").counts.passed == 2


def test_the_package_has_the_runner_without_an_import_of_its_own(folder: Path) -> None:
    code = f"import mvengine; assert mvengine.slt.run({str(folder)!r}, engine='duckdb').is_ok"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_mvengine_reads_scripts_in_a_dialect(tmp_path: Path) -> None:
    (tmp_path / "a.slt").write_text(
        "query TB\nSELECT to_char(DATE '2024-02-03', 'DD.MM.YYYY'), true\n----\n03.02.2024 t\n"
    )
    assert run(tmp_path, dialect="postgres").failures == ()
    assert run(tmp_path).counts.failed == 1


class Recorder:
    """An engine and its connection in one, which remembers what it is sent and answers with a row."""

    labels = ("recorder",)
    is_duckdb = False

    def __init__(self) -> None:
        self.sent: list[str] = []

    def open(self, path: str, *, is_read_only: bool) -> Recorder:
        self.sent.append(f"open {path}")
        return self

    def fork(self) -> Recorder:
        return self

    def run(self, sql: str) -> Answer:
        self.sent.append(sql)
        return Answer(source=Columns(description=[("a", "INTEGER")]), rows=[(1,)])

    def interrupt(self) -> None: ...

    def close(self) -> None:
        self.sent.append("close")


def test_any_object_with_the_methods_is_an_engine(tmp_path: Path) -> None:
    (tmp_path / "a.slt").write_text("statement ok\none\n\nonlyif recorder\nquery I\ntwo\n----\n1\n")
    engine = Recorder()
    assert run(tmp_path, engine=engine).counts.passed == 2
    assert engine.sent == ["open :memory:", "one", "two", "close"]
