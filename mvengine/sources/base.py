"""What a source is: something that lists its splits and hands one of them out as a local file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Split:
    """One file of a source as it was listed. Two equal splits have the same contents (R03's documented limit)."""

    path: str  # absolute path or URL: the split's identity
    size: int  # bytes
    mtime_ns: int  # nanoseconds since 1970
    etag: str | None  # object stores only


@dataclass(frozen=True, kw_only=True)
class RejectedRow:
    """A row that was skipped under ``on_error = 'skip'``."""

    path: str
    line: int | None  # from 1, where the format has lines
    reason: str
    text: str  # the row as it stands in the file, at most 1000 characters


@dataclass(frozen=True, kw_only=True)
class LoadedSplit:
    """What became of one split."""

    split: Split
    rows: int
    rejected: tuple[RejectedRow, ...]


class Reader(Protocol):
    """Lists a source and opens its splits. Errors: ``SourceError`` (cannot list or open), ``LoadError`` (bad file)."""

    def list_splits(self) -> tuple[Split, ...]:
        """All splits now, sorted by path. An existing but empty folder has none; a root that is not there is an error."""
        ...

    def open(self, split: Split) -> AbstractContextManager[Path]:
        """The split as a local file. On leaving, raises ``SourceError`` if the split has changed since it was listed."""
        ...


class Sql(Protocol):
    """The little that loading needs of an engine: run a statement, return its rows as tuples."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...
