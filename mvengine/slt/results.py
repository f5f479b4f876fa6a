"""What came of scripts, as values that go from one process to another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mvengine.slt.as_views_results import Views
from mvengine.slt.records import Location, Record


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordResult:
    """What came of one record, once: in a loop a record has several.

    ``sql`` is what was sent. ``reason`` says why it failed or was skipped; ``expected`` and ``actual`` are to be laid
    side by side; ``lines`` are what would have to stand under ``----``, ``types`` what behind ``query`` where that is
    wrong, and ``error`` is the error that came.
    """

    record: Record
    outcome: Outcome
    sql: str
    subtest: str
    seconds: float
    reason: str = ""
    expected: str = ""
    actual: str = ""
    lines: tuple[str, ...] | None = None
    types: str = ""
    error: Exception | None = None
    is_in_loop: bool = False


OnRecord = Callable[[RecordResult], None]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A record that did not do what it should, or a script that cannot be read.

    ``sql`` is the statement or command as it was run; ``subtest`` the one it stands in, or empty.
    """

    location: Location
    subtest: str
    sql: str
    expected: str
    actual: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """What became of one file: how many statements, queries and commands passed, failed and were skipped.

    ``skip_reasons`` counts those of the skipped ones that have one. ``records`` are there if they were asked for, one
    JSON object each. ``is_rewritten``: ``--update`` or ``--format`` changed the file or one that it includes.
    ``views`` is there if its queries ran as views, too.
    """

    path: str
    flavor: str
    passed: int
    skipped: int
    failures: tuple[Failure, ...]
    seconds: float
    skip_reasons: tuple[tuple[str, int], ...] = ()
    records: tuple[str, ...] = ()
    is_rewritten: bool = False
    views: Views | None = None

    @property
    def failed(self) -> int:
        return len(self.failures)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Files and records below a folder, or of all."""

    files: int
    passed: int
    failed: int
    skipped: int
    seconds: float

    @classmethod
    def of(cls, results: Iterable[FileResult]) -> Counts:
        found = tuple(results)
        return cls(
            files=len(found),
            passed=sum(result.passed for result in found),
            failed=sum(result.failed for result in found),
            skipped=sum(result.skipped for result in found),
            seconds=sum(result.seconds for result in found),
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What came of a run: a result for each file, in the order in which they ran."""

    results: tuple[FileResult, ...]

    @property
    def counts(self) -> Counts:
        return Counts.of(self.results)

    @property
    def is_ok(self) -> bool:
        return not any(result.failures for result in self.results)

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(failure for result in self.results for failure in result.failures)

    @property
    def views(self) -> Views | None:
        """What came of all queries as views; None if they did not run as such."""
        found = [result.views for result in self.results if result.views is not None]
        return Views.sum(found) if found else None

    def folders(self) -> dict[str, Counts]:
        """The counts of each folder that has scripts."""
        found: dict[str, list[FileResult]] = {}
        for result in self.results:
            found.setdefault(str(Path(result.path).parent), []).append(result)
        return {folder: Counts.of(found[folder]) for folder in sorted(found)}
