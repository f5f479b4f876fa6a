"""A script at work: its connections, its settings, and one step for each record."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self, assert_never

from mvengine.slt.check import Answer, Mismatch, check_error, check_rows, check_success, digest, sorted_rows
from mvengine.slt.records import (
    DEFAULT_CONNECTION,
    Check,
    ControlSort,
    ControlSubstitution,
    ExpectedError,
    ExpectedRows,
    ExpectedSuccess,
    Halt,
    HashThreshold,
    Query,
    Record,
    Setting,
    Sleep,
    Sort,
    Statement,
    Subtest,
    System,
)
from mvengine.slt.results import ConnectionLike, Failure, OnRecord, Outcome
from mvengine.slt.substitution import substitute, substitute_special

_COMMAND_SECONDS_MAX = 600


class Connections:
    """The connections of one script, opened when first used: the default one, and its cursors for the other names."""

    def __init__(self, connect: Callable[[], ConnectionLike]) -> None:
        self._connect = connect
        self._open: dict[str, ConnectionLike] = {}

    def get(self, name: str) -> ConnectionLike:
        if DEFAULT_CONNECTION not in self._open:
            self._open[DEFAULT_CONNECTION] = self._connect()
        if name not in self._open:
            self._open[name] = self._open[DEFAULT_CONNECTION].cursor()
        return self._open[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in reversed(self._open.values()):
            connection.close()


class Execution:
    """Runs the records of one script and counts: ``passed``, ``skipped``, ``failures``.

    Statements, queries and commands are counted. An error of substitution is the statement's error, as in
    sqllogictest-rs. A failure to connect is raised.
    """

    def __init__(
        self,
        *,
        connections: Connections,
        labels: frozenset[str],
        variables: Mapping[str, str],
        sleep: Callable[[float], None],
    ) -> None:
        self.passed = 0
        self.skipped = 0
        self.failures: list[Failure] = []
        self._connections = connections
        self._labels = labels
        self._variables = variables
        self._sleep = sleep
        self._sort = Sort.NONE
        self._is_substituting = False
        self._hash_values_max = 0
        self._subtest = ""
        self._digests: dict[str, str] = {}  # of the answers of labelled queries

    def run(self, records: Iterable[Record], on_record: OnRecord | None) -> None:
        for record in records:
            is_run = all(condition.holds(self._labels) for condition in record.conditions)
            match record.directive:
                case Statement() | Query() | System() as directive:
                    outcome = self._check(record, directive) if is_run else Outcome.SKIPPED
                    self._count(outcome)
                    if on_record:
                        on_record(record, outcome)
                case Halt():
                    if is_run:
                        return
                case setting:
                    if is_run:
                        self._set(setting)

    def _count(self, outcome: Outcome) -> None:
        self.passed += outcome is Outcome.PASSED
        self.skipped += outcome is Outcome.SKIPPED

    def _set(self, setting: Setting) -> None:
        match setting:
            case Sleep(seconds=seconds):
                self._sleep(seconds)
            case Subtest(name=name):
                self._subtest = name
            case HashThreshold(values_max=values_max):
                self._hash_values_max = values_max
            case ControlSort(sort=sort):
                self._sort = sort
            case ControlSubstitution(is_on=is_on):
                self._is_substituting = is_on
            case _:
                assert_never(setting)

    def _check(self, record: Record, directive: Check) -> Outcome:
        match directive:
            case System(command=text):
                mismatch = self._check_command(directive)
            case Statement(sql=text) | Query(sql=text):
                mismatch = self._check_answer(directive.expected, self._ask(text, record.connection))
        if mismatch is None:
            return Outcome.PASSED
        self.failures.append(
            Failure(
                location=record.location,
                subtest=self._subtest,
                sql=text,
                expected=mismatch.expected,
                actual=mismatch.actual,
                reason=mismatch.reason,
            )
        )
        return Outcome.FAILED

    def _ask(self, sql: str, connection_name: str) -> Answer | Exception:
        """What the database answers. Every exception is an answer: the checks tell errors from crashes."""
        connection = self._connections.get(connection_name)
        try:
            connection.execute(substitute(sql, self._variables_now()) if self._is_substituting else sql)
            columns = connection.description or ()
            rows = connection.fetchall() if columns else ()
        except Exception as error:
            return error
        return Answer(
            names=tuple(str(column[0]) for column in columns),
            types=tuple(str(column[1]) for column in columns),
            rows=tuple(tuple(row) for row in rows),
        )

    def _check_answer(
        self, expected: ExpectedSuccess | ExpectedRows | ExpectedError, answer: Answer | Exception
    ) -> Mismatch | None:
        match expected:
            case ExpectedSuccess():
                return check_success(expected, answer)
            case ExpectedRows():
                return self._check_rows(expected, answer)
            case _:
                return check_error(expected, answer)

    def _check_rows(self, expected: ExpectedRows, answer: Answer | Exception) -> Mismatch | None:
        mismatch = check_rows(expected, answer, default_sort=self._sort, hash_values_max=self._hash_values_max)
        if mismatch or not expected.label or isinstance(answer, Exception):
            return mismatch
        now = digest(sorted_rows(answer, expected.sort or self._sort))
        before = self._digests.setdefault(expected.label, now)
        if now == before:
            return None
        return Mismatch(
            reason=f"a different answer than the first query labelled {expected.label}", expected=before, actual=now
        )

    def _check_command(self, system: System) -> Mismatch | None:
        command = system.command
        if self._is_substituting:
            command = substitute_special(command, self._variables_now())
        status, output, errors = _run_command(command)
        if status != "exit status 0":
            return Mismatch(
                reason="the command fails", expected="exit status 0", actual=f"{status}\n{output}\n{errors}".strip()
            )
        if system.output is not None and output != system.output:
            return Mismatch(reason="a different output", expected=system.output, actual=output)
        return None

    def _variables_now(self) -> Mapping[str, str]:
        return {**self._variables, "__NOW__": str(time.time_ns())}


def _run_command(command: str) -> tuple[str, str, str]:
    """Run a command with bash: how it ended, what it printed, and what it complained of.

    It writes to files and not to pipes: a process that ``&`` leaves behind would keep a pipe open.
    """
    with TemporaryFile("w+", errors="replace") as output, TemporaryFile("w+", errors="replace") as errors:
        try:
            done = subprocess.run(
                ["bash", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=_COMMAND_SECONDS_MAX,
                check=False,
            )
            status = f"exit status {done.returncode}"
        except subprocess.TimeoutExpired:
            status = f"not finished after {_COMMAND_SECONDS_MAX} seconds"
        output.seek(0)
        errors.seek(0)
        return status, output.read().strip(), errors.read().strip()
