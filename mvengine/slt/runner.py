"""Runs scripts: one function for a file, one for many, each file on a database of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from mvengine.slt.asking import OnRows
from mvengine.slt.check import error_text
from mvengine.slt.compare import Comparison
from mvengine.slt.connections import Connections
from mvengine.slt.engines import MEMORY, Engine
from mvengine.slt.execution import Execution
from mvengine.slt.flavors import Flavor
from mvengine.slt.json_records import json_line
from mvengine.slt.parser import Script, parse_file
from mvengine.slt.records import Location, ScriptError
from mvengine.slt.results import Failure, FileResult, OnRecord, Outcome, RecordResult
from mvengine.slt.settings import Sort
from mvengine.slt.state import State
from mvengine.slt.update import update_files
from mvengine.slt.watchdog import Watchdog


@dataclass(frozen=True, kw_only=True)
class Options:
    """How scripts are run, whatever they run on.

    ``labels`` are given besides the engine's. ``flavor``: None is found for each file. ``timeout``: seconds that one
    statement may take. ``database``: a path that all files share; None is one in memory for each.
    """

    labels: frozenset[str] = frozenset()
    flavor: Flavor | None = None
    timeout: float | None = None
    database: str | None = None
    dialect: str | None = None
    is_fail_fast: bool = False
    is_update: bool = False
    has_records: bool = False
    has_views: bool = False  # as mvengine.slt.as_views has it


def run_file(
    path: Path | str,
    engine: Engine,
    options: Options | None = None,
    *,
    on_record: OnRecord | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> FileResult:
    """Runs one script to its end, past failures. A script that cannot be read is a failure, and nothing of it runs."""
    options = options or Options()
    started = perf_counter()
    try:
        script = parse_file(path, options.flavor)
    except ScriptError as error:
        hint = f"\nHINT: {error.hint}" if error.hint else ""
        return _unrun(path, error.location, f"{error.reason}{hint}", "the script is malformed", started)
    collector = Collector(options, on_record)
    views = None
    try:
        if options.has_views:
            from mvengine.slt.as_views import FileAsViews

            views = FileAsViews(script, engine, options, sleep)
            views.run(collector)
        else:
            run_script(script, engine, options, collector, sleep)
    except Exception as error:  # the database cannot be opened, or closed
        location = Location(file=str(path), line=1, included_from=None)
        collector.failures.append(_failure(location, error_text(error), "the script cannot be run"))
    is_rewritten = options.is_update and update_files(collector.rewritable, script.flavor)
    return FileResult(
        path=str(path),
        flavor=script.flavor.name,
        passed=collector.passed,
        skipped=collector.skipped,
        failures=(*collector.failures, *(views.failures if views else ())),
        seconds=perf_counter() - started,
        skip_reasons=tuple(sorted(collector.skip_reasons.items())),
        records=tuple(views.with_views(collector.records) if views else collector.records),
        is_rewritten=is_rewritten,
        views=views.summary() if views else None,
    )


def run_script(
    script: Script,
    engine: Engine,
    options: Options,
    on_record: OnRecord,
    sleep: Callable[[float], None] = time.sleep,
    on_rows: OnRows | None = None,
) -> None:
    """Runs the records of a script on an engine, and tells of each. Raises what opening the database raises."""
    flavor = script.flavor
    database = options.database or MEMORY
    with ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="mvengine-slt-"))
        setup = flavor.setup if engine.is_duckdb else ()
        state = State(
            labels=options.labels.union(engine.labels, flavor.labels if engine.is_duckdb else ()),
            comparison=Comparison(flavor=flavor, sort=Sort.NONE, hash_values_max=0, is_valuewise=None),
            directory=directory,
            database=database,
            script=script.file,
            ignored_errors=flavor.ignored_errors,
        )
        Execution(
            state=state,
            connections=stack.enter_context(Connections(engine, database, setup)),
            on_record=on_record,
            watchdog=stack.enter_context(Watchdog(options.timeout)),
            is_fail_fast=options.is_fail_fast,
            sleep=sleep,
            on_rows=on_rows,
        ).run(script.records)


class Collector:
    """Counts what it is told, and keeps the failures, what could be rewritten, and the records as JSON."""

    def __init__(self, options: Options, on_record: OnRecord | None) -> None:
        self.passed = 0
        self.skipped = 0
        self.failures: list[Failure] = []
        self.rewritable: list[RecordResult] = []
        self.skip_reasons: Counter[str] = Counter()
        self.records: list[str] = []
        self._has_records = options.has_records
        self._on_record = on_record

    def __call__(self, result: RecordResult) -> None:
        match result.outcome:
            case Outcome.PASSED:
                self.passed += 1
            case Outcome.SKIPPED:
                self.skipped += 1
                if result.reason:
                    self.skip_reasons[result.reason] += 1
            case Outcome.FAILED:
                self.rewritable.append(result)
                self.failures.append(
                    Failure(
                        location=result.record.location,
                        subtest=result.subtest,
                        sql=result.sql,
                        expected=result.expected,
                        actual=result.actual,
                        reason=result.reason,
                    )
                )
        if self._has_records:
            self.records.append(json_line(result))
        if self._on_record:
            self._on_record(result)


def _unrun(path: Path | str, location: Location, actual: str, reason: str, started: float) -> FileResult:
    return FileResult(
        path=str(path),
        flavor="",
        passed=0,
        skipped=0,
        failures=(_failure(location, actual, reason),),
        seconds=perf_counter() - started,
    )


def _failure(location: Location, actual: str, reason: str) -> Failure:
    return Failure(location=location, subtest="", sql="", expected="", actual=actual, reason=reason)
