"""Many scripts: one after the other, or several processes at once; the face for Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from mvengine.errors import OperationalError, ProgrammingError
from mvengine.slt.engines import Engine, engine_of
from mvengine.slt.files import find
from mvengine.slt.flavors import flavor_named
from mvengine.slt.results import FileResult, Summary
from mvengine.slt.runner import Options, run_file

OnFile = Callable[[FileResult], None]


def run(
    paths: Iterable[Path | str] | Path | str,
    *,
    engine: str | Engine = "mvengine",
    database: str | None = None,
    jobs: int = 1,
    dialect: str | None = None,
    labels: Iterable[str] = (),
    flavor: str | None = None,
    pattern: str | None = None,
    seed: int | None = None,
    timeout: float | None = None,
    fail_fast: bool = False,
    update: bool = False,
    records: bool = False,
    as_views: bool = False,
    on_file: OnFile | None = None,
) -> Summary:
    """Runs sqllogictest files, all ``*.slt`` and ``*.test`` below folders, and globs.

    ``engine`` is ``mvengine``, ``duckdb``, ``python:module:factory`` or an object with the methods of
    ``mvengine.slt.Engine``. Each file runs on a database of its own in memory, or all on the file ``database``.
    ``dialect``: that of the statements, for mvengine. ``jobs`` processes run files at once.
    ``labels`` are for ``skipif`` and ``onlyif``, besides the engine's name.
    ``flavor`` is that of all files, else it is found; ``pattern``: only files whose path has a match of it; ``seed``
    shuffles them. ``timeout``: seconds for one statement. ``update`` rewrites expectations. With ``records``, results
    have a JSON object for each record. ``as_views``: each query runs as a materialized view, too.
    ``on_file`` is called as each file is done.

    Errors: ``OperationalError``, if a path matches no file; ``UnknownOption``; ``ProgrammingError``.
    """
    options = Options(
        labels=frozenset(labels),
        flavor=None if flavor is None else flavor_named(flavor),
        timeout=timeout,
        database=database,
        dialect=dialect,
        is_fail_fast=fail_fast,
        is_update=update,
        has_records=records,
        has_views=as_views,
    )
    files = find([paths] if isinstance(paths, str | Path) else paths, pattern)
    if seed is not None:
        random.Random(seed).shuffle(files)
    _check(engine, options, jobs)
    found: dict[str, FileResult] = {}
    for result in _results(files, engine, options, jobs):
        found[result.path] = result
        if on_file:
            on_file(result)
        if fail_fast and result.failures:
            break
    return Summary(results=tuple(found[file] for file in files if file in found))


def _check(engine: str | Engine, options: Options, jobs: int) -> None:
    if jobs < 1:
        raise ProgrammingError(f"{jobs} jobs", hint="one is the least")
    if options.timeout is not None and options.timeout <= 0:
        raise ProgrammingError(f"a timeout of {options.timeout:g} seconds", hint="give more than 0")
    if jobs > 1 and options.database is not None:
        raise ProgrammingError("several jobs on one database", hint="leave out the database, or run one job")
    if jobs > 1 and not isinstance(engine, str):
        raise ProgrammingError(
            "several jobs on an engine that other processes cannot find", hint="name it, as python:module:factory"
        )
    if not isinstance(engine, str) and options.dialect is not None:
        raise ProgrammingError("a dialect for an engine that is given", hint="give the engine its dialect")
    opened = engine_of(engine, options.dialect) if isinstance(engine, str) else engine
    if options.has_views:
        from mvengine.slt.as_views import require_views

        require_views(opened, options)


def _results(files: list[str], engine: str | Engine, options: Options, jobs: int) -> Iterator[FileResult]:
    if jobs == 1 or len(files) < 2:
        opened = engine_of(engine, options.dialect) if isinstance(engine, str) else engine
        for file in files:
            yield run_file(file, opened, options)
        return
    assert isinstance(engine, str)
    pool = ProcessPoolExecutor(min(jobs, len(files)), mp_context=get_context("spawn"))
    try:
        waiting = {pool.submit(_run_named, file, engine, options): file for file in files}
        for future in as_completed(waiting):
            yield _result(future, waiting[future])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_named(file: str, engine: str, options: Options) -> FileResult:
    return run_file(file, engine_of(engine, options.dialect), options)


def _result(future: Future[FileResult], file: str) -> FileResult:
    try:
        return future.result()
    except BrokenProcessPool as cause:
        raise OperationalError(
            f"a process died while it ran {file} or another file", hint="run with one job to see which one it is"
        ) from cause
