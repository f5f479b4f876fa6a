"""What a run takes and gives back, as values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from mvengine.slt.records import Location, Record


class ConnectionLike(Protocol):
    """What a script runs on: a PEP 249 connection that executes by itself, as DuckDB's and mvengine's do.

    Column types are taken from the second item of each description, as text (``DECIMAL(5,2)``).
    """

    @property
    def description(self) -> Sequence[Sequence[Any]] | None: ...

    def cursor(self) -> ConnectionLike: ...

    def execute(self, query: str, /) -> object: ...

    def fetchall(self) -> Sequence[Sequence[Any]]: ...

    def close(self) -> None: ...


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


OnRecord = Callable[[Record, Outcome], None]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A record that did not do what it should, or a script that cannot be read.

    ``sql`` is the statement or command as the script has it; ``subtest`` the one it stands in, or empty.
    """

    location: Location
    subtest: str
    sql: str
    expected: str
    actual: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """What became of one file: how many statements, queries and commands passed, failed and were skipped."""

    path: str
    passed: int
    skipped: int
    failures: tuple[Failure, ...]
    seconds: float

    @property
    def failed(self) -> int:
        return len(self.failures)
