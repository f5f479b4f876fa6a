"""A sqllogictest script as values: what each record of a file asks for.

The format is that of sqllogictest-rs (RisingWave, DataFusion), itself a dialect of SQLite's sqllogictest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from mvengine.errors import ParseError

DEFAULT_CONNECTION = "default"


@dataclass(frozen=True, kw_only=True)
class Location:
    """A line of a script, counted from 1, and the include that brought the script in."""

    file: str
    line: int
    included_from: Location | None

    def __str__(self) -> str:
        origin = f", included from {self.included_from}" if self.included_from else ""
        return f"{self.file}:{self.line}{origin}"


class ScriptError(ParseError):
    """A script is not in the format; the message begins with file and line."""

    def __init__(self, message: str, *, location: Location, hint: str | None = None) -> None:
        super().__init__(f"{location}: {message}", hint=hint)
        self.location = location


class Sort(StrEnum):
    """How a query's answer is put in order before it is compared. The expected lines stand in that order."""

    NONE = "nosort"
    ROWS = "rowsort"
    VALUES = "valuesort"


@dataclass(frozen=True, kw_only=True)
class AnyError:
    """``error``: whatever the database says."""


@dataclass(frozen=True, kw_only=True)
class ErrorPattern:
    """``error <regex>``: found anywhere in the message."""

    pattern: re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class ErrorCode:
    """``error (42P01)``: exactly this SQLSTATE."""

    sqlstate: str


@dataclass(frozen=True, kw_only=True)
class ErrorText:
    """``error`` with the whole message under ``----``, compared without the white space around it."""

    text: str


ExpectedError = AnyError | ErrorPattern | ErrorCode | ErrorText


@dataclass(frozen=True, kw_only=True)
class ExpectedSuccess:
    """``statement ok``, and with ``rows``: ``statement count N``."""

    rows: int | None


@dataclass(frozen=True, kw_only=True)
class ExpectedRows:
    """``query <types> [sort] [label]`` and the lines under ``----``.

    ``types`` has a letter for each column, or is empty where the script does not say. ``sort`` is None where the
    script's ``control sortmode`` decides. Queries of one file with the same ``label`` give the same answer.
    """

    types: str
    sort: Sort | None
    label: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Statement:
    sql: str
    expected: ExpectedSuccess | ExpectedError


@dataclass(frozen=True, kw_only=True)
class Query:
    sql: str
    expected: ExpectedRows | ExpectedError


@dataclass(frozen=True, kw_only=True)
class System:
    """``system ok``: a command of the shell that succeeds; ``output`` is what it prints, or None for anything."""

    command: str
    output: str | None


@dataclass(frozen=True, kw_only=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Include:
    """``include <glob>``, relative to the including file. The parser puts their records in its place."""

    pattern: str


@dataclass(frozen=True, kw_only=True)
class Halt:
    """Ends the script here."""


@dataclass(frozen=True, kw_only=True)
class Subtest:
    """Names the part of the script that follows; a failure shows it."""

    name: str


@dataclass(frozen=True, kw_only=True)
class HashThreshold:
    """Answers of more than so many values are compared by their MD5 hash; 0: never."""

    values_max: int


@dataclass(frozen=True, kw_only=True)
class ControlSort:
    """The order of all later queries that do not name one."""

    sort: Sort


@dataclass(frozen=True, kw_only=True)
class ControlSubstitution:
    """Whether variables in later records are replaced."""

    is_on: bool


Check = Statement | Query | System
Setting = Sleep | Subtest | HashThreshold | ControlSort | ControlSubstitution
Directive = Check | Setting | Halt


@dataclass(frozen=True, kw_only=True)
class Condition:
    """``onlyif label`` (``is_wanted``) or ``skipif label``: whether the next record runs."""

    label: str
    is_wanted: bool

    def holds(self, labels: frozenset[str]) -> bool:
        return (self.label in labels) == self.is_wanted


@dataclass(frozen=True, kw_only=True)
class UseConnection:
    """``connection name``: where the next record runs."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """One directive with what stood before it. It runs if all conditions hold, on the named connection."""

    location: Location
    conditions: tuple[Condition, ...]
    connection: str
    directive: Directive
