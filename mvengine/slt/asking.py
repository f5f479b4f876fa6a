"""One record, once: what is sent, what comes back, and whether that is what is expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from mvengine.errors import OperationalError
from mvengine.slt.answers import Answer, Mismatch
from mvengine.slt.check import check_either, check_error, check_success, failed
from mvengine.slt.commands import COMMAND_SECONDS_MAX, check_command
from mvengine.slt.compare import Comparison, check_rows, label_digest, with_rows
from mvengine.slt.engines import Connection
from mvengine.slt.files import result_lines
from mvengine.slt.records import (
    DEFAULT_CONNECTION,
    ErrorText,
    ExpectedEither,
    ExpectedError,
    ExpectedRows,
    ExpectedSuccess,
    Let,
    Query,
    Record,
    Statement,
    System,
)
from mvengine.slt.state import State
from mvengine.slt.styles import STYLES
from mvengine.slt.watchdog import Watchdog


class Sessions(Protocol):
    def get(self, name: str, /) -> Connection: ...


OnRows = Callable[[Record, ExpectedRows, Answer, Comparison, Mismatch | None], None]
"""Is told of each answer that was to be rows, and of what is wrong with it."""


class Asker:
    """``sent`` is the text that the last record sent, ``error`` the error that came back."""

    def __init__(self, state: State, sessions: Sessions, watchdog: Watchdog, on_rows: OnRows | None = None) -> None:
        self._state = state
        self._sessions = sessions
        self._watchdog = watchdog
        self._on_rows = on_rows
        self.sent = ""
        self.error: Exception | None = None

    def check(self, record: Record, check: Statement | Query | System | Let) -> Mismatch | None:
        """Runs the record. An error of substitution is the statement's error, as in sqllogictest-rs."""
        match check:
            case Statement() | Query():
                return self._check_answer(check.expected, self._ask(check.sql, record.connection), record)
            case System(command=command, output=output):
                self.error = None
                self.sent = self._state.command(command)
                return check_command(self.sent, output, self._watchdog.seconds_max or COMMAND_SECONDS_MAX)
            case Let():
                return self._bind(check, self._ask(check.sql, record.connection))

    def _ask(self, sql: str, name: str) -> Answer | Exception:
        """What the database answers. Every exception is an answer: the checks tell errors from crashes."""
        state, watchdog = self._state, self._watchdog
        self.sent, self.error, is_stopped = sql, None, False
        if name != DEFAULT_CONNECTION and state.loops:
            name = state.text(name)
        connection = self._sessions.get(name)
        try:
            self.sent = state.text(sql)
            watchdog.begins(connection)
            try:
                return connection.run(self.sent)
            finally:
                is_stopped = watchdog.ends()
        except Exception as error:
            self.error = error
            if watchdog.seconds_max is not None and is_stopped:
                self.error = OperationalError(f"not finished after {watchdog.seconds_max:g} seconds", code="57014")
            return self.error

    def _check_answer(
        self,
        expected: ExpectedSuccess | ExpectedEither | ExpectedRows | ExpectedError,
        answer: Answer | Exception,
        record: Record,
    ) -> Mismatch | None:
        match expected:
            case ExpectedSuccess():
                return check_success(expected, answer)
            case ExpectedRows():
                return self._check_rows(expected, answer, record)
            case ExpectedEither(error=error):
                return check_either(ExpectedEither(error=self._replaced(error)), answer, self._state.never_expected)
            case _:
                mismatch = check_error(self._replaced(expected), answer, self._state.never_expected)
                if mismatch and isinstance(answer, Answer) and isinstance(record.directive, Query):
                    return with_rows(mismatch, answer, self._state.comparison)
                return mismatch

    def _replaced(self, expected: ExpectedError) -> ExpectedError:
        """With the loop's variables, which stand in expected errors too."""
        if isinstance(expected, ErrorText) and self._state.comparison.flavor.replaces_always:
            return replace(expected, text=self._state.text(expected.text))
        return expected

    def _check_rows(self, expected: ExpectedRows, answer: Answer | Exception, record: Record) -> Mismatch | None:
        if isinstance(answer, Exception):
            return failed(answer)
        comparison = self._state.comparison
        if comparison.flavor.replaces_always:
            try:
                expected = replace(expected, lines=self._result_lines(expected, record))
            except OperationalError as error:
                return failed(error)
        mismatch = check_rows(expected, answer, comparison) or self._check_label(expected, answer)
        if self._on_rows is not None:
            self._on_rows(record, expected, answer, comparison, mismatch)
        return mismatch

    def _check_label(self, expected: ExpectedRows, answer: Answer) -> Mismatch | None:
        if not expected.label:
            return None
        now = label_digest(expected, answer, self._state.comparison)
        before = self._state.digests.setdefault(expected.label, now)
        if now == before:
            return None
        return Mismatch(
            reason=f"a different answer than the first query labelled {expected.label}", expected=before, actual=now
        )

    def _result_lines(self, expected: ExpectedRows, record: Record) -> tuple[str, ...]:
        """The expected lines with DuckDB's variables replaced, or those of the file that they name."""
        lines = [self._state.text(line) if "{" in line or "__" in line else line for line in expected.lines]
        return result_lines(lines, record.source.file)

    def _bind(self, let: Let, answer: Answer | Exception) -> Mismatch | None:
        """The values of the only row, as they are printed; NULL is an empty text, as in sqllogictest-rs."""
        if isinstance(answer, Exception):
            return failed(answer)
        rows = STYLES[self._state.comparison.flavor.styles[0]](answer, "")
        if len(rows) != 1 or len(rows[0]) != len(let.names):
            return Mismatch(
                reason="'let' needs one row with a value for each name",
                expected=f"1 row, {len(let.names)} columns",
                actual=f"{len(rows)} rows, {len(answer.description)} columns",
            )
        variables = self._state.literals if let.is_literal else self._state.variables
        values = ("" if text == "(empty)" else text for text in rows[0])
        variables.update(zip(let.names, values, strict=True))
        return None
