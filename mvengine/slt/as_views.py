"""``--as-views``: each deterministic query of a file also runs as a materialized view, made before the data come.

A file runs as it is first, and what it sends is noted. From that follows which queries can be views, and since when
what they read is defined. Then it runs again, as often as keeps no more than ``LIVE_MAX`` views at a time: they are
made as soon as their tables are, the file's own INSERT, UPDATE, DELETE … are the changes that they follow, and at the
record of a query its view is compared with the answer and with what is expected.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from mvengine.errors import ProgrammingError
from mvengine.slt.answers import Answer, Mismatch
from mvengine.slt.as_views_live import UNLIKE, LiveViews
from mvengine.slt.as_views_plan import Plan, PlannedView, in_runs, plan_views
from mvengine.slt.as_views_results import ViewOutcome, ViewResult, Views
from mvengine.slt.as_views_sessions import WatchedEngine
from mvengine.slt.as_views_trace import Trace
from mvengine.slt.compare import Comparison
from mvengine.slt.engines import Engine
from mvengine.slt.parser import Script
from mvengine.slt.records import ExpectedRows, Query, Record
from mvengine.slt.results import Failure, OnRecord, Outcome, RecordResult
from mvengine.slt.runner import Options, run_script

LIVE_MAX = 200


def _failure(result: RecordResult, mismatch: Mismatch) -> Failure:
    return Failure(
        location=result.record.location,
        subtest=result.subtest,
        sql=result.sql,
        expected=mismatch.expected,
        actual=mismatch.actual,
        reason=mismatch.reason,
    )


def require_views(engine: Engine, options: Options) -> None:
    """Raises ProgrammingError where a script cannot run several times, or nothing knows materialized views."""
    if "mvengine" not in engine.labels:
        raise ProgrammingError("--as-views on an engine without materialized views", hint="use --engine mvengine")
    if options.database is not None:
        raise ProgrammingError(
            "--as-views on one database for all files: each runs several times", hint="leave out the database"
        )
    if options.is_update:
        raise ProgrammingError("--as-views with --update", hint="update the files first")


class FileAsViews:
    """The runs of one script. ``failures`` are those that it has only with views."""

    def __init__(self, script: Script, engine: Engine, options: Options, sleep: Callable[[float], None] = time.sleep):
        self._script = script
        self._engine = engine
        self._options = options
        self._sleep = sleep
        self._trace = Trace()
        self._outcomes: list[Outcome] = []
        self._record_of: dict[int, int] = {}  # the number of the record of each event
        self._results: dict[int, ViewResult] = {}
        self.failures: list[Failure] = []

    def run(self, on_record: OnRecord) -> None:
        """Runs the script as it is, telling of its records; then with views. Raises what opening a database raises."""
        self._first(on_record)
        plan = plan_views(self._trace.events, self._trace.asked)
        refused = {index: ViewResult(outcome=ViewOutcome.NONE, reason=reason) for index, reason in plan.refused.items()}
        self._results |= refused
        for views in in_runs(plan.views, LIVE_MAX):
            self._again(plan, views)

    def summary(self) -> Views:
        return Views.of(self._results.values())

    def _first(self, on_record: OnRecord) -> None:

        def told(result: RecordResult) -> None:
            self._record_of.setdefault(len(self._trace.events) - 1, len(self._outcomes))
            self._outcomes.append(result.outcome)
            on_record(result)

        def answered(
            record: Record, expected: ExpectedRows, answer: Answer, comparison: Comparison, mismatch: Mismatch | None
        ) -> None:
            del expected, comparison, mismatch
            is_once = record.times == 1 and isinstance(record.directive, Query) and record.directive.retry is None
            self._trace.answered(record.line, answer, is_once=is_once)

        run_script(self._script, WatchedEngine(self._engine, self._trace), self._options, told, self._sleep, answered)

    def _again(self, plan: Plan, views: list[PlannedView]) -> None:
        """One more run, with some of the views. What is neither asked of them nor needed for them is left out."""
        own = {read for view in views for read in view.reads}
        reads = {read for view in plan.views for read in view.reads}
        skipped = frozenset(read for read in reads - own if self._trace.asked[read].is_once)
        different: list[Mismatch] = []
        live = LiveViews(self._trace.events, views, skipped, different.append)
        told_count = 0

        def told(result: RecordResult) -> None:
            nonlocal told_count
            before = self._outcomes[told_count] if told_count < len(self._outcomes) else None
            told_count += 1
            self.failures += [_failure(result, mismatch) for mismatch in different]
            is_worse = result.outcome is Outcome.FAILED and before is Outcome.PASSED and not different
            if is_worse and live.is_telling(own, is_ok=result.error is None):
                mismatch = Mismatch(
                    reason=f"beside views: {result.reason}", expected=result.expected, actual=result.actual
                )
                self.failures.append(_failure(result, mismatch))
            different.clear()

        def answered(
            record: Record, expected: ExpectedRows, answer: Answer, comparison: Comparison, mismatch: Mismatch | None
        ) -> None:
            del record
            live.answered(expected, answer, comparison, is_passed=mismatch is None)

        options = replace(self._options, timeout=None, is_fail_fast=False)
        run_script(self._script, WatchedEngine(self._engine, live), options, told, self._sleep, answered)
        unread = ViewResult(outcome=ViewOutcome.NONE, reason=UNLIKE)
        self._results |= {read: live.results.get(read, unread) for read in own}

    def with_views(self, records: list[str]) -> list[str]:
        """The JSON objects of the records, with what came of the queries as views."""
        found = list(records)
        for index, result in self._results.items():
            at = self._record_of.get(index)
            if at is not None and at < len(found):
                view = {"outcome": result.outcome, "strategy": result.strategy, "reason": result.reason}
                filled = {key: value for key, value in view.items() if value}
                found[at] = json.dumps(json.loads(found[at]) | {"view": filled}, ensure_ascii=False)
        return found
