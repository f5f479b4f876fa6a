"""A sqllogictest script as values: what each record of a file asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mvengine.errors import ParseError
from mvengine.slt.settings import Setting, Sort

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
        self.reason = message

    def __reduce__(self) -> tuple[object, ...]:
        return _script_error, (self.reason, self.location, self.hint)


def _script_error(message: str, location: Location, hint: str | None) -> ScriptError:
    return ScriptError(message, location=location, hint=hint)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyError:
    """``error``: whatever the database says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorPattern:
    """``error <regex>``: found anywhere in the message; ``sqlstate`` too where CockroachDB's ``pgcode`` gives one."""

    pattern: re.Pattern[str]
    sqlstate: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorCode:
    """``error (42P01)``: exactly this SQLSTATE."""

    sqlstate: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorText:
    """``error`` with a text under ``----``: the whole message; or a part of it, as in DuckDB's files.

    DuckDB's ``<REGEX>:`` and ``<!REGEX>:`` must fit, or not fit, the whole message.
    """

    text: str
    is_part: bool


ExpectedError = AnyError | ErrorPattern | ErrorCode | ErrorText


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedSuccess:
    """``statement ok``, and with ``rows``: ``statement count N``."""

    rows: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedEither:
    """DuckDB's ``statement maybe``: success, or this error."""

    error: ExpectedError


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedRows:
    """``query <types> [sort] [label]`` and the lines under ``----``.

    ``types`` has a letter for each column, or is empty where the script does not say. ``sort`` is None where the
    script's ``control sortmode`` decides; ``sort_columns`` (from 0) belong to ``partialsort``. Queries of one file with
    the same ``label`` give the same answer. With ``has_names`` the first line has the names of the columns.
    """

    types: str
    sort: Sort | None
    sort_columns: tuple[int, ...]
    label: str | None
    has_names: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """``retry N backoff D``: so many tries, with so many seconds between them."""

    attempts_max: int
    backoff_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    sql: str
    expected: ExpectedSuccess | ExpectedEither | ExpectedError
    retry: Retry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    sql: str
    expected: ExpectedRows | ExpectedError
    retry: Retry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """``system ok``: a command of the shell that succeeds; ``output`` is what it prints, or None for anything."""

    command: str
    output: str | None
    retry: Retry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Let:
    """``let a, b``: the values of the only row of a query, by these names.

    ``is_literal``: CockroachDB's ``let $a``, which is replaced from then on wherever it stands.
    """

    names: tuple[str, ...]
    sql: str
    is_literal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsupported:
    """A record of another runner's that this one cannot run: skipped, with the reason."""

    text: str
    reason: str
    ends_file: bool  # what follows depends on it


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """``onlyif label`` (``is_wanted``) or ``skipif label``: whether the next record runs.

    In a DuckDB loop, ``onlyif i=2``: ``label`` is the variable, ``comparison`` and ``value`` say what must hold.
    """

    label: str
    is_wanted: bool
    comparison: str = ""
    value: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """DuckDB's ``onlyif i=2&&j<3``: several at once."""

    each: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UseConnection:
    """``connection name``: where the next record runs."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """CockroachDB's ``repeat N``: the next record runs so many times."""

    times: int


Prefix = Condition | Conditions | UseConnection | Repeat
"""What stands before a record and belongs to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The file that a record stands in, and the include that brought it in."""

    file: str
    included_from: Location | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One directive with what stood before it. It runs if all conditions hold, on the named connection.

    ``line`` is the directive's, from 1. ``expected_from`` and ``expected_to`` count the file's lines from 0: the lines
    below ``----`` are those between them; both are where ``----`` would stand if there is none.
    """

    source: Source
    line: int
    expected_from: int
    expected_to: int
    has_separator: bool
    conditions: tuple[Condition, ...]
    connection: str
    times: int
    directive: Directive

    @property
    def location(self) -> Location:
        return Location(file=self.source.file, line=self.line, included_from=self.source.included_from)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """DuckDB's ``loop``, ``foreach`` and their concurrent forms: the records run once for each of ``values``.

    ``names`` are its variables, ``${name}`` in the records; each of ``values`` has as many words, joined by commas.
    """

    names: tuple[str, ...]
    values: tuple[str, ...]
    is_concurrent: bool
    records: tuple[Record, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Include:
    """``include <glob>``, relative to the including file. The parser puts their records in its place."""

    pattern: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Halt:
    """Ends the script here."""


Check = Statement | Query | System | Let
"""What is run and counted."""

Directive = Check | Setting | Halt | Loop | Unsupported
