"""What a source fails of: the type of the failure and whether trying again can help, over errors that really happen."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import ConflictError, Error, InternalError, KeyViolation, LockTimeout, StateError
from mvengine.planner.source import Encoding, FileSource, OnError
from mvengine.refresh.plan.failure import Failure, failure_of, failure_type
from mvengine.schema import Column
from mvengine.sources import list_source, load_split, open_source
from mvengine.testing.flaky import flaky_files

NOBODY = 65534


def source(root: Path | str) -> FileSource:
    return FileSource(
        connector="posix_fs",
        root=str(root),
        pattern=None,
        encoding=Encoding.CSV,
        options=(),
        on_error=OnError.FAIL,
        errors_max=0,
    )


def load(path: Path, engine: DuckDbEngine | None = None) -> int:
    """Loads a CSV file with one column ``id``."""
    engine = engine or DuckDbEngine(duckdb.connect())
    engine.query("create or replace table staging (id integer, _file_id integer)")
    reader = open_source(source(path))
    (split,) = reader.list_splits()
    return load_split(
        engine,
        source=source(path),
        columns=(Column(name="id", type="INTEGER"),),
        key=(),
        split=split,
        reader=reader,
        file_id=1,
        into="staging",
    ).rows


def failure(action: Callable[[], object]) -> Failure:
    with pytest.raises(Error) as caught:
        action()
    return failure_of(caught.value)


def told(found: Failure) -> tuple[str, str, bool]:
    return found.type.value, found.code, found.retryable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n2\n")
    return path


def test_a_bad_row_is_a_data_failure_with_file_and_line_and_no_second_try(file: Path) -> None:
    file.write_text("id\n1\nz\n")
    found = failure(lambda: load(file))
    assert told(found) == ("data", "22P04", False)
    assert (found.file, found.line) == (str(file), 3)


def test_a_missing_root_and_a_dangling_link_are_missing_files_that_may_come(tmp_path: Path) -> None:
    missing = failure(lambda: open_source(source(tmp_path / "gone")).list_splits())
    assert told(missing) == ("missing_file", "58P01", True)
    assert missing.file == str(tmp_path / "gone")
    (tmp_path / "link.csv").symlink_to("nowhere")
    assert told(failure(lambda: open_source(source(tmp_path)).list_splits())) == ("missing_file", "58P01", True)


def test_a_file_that_vanishes_or_changes_while_it_is_read_may_be_tried_again(file: Path) -> None:
    with flaky_files() as files:
        files.change("*/a.csv", b"id\n1\n2\n3\n")
        assert told(failure(lambda: load(file))) == ("io", "58030", True)
        assert load(file) == 3
        files.vanish("*/a.csv")
        found = failure(lambda: load(file))
    assert told(found) == ("missing_file", "58P01", True)
    assert found.file == str(file)


def test_an_input_output_error_and_a_time_out_may_pass(file: Path) -> None:
    with flaky_files() as files:
        files.fail("*/a.csv", code=errno.EIO)
        assert told(failure(lambda: load(file))) == ("io", "58030", True)
        files.fail("*/a.csv", code=errno.ETIMEDOUT)
        assert told(failure(lambda: load(file))) == ("timeout", "HYT00", True)
        files.fail_listing(code=errno.ESTALE)
        assert told(failure(lambda: load(file))) == ("io", "58030", True)
        assert load(file) == 2
        assert files.opened == [str(file)] * 3


@contextmanager
def nobody() -> Iterator[None]:
    """Root may read everything, so that it has to be another for a moment."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
def test_no_permission_does_not_pass_by_itself() -> None:
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        path = Path(place) / "a.csv"
        path.write_text("id\n")
        path.chmod(0)
        with nobody():
            found = failure(lambda: load(path))
    assert told(found) == ("io", "42501", False)


def test_a_folder_in_the_place_of_a_loaded_file_is_an_error_and_no_removal(file: Path) -> None:
    other = file.parent / "b.csv"
    other.write_text("id\n")
    loaded = [split.path for split in list_source(source(file.parent), [])]
    file.unlink()
    assert len(list_source(source(file.parent), loaded)) == 1  # really removed
    file.mkdir()
    found = failure(lambda: list_source(source(file.parent), loaded))
    assert told(found) == ("io", "58030", False)
    assert found.file == str(file)
    (file / "part.csv").write_text("id\n")
    assert len(list_source(source(file.parent), loaded)) == 2  # what was a file is split now


def test_a_circle_of_links_and_a_pipe_do_not_pass_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path)
    assert not failure(lambda: open_source(source(tmp_path)).list_splits()).retryable
    os.mkfifo(tmp_path / "pipe")
    assert not failure(lambda: open_source(source(tmp_path / "pipe")).list_splits()).retryable


def test_a_wrong_statement_and_a_bad_value_are_told_apart() -> None:
    engine = DuckDbEngine(duckdb.connect())
    assert told(failure(lambda: engine.query("select nope")))[::2] == ("sql", False)
    assert told(failure(lambda: engine.query("select from from")))[::2] == ("sql", False)
    assert told(failure(lambda: engine.query("select cast('z' as integer)")))[::2] == ("data", False)


def test_no_memory_may_pass() -> None:
    engine = DuckDbEngine(duckdb.connect(config={"memory_limit": "20MB", "temp_directory": ""}))
    found = failure(lambda: engine.query("create table t as select hash(i), hash(i + 1) from range(3000000) r(i)"))
    assert told(found) == ("out_of_memory", "53200", True)


@contextmanager
def full_disk() -> Iterator[None]:
    """A limit on the size of files stands for a full disk: writing fails in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_disk_that_is_full_while_a_file_is_loaded_is_no_fault_of_the_file(
    file: Path, tmp_path: Path, in_transaction: bool
) -> None:
    file.write_text("id\n" + "".join(f"{i * 7919 % 1000003}\n" for i in range(500_000)))
    engine = DuckDbEngine(duckdb.connect(str(tmp_path / "small.db")))

    def run() -> None:
        if in_transaction:
            engine.begin()
        load(file, engine)
        engine.commit()

    with full_disk():
        assert told(failure(run)) == ("disk_full", "53100", True)
    engine.rollback()
    assert load(file, engine) == 500_000


def test_an_interrupt_is_told_as_such() -> None:
    assert failure_type(KeyboardInterrupt()) == "interrupted"


@pytest.mark.parametrize(
    ("error", "type_", "retryable"),
    [
        (KeyViolation("two rows"), "key", False),
        (ConflictError("somebody was first"), "conflict", True),
        (LockTimeout("another writer"), "timeout", True),
        (StateError("not now"), "conflict", False),
        (InternalError("a bug"), "bug", False),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full", True),
        (MemoryError(), "out_of_memory", True),
        (ZeroDivisionError(), "bug", False),
    ],
)
def test_errors_of_this_library_and_of_python_have_a_type(error: Exception, type_: str, retryable: bool) -> None:
    found = failure_of(error)
    assert (found.type.value, found.retryable) == (type_, retryable)
