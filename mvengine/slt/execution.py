"""A script at work: its records one after the other, each checked and counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from threading import Lock, Thread
from time import perf_counter

from mvengine.errors import OperationalError
from mvengine.slt.answers import Mismatch
from mvengine.slt.apply import apply
from mvengine.slt.asking import Asker, OnRows
from mvengine.slt.connections import Connections, OneConnection
from mvengine.slt.records import Condition, Halt, Let, Loop, Query, Record, Statement, System, Unsupported
from mvengine.slt.results import OnRecord, Outcome, RecordResult
from mvengine.slt.settings import Mode
from mvengine.slt.state import State
from mvengine.slt.watchdog import Watchdog

_CONCURRENT_MAX = 256
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class Execution:
    """Runs the records of one script, and tells ``on_record`` of each statement, query, command and ``let``.

    With ``is_fail_fast`` it ends at the first failure. A failure to open the database is raised.
    """

    def __init__(
        self,
        *,
        state: State,
        connections: Connections,
        on_record: OnRecord,
        watchdog: Watchdog,
        is_fail_fast: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        on_rows: OnRows | None = None,
    ) -> None:
        self._state = state
        self._connections = connections
        self._on_record = on_record
        self._watchdog = watchdog
        self._is_fail_fast = is_fail_fast
        self._sleep = sleep
        self._asker = Asker(state, connections, watchdog, on_rows)

    def run(self, records: Iterable[Record]) -> None:
        state = self._state
        for record in records:
            if state.is_halted:
                return
            is_run = (
                state.ended is None
                and (not state.skips or isinstance(record.directive, Mode))
                and (not record.conditions or all(map(self._holds, record.conditions)))
            )
            match record.directive:
                case _ if not is_run:
                    self._skip(record)
                case Statement() | Query() | System() | Let() as check:
                    self._check(record, check)
                case Loop() as loop:
                    self._loop(loop)
                case Unsupported(reason=reason, ends_file=ends_file):
                    self._skip(record, reason)
                    state.ended = reason if ends_file else None
                case Halt():
                    state.is_halted = True
                case setting:
                    self._set(record, setting)

    def _holds(self, condition: Condition) -> bool:
        if not condition.comparison:
            return (condition.label in self._state.labels) == condition.is_wanted
        value = self._state.loops.get(condition.label)
        match condition.comparison:
            case "=":
                is_true = value == condition.value
            case "!=" | "<>":
                is_true = value != condition.value
            case comparison:
                is_true = value is not None and _compares(comparison, value, condition.value)
        return is_true == condition.is_wanted

    def _set(self, record: Record, setting: object) -> None:
        try:
            apply(setting, self._state, self._connections, self._sleep)  # type: ignore[arg-type]  # none but settings
        except Exception as error:
            location, reason = record.location, f"the directive fails: {error}"
            self._tell(record, Outcome.FAILED, "", Mismatch(reason=reason, expected="", actual=str(error)), error, 0.0)
            self._state.ended = f"{location}: {reason}"

    def _skip(self, record: Record, reason: str = "") -> None:
        """Tells that a record, or those in a loop, are skipped. Settings are nothing to tell of."""
        match record.directive:
            case Statement(sql=text) | Query(sql=text) | System(command=text) | Let(sql=text) | Unsupported(text=text):
                pass
            case Loop(records=records):
                for each in records:
                    self._skip(each, reason)
                return
            case _:
                return
        self._on_record(
            RecordResult(
                record=record,
                outcome=Outcome.SKIPPED,
                sql=text,
                subtest=self._state.subtest,
                seconds=0.0,
                reason=reason or self._state.ended or "",
            )
        )

    def _check(self, record: Record, check: Statement | Query | System | Let) -> None:
        """Runs a record until it is right or its retries are over."""
        started = perf_counter()
        retry = None if isinstance(check, Let) else check.retry
        attempts = retry.attempts_max if retry else 1
        for attempt in range(attempts * record.times):
            mismatch = self._asker.check(record, check)
            is_done = mismatch is None if attempts > 1 else mismatch is not None
            if is_done:
                break
            if retry and attempt + 1 < attempts:
                self._sleep(retry.backoff_seconds)
        outcome = Outcome.PASSED if mismatch is None else Outcome.FAILED
        error = self._asker.error
        if error is not None and mismatch is not None and self._is_ignored(error):
            self._state.ended = f"an error to ignore: {error}"
            self._skip(record)
            return
        self._tell(record, outcome, self._asker.sent, mismatch, error, perf_counter() - started)

    def _is_ignored(self, error: Exception) -> bool:
        return any(message in str(error) for message in self._state.ignored_errors)

    def _tell(
        self,
        record: Record,
        outcome: Outcome,
        sql: str,
        mismatch: Mismatch | None,
        error: Exception | None,
        seconds: float,
    ) -> None:
        state = self._state
        if mismatch is None:
            self._on_record(
                RecordResult(record=record, outcome=outcome, sql=sql, subtest=state.subtest, seconds=seconds)
            )
            return
        if self._is_fail_fast:
            state.is_halted = True
        self._on_record(
            RecordResult(
                record=record,
                outcome=outcome,
                sql=sql,
                subtest=state.subtest,
                seconds=seconds,
                reason=mismatch.reason + _iteration(state),
                expected=mismatch.expected,
                actual=mismatch.actual,
                lines=mismatch.lines,
                types=mismatch.types,
                error=error,
                is_in_loop=bool(state.loops),
            )
        )

    # -- loops -----------------------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> None:
        if loop.is_concurrent:
            self._run_at_once(loop)
            return
        for value in loop.values:
            self._state.loops.update(_bound(loop, value))
            self.run(loop.records)
            if self._state.is_halted:
                break
        for name in loop.names:
            self._state.loops.pop(name, None)

    def _run_at_once(self, loop: Loop) -> None:
        """Each iteration in a thread, on a session of its own. What they tell is told one after the other."""
        if len(loop.values) > _CONCURRENT_MAX:
            raise OperationalError(f"{len(loop.values)} threads", hint=f"the most are {_CONCURRENT_MAX}")
        lock = Lock()
        broken: list[BaseException] = []

        def tell(result: RecordResult) -> None:
            with lock:
                self._on_record(result)

        def iterate(value: str) -> None:
            state = self._state.copy()
            state.loops.update(_bound(loop, value))
            try:
                with closing(self._connections.fork()) as connection:
                    self._forked(state, OneConnection(connection), tell).run(loop.records)
            except BaseException as error:
                broken.append(error)

        threads = [Thread(target=iterate, args=(value,)) for value in loop.values]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]

    def _forked(self, state: State, connections: OneConnection, on_record: OnRecord) -> Execution:
        execution = Execution(
            state=state,
            connections=self._connections,
            on_record=on_record,
            watchdog=Watchdog(None),  # one watches one statement at a time
            is_fail_fast=self._is_fail_fast,
            sleep=self._sleep,
        )
        execution._asker = Asker(state, connections, execution._watchdog)
        return execution


def _bound(loop: Loop, value: str) -> dict[str, str]:
    """The loop's variables in one iteration."""
    return dict(zip(loop.names, value.split(",") if len(loop.names) > 1 else [value], strict=True))


def _iteration(state: State) -> str:
    return f", with {', '.join(f'{name} = {value}' for name, value in state.loops.items())}" if state.loops else ""


def _compares(comparison: str, left: str, right: str) -> bool:
    try:
        return _COMPARISONS[comparison](float(left), float(right))
    except ValueError:
        return False
