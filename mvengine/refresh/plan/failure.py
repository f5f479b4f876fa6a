"""What a task failed of: its type, whether trying again can help, and where the fault lies. Pure.

The type follows from the error's SQLSTATE alone, so that it does not depend on wording.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum

from mvengine.errors import Error, LoadError, SourceError

MESSAGE_MAX = 4000  # characters that are kept


class FailureType(StrEnum):
    """The kinds of failures that a task can have; whether they are retryable, each error says for itself."""

    SQL = "sql"  # a statement or definition is wrong
    DATA = "data"  # a value, a row, a file's contents
    KEY = "key"  # two rows with one key
    MISSING_FILE = "missing_file"
    TIMEOUT = "timeout"  # of a source or of a lock
    OBJECT_STORE = "object_store"  # 5xx, throttling, no connection
    IO = "io"  # what cannot be read or written for other reasons, permissions among them
    DISK_FULL = "disk_full"
    OUT_OF_MEMORY = "out_of_memory"
    CONFLICT = "conflict"  # somebody else was first, or the state has moved on
    INTERRUPTED = "interrupted"
    BUG = "bug"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an attempt of a task failed."""

    code: str  # SQLSTATE
    type: FailureType
    message: str
    file: str | None  # path or URL
    line: int | None  # of the file, from 1
    retryable: bool


# By SQLSTATE, else by its first two characters.
_TYPES = {
    "58P01": FailureType.MISSING_FILE,
    "HYT00": FailureType.TIMEOUT,
    "55P03": FailureType.TIMEOUT,
    "53100": FailureType.DISK_FULL,
    "53200": FailureType.OUT_OF_MEMORY,
    "57014": FailureType.INTERRUPTED,
    "23505": FailureType.KEY,
    "42501": FailureType.IO,
    "08003": FailureType.BUG,  # a task has used a connection that was closed under it
    "08": FailureType.OBJECT_STORE,
    "58": FailureType.IO,
    "22": FailureType.DATA,
    "23": FailureType.DATA,
    "40": FailureType.CONFLICT,
    "55": FailureType.CONFLICT,
    "25": FailureType.CONFLICT,  # the transaction has ended under the task
    "42": FailureType.SQL,
    "0A": FailureType.SQL,
    "2B": FailureType.SQL,
    "XX": FailureType.BUG,
}


def failure_type(error: BaseException) -> FailureType:
    """The type of an error: of this library by its code, of the operating system and Python by class, else a bug."""
    match error:
        case Error():
            return _TYPES.get(error.code) or _TYPES.get(error.code[:2], FailureType.BUG)
        case KeyboardInterrupt():
            return FailureType.INTERRUPTED
        case MemoryError():
            return FailureType.OUT_OF_MEMORY
        case FileNotFoundError():
            return FailureType.MISSING_FILE
        case TimeoutError():
            return FailureType.TIMEOUT
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return FailureType.DISK_FULL
        case OSError():
            return FailureType.IO
        case _:
            return FailureType.BUG


def described(error: BaseException) -> str:
    """An error in one line, as causes and reasons have it: ``22P04: o.csv:2: column id: …``."""
    return f"{error.code}: {error.message}" if isinstance(error, Error) else f"{type(error).__name__}: {error}"


_CODES = {
    FailureType.INTERRUPTED: "57014",
    FailureType.OUT_OF_MEMORY: "53200",
    FailureType.MISSING_FILE: "58P01",
    FailureType.TIMEOUT: "HYT00",
    FailureType.DISK_FULL: "53100",
    FailureType.IO: "58030",
}


def failure_of(error: BaseException) -> Failure:
    """What is kept of an error."""
    type_ = failure_type(error)
    if isinstance(error, Error):
        code, message, is_retryable = error.code, error.message, error.retryable
    else:
        code, message = _CODES.get(type_, "XX000"), f"{type(error).__name__}: {error}"
        is_retryable = type_ in (FailureType.DISK_FULL, FailureType.OUT_OF_MEMORY, FailureType.TIMEOUT)
    return Failure(
        code=code,
        type=type_,
        message=message[:MESSAGE_MAX],
        file=error.path if isinstance(error, LoadError | SourceError) else None,
        line=error.line if isinstance(error, LoadError) else None,
        retryable=is_retryable,
    )
