"""Whether what a database answered is what a record expects. Pure functions; None is yes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from mvengine.slt.answers import Answer, Mismatch
from mvengine.slt.near import fits
from mvengine.slt.order import collapse
from mvengine.slt.records import (
    AnyError,
    ErrorCode,
    ErrorPattern,
    ErrorText,
    ExpectedEither,
    ExpectedError,
    ExpectedSuccess,
)

NEVER_EXPECTED = ("INTERNAL Error", "differs from original result!")
"""Messages with which an error is a defect of DuckDB's, whatever the script says; DuckDB's runner has the same."""


def check_success(expected: ExpectedSuccess, answer: Answer | Exception) -> Mismatch | None:
    """``statement ok`` and ``statement count N``."""
    if isinstance(answer, Exception):
        return failed(answer)
    if expected.rows is None or expected.rows == answer.rows_affected:
        return None
    return Mismatch(reason="a different number of rows", expected=str(expected.rows), actual=str(answer.rows_affected))


def check_either(expected: ExpectedEither, answer: Answer | Exception, never: Iterable[str]) -> Mismatch | None:
    """``statement maybe``."""
    return check_error(expected.error, answer, never) if isinstance(answer, Exception) else None


def check_error(expected: ExpectedError, answer: Answer | Exception, never: Iterable[str]) -> Mismatch | None:
    """``statement error`` and ``query error``. An error with one of ``never`` in its message is no expected one."""
    if not isinstance(answer, Exception):
        return Mismatch(reason="it succeeds, an error is expected", expected=describe(expected), actual="success")
    if is_crash(answer) or (not _names_defect(expected) and any(text in str(answer) for text in never)):
        return failed(answer)
    if _matches(expected, answer):
        return None
    return Mismatch(reason="a different error", expected=describe(expected), actual=error_text(answer))


def _names_defect(expected: ExpectedError) -> bool:
    return isinstance(expected, ErrorText) and any(text in expected.text for text in NEVER_EXPECTED)


def failed(error: Exception) -> Mismatch:
    """The mismatch of an error where there should be none."""
    kind = f"it crashes with {type(error).__name__}" if is_crash(error) else "it fails"
    return Mismatch(reason=kind, expected="success", actual=error_text(error))


def is_crash(error: Exception) -> bool:
    """Whether Python failed instead of the database: such an error is never an expected one."""
    return type(error).__module__ == "builtins"


def sqlstate_of(error: Exception) -> str | None:
    """The SQLSTATE of mvengine's errors and of those of PostgreSQL's drivers."""
    for name in ("code", "sqlstate", "pgcode"):
        code = getattr(error, name, None)
        if isinstance(code, str):
            return code
    return None


def error_text(error: Exception) -> str:
    code = sqlstate_of(error)
    return f"{error} ({code})" if code else str(error)


def messages_of(error: Exception) -> list[str]:
    """What an error may be known by: its text, its message without position and hint, and that of DuckDB behind it."""
    found = [str(error)]
    message = getattr(error, "message", None)
    if isinstance(message, str):
        found.append(message)
    if isinstance(error.__cause__, Exception):
        found.append(str(error.__cause__))
    return found


def describe(expected: ExpectedError) -> str:
    match expected:
        case AnyError():
            return "any error"
        case ErrorPattern(pattern=pattern, sqlstate=sqlstate):
            return f"an error matching {pattern.pattern}" + (f", with SQLSTATE {sqlstate}" if sqlstate else "")
        case ErrorCode(sqlstate=sqlstate):
            return f"an error with SQLSTATE {sqlstate}"
        case ErrorText(text=text):
            return text
        case _:
            assert_never(expected)


def _matches(expected: ExpectedError, error: Exception) -> bool:
    match expected:
        case AnyError():
            return True
        case ErrorPattern(pattern=pattern, sqlstate=sqlstate):
            if sqlstate is not None and sqlstate != sqlstate_of(error):
                return False
            return any(pattern.search(message) for message in messages_of(error))
        case ErrorCode(sqlstate=sqlstate):
            return sqlstate_of(error) == sqlstate
        case ErrorText(text=text, is_part=is_part):
            if text.startswith("<!REGEX>:"):
                return fits(text, str(error))
            return any(_is_text(text, message, is_part=is_part) for message in messages_of(error))
        case _:
            assert_never(expected)


def _is_text(expected: str, message: str, *, is_part: bool) -> bool:
    if not is_part:
        return expected.strip() == message.strip()
    if expected.startswith("<REGEX>:"):
        return fits(expected, message)
    return expected in message or collapse(expected) in collapse(message)
