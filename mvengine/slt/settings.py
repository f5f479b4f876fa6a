"""Directives that change how the rest of a script runs, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sort(StrEnum):
    """How a query's answer and the expected lines are put in order before they are compared."""

    NONE = "nosort"
    ROWS = "rowsort"
    VALUES = "valuesort"
    PARTIAL = "partialsort"  # rows that agree in the columns the query orders by


@dataclass(frozen=True, kw_only=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Subtest:
    """Names the part of the script that follows; a failure shows it."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HashThreshold:
    """Answers of more than so many values are compared by their MD5 hash; 0: never."""

    values_max: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlSort:
    """The order of all later queries that do not name one."""

    sort: Sort


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlSubstitution:
    """Whether variables in later records are replaced."""

    is_on: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlResult:
    """Whether expected results have one value a line (``valuewise``); None: found by itself."""

    is_valuewise: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """DuckDB's ``mode skip`` and ``mode unskip``, which nest."""

    skips: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Require:
    """DuckDB's ``require``: without this extension or property, the rest of the file is skipped."""

    name: str
    argument: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """DuckDB's ``require-env NAME [VALUE]``, and ``test-env NAME DEFAULT``: a variable ``${NAME}``."""

    name: str
    value: str | None
    is_required: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """DuckDB's ``load [path] [readonly]``: another database, empty unless it is only read; no path: in memory."""

    path: str
    is_read_only: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reopen:
    """DuckDB's ``restart`` (the database is closed and opened) and ``reconnect`` (only the connection is)."""

    is_restart: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorMessages:
    """DuckDB's ``set ignore_error_messages``: an error with one of them ends the file, as skipped; and
    ``set always_fail_error_messages``: an error with one of them is never an expected one."""

    messages: tuple[str, ...]
    is_ignored: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Seed:
    """DuckDB's ``set seed``."""

    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetLabel:
    """DuckDB's ``reset label``: the next query with the label sets its answer anew."""

    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Nothing:
    """A directive that says something to another runner and nothing to this one, such as ``tags``."""


Setting = (
    Sleep
    | Subtest
    | HashThreshold
    | ControlSort
    | ControlSubstitution
    | ControlResult
    | Mode
    | Require
    | Environment
    | Load
    | Reopen
    | ErrorMessages
    | Seed
    | ForgetLabel
    | Nothing
)
