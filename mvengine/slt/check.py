"""Whether what a database answered is what a record expects. Pure functions; None is yes.

Lines are compared with white space collapsed, as sqllogictest-rs does. In a column whose letter is ``R``, values of
type DOUBLE and FLOAT need to agree to nine significant digits only, because the order in which an engine adds is not
fixed; ``T`` compares them exactly. Other letters say nothing about the type.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from mvengine.slt.records import (
    AnyError,
    ErrorCode,
    ErrorPattern,
    ErrorText,
    ExpectedError,
    ExpectedRows,
    ExpectedSuccess,
    Sort,
)
from mvengine.slt.render import render

_SIGNIFICANT_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a statement returned: a name and type for each column, and its rows as Python values."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    @property
    def rows_affected(self) -> int:
        """The count that DuckDB returns for DML and COPY, else the number of rows (RETURNING, SELECT)."""
        match self.names, self.rows:
            case ("Count",), ((int(count),),):
                return count
            case _:
                return len(self.rows)


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """What was expected and what came, as texts to lay side by side, and in a word what is wrong."""

    reason: str
    expected: str
    actual: str


def check_success(expected: ExpectedSuccess, answer: Answer | Exception) -> Mismatch | None:
    """``statement ok`` and ``statement count N``."""
    if isinstance(answer, Exception):
        return _failed(answer)
    if expected.rows is None or expected.rows == answer.rows_affected:
        return None
    return Mismatch(reason="a different number of rows", expected=str(expected.rows), actual=str(answer.rows_affected))


def check_error(expected: ExpectedError, answer: Answer | Exception) -> Mismatch | None:
    """``statement error`` and ``query error``."""
    if not isinstance(answer, Exception):
        return Mismatch(reason="it succeeds, an error is expected", expected=_describe(expected), actual="success")
    if _is_crash(answer):
        return _failed(answer)
    if _matches(expected, answer):
        return None
    return Mismatch(reason="a different error", expected=_describe(expected), actual=_error_text(answer))


def check_rows(
    expected: ExpectedRows, answer: Answer | Exception, *, default_sort: Sort, hash_values_max: int
) -> Mismatch | None:
    """``query <types>``. Errors are mismatches too."""
    if isinstance(answer, Exception):
        return _failed(answer)
    if expected.types and len(expected.types) != len(answer.types):
        names = ", ".join(f"{name} {kind}" for name, kind in zip(answer.names, answer.types, strict=True))
        return Mismatch(
            reason="a different number of columns",
            expected=f"{len(expected.types)} ({expected.types})",
            actual=f"{len(answer.types)} ({names})",
        )
    rows = sorted_rows(answer, expected.sort or default_sort)
    values_count = sum(len(row) for row in rows)
    if 0 < hash_values_max < values_count:
        rows = [(f"{values_count} values hashing to {digest(rows)}",)]
    if _agree(expected, answer, rows):
        return None
    return Mismatch(
        reason="a different answer",
        expected="\n".join(_collapse(line) for line in expected.lines),
        actual="\n".join(_line(row) for row in rows),
    )


def sorted_rows(answer: Answer, sort: Sort) -> list[tuple[str, ...]]:
    """The rows as text, in the order asked for; under ``valuesort`` every value is a row."""
    rows = [tuple(render(value, kind) for value, kind in zip(row, answer.types, strict=True)) for row in answer.rows]
    match sort:
        case Sort.NONE:
            return rows
        case Sort.ROWS:
            return sorted(rows)
        case Sort.VALUES:
            return sorted((value,) for row in rows for value in row)
        case _:
            assert_never(sort)


def digest(rows: Sequence[Sequence[str]]) -> str:
    """The MD5 hash of all values, each followed by a newline, as SQLite's sqllogictest has it."""
    text = "".join(f"{value}\n" for row in rows for value in row)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _agree(expected: ExpectedRows, answer: Answer, rows: Sequence[tuple[str, ...]]) -> bool:
    is_approximate = [
        letter == "R" and kind in ("DOUBLE", "FLOAT")
        for letter, kind in zip(expected.types, answer.types, strict=False)
    ]
    return len(expected.lines) == len(rows) and all(
        _collapse(line) == _line(row) or _is_near(line.split(), row, is_approximate)
        for line, row in zip(expected.lines, rows, strict=True)
    )


def _is_near(words: Sequence[str], row: Sequence[str], is_approximate: Sequence[bool]) -> bool:
    """Whether each value is its word, or near it in an approximate column. False where values contain white space."""
    return len(words) == len(row) == len(is_approximate) and all(
        word == value or (near and _is_near_number(word, value))
        for word, value, near in zip(words, row, is_approximate, strict=True)
    )


def _is_near_number(word: str, value: str) -> bool:
    try:
        return math.isclose(float(word), float(value), rel_tol=10**-_SIGNIFICANT_DIGITS)
    except ValueError:
        return False


def _line(row: Sequence[str]) -> str:
    return " ".join(_collapse(value) for value in row)


def _collapse(text: str) -> str:
    return " ".join(text.split())


def _matches(expected: ExpectedError, error: Exception) -> bool:
    match expected:
        case AnyError():
            return True
        case ErrorPattern(pattern=pattern):
            return pattern.search(str(error)) is not None
        case ErrorCode(sqlstate=sqlstate):
            return _sqlstate(error) == sqlstate
        case ErrorText(text=text):
            return str(error).strip() == text
        case _:
            assert_never(expected)


def _describe(expected: ExpectedError) -> str:
    match expected:
        case AnyError():
            return "any error"
        case ErrorPattern(pattern=pattern):
            return f"an error matching {pattern.pattern}"
        case ErrorCode(sqlstate=sqlstate):
            return f"an error with SQLSTATE {sqlstate}"
        case ErrorText(text=text):
            return text
        case _:
            assert_never(expected)


def _sqlstate(error: Exception) -> str | None:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else None


def _error_text(error: Exception) -> str:
    code = _sqlstate(error)
    return f"{error} ({code})" if code else str(error)


def _is_crash(error: Exception) -> bool:
    """Whether Python failed instead of the database: such an error is never an expected one."""
    return type(error).__module__ == "builtins"


def _failed(error: Exception) -> Mismatch:
    kind = f"it crashes with {type(error).__name__}" if _is_crash(error) else "it fails"
    return Mismatch(reason=kind, expected="success", actual=_error_text(error))
