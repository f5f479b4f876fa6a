"""Runs scripts: one function for a file, one for many, each file on a fresh database of its own."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from mvengine.errors import OperationalError
from mvengine.slt.execution import Connections, Execution
from mvengine.slt.parser import parse_file
from mvengine.slt.records import ScriptError
from mvengine.slt.results import ConnectionLike, Failure, FileResult, OnRecord

MEMORY = ":memory:"


def run_paths(
    paths: Iterable[Path | str],
    connect: Callable[[str], ConnectionLike],
    *,
    labels: Iterable[str],
    is_durable: bool = False,
    on_record: OnRecord | None = None,
) -> Iterator[FileResult]:
    """Run files, all ``*.slt`` below folders, and globs, one after the other; a result as each is done.

    ``connect`` is called with ``:memory:``, or if ``is_durable`` with a path in a temporary directory of its own.
    Errors: ``OperationalError`` if a path matches nothing, before anything is run.
    """
    wanted = frozenset(labels)
    for file in [file for path in paths for file in _files(str(path))]:
        with TemporaryDirectory(prefix="mvengine-slt-") as home:
            database = str(Path(home) / "test.db") if is_durable else MEMORY
            yield run_file(file, lambda: connect(database), labels=wanted, on_record=on_record, database=database)  # noqa: B023 - called at once


def run_file(
    path: Path | str,
    connect: Callable[[], ConnectionLike],
    *,
    labels: Iterable[str],
    on_record: OnRecord | None = None,
    database: str = MEMORY,
    sleep: Callable[[float], None] = time.sleep,
) -> FileResult:
    """Run one script to its end, past failures. A script that cannot be read is a failure, and nothing of it runs.

    ``labels`` are what ``skipif`` and ``onlyif`` go by; ``database`` is what ``$__DATABASE__`` stands for.
    """
    started = time.perf_counter()
    try:
        records = parse_file(path)
    except ScriptError as error:
        return _malformed(path, error)
    with ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="mvengine-slt-"))
        execution = Execution(
            connections=stack.enter_context(Connections(connect)),
            labels=frozenset(labels),
            variables={**os.environ, "__TEST_DIR__": directory, "__DATABASE__": database},
            sleep=sleep,
        )
        execution.run(records, on_record)
    return FileResult(
        path=str(path),
        passed=execution.passed,
        skipped=execution.skipped,
        failures=tuple(execution.failures),
        seconds=time.perf_counter() - started,
    )


def _malformed(path: Path | str, error: ScriptError) -> FileResult:
    failure = Failure(
        location=error.location, subtest="", sql="", expected="", actual=str(error), reason="the script is malformed"
    )
    return FileResult(path=str(path), passed=0, skipped=0, failures=(failure,), seconds=0.0)


def _files(path: str) -> list[str]:
    if Path(path).is_dir():
        found = sorted(str(file) for file in Path(path).rglob("*.slt"))
    else:
        found = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
    if not found:
        raise OperationalError(f"no sqllogictest file at {path}", hint="give files, folders with *.slt, or globs")
    return found
