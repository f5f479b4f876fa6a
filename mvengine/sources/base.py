"""What a source is: something that lists its splits and hands one of them out as a local file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mvengine.errors import DatabaseError
from mvengine.planner.source import FileSource, OnError
from mvengine.schema import Column, Columns, literal, quote
from mvengine.sources.part import Part

_ENGINE_CLASS = re.compile(r"^[A-Z][A-Za-z -]* Error: ")


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
    """What became of one split, or of one part of it."""

    split: Split
    part: Part
    rows: int
    rejected: tuple[RejectedRow, ...]


@dataclass(frozen=True, kw_only=True)
class Inserted:
    """What became of the rows of one part."""

    rows: int
    rejected: tuple[RejectedRow, ...]


class Reader(Protocol):
    """Lists a source and opens its splits. Errors: ``SourceError`` (cannot list or open), ``LoadError`` (bad file)."""

    def list_splits(self) -> tuple[Split, ...]:
        """All splits now, sorted by path. An existing but empty folder has none; a missing root is an error."""
        ...

    def open(self, split: Split, part: Part) -> AbstractContextManager[Path]:
        """The split as a local file, which need not have more in it than ``part`` (and a Parquet file's footer).

        ``SourceError`` on leaving if it has changed since it was listed.
        """
        ...


class Sql(Protocol):
    """The little that loading needs of an engine: run a statement, return its rows as tuples."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...


MISSING, FORBIDDEN, STORE, TIMEOUT = "58P01", "42501", "08006", "HYT00"  # codes of ``SourceError``, by kind

MISSING_HINT = "missing_columns = 'null' makes a column that a file does not have NULL"


def file_literal(path: Path) -> str:
    """A local path as a SQL literal that is no glob."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


@dataclass(frozen=True, kw_only=True)
class Load:
    """One split on its way into a table: what every format needs to know of it."""

    sql: Sql  # the connection whose transaction receives the rows
    probe: Sql  # a connection that still works when that transaction is aborted
    source: FileSource
    columns: Columns
    key: tuple[str, ...]
    path: str  # as the user knows it
    local: Path  # where it can be read
    part: Part
    file_id: int
    into: str

    @property
    def is_skipping(self) -> bool:
        return self.source.on_error is OnError.SKIP

    @property
    def is_missing_null(self) -> bool:
        """Whether a column that the file does not have is NULL (``missing_columns = 'null'``), not an error."""
        return ("missing_columns", "null") in self.source.options

    @property
    def file(self) -> str:
        """The local path as a SQL literal that is no glob."""
        return file_literal(self.local)

    def words_of(self, error: DatabaseError) -> str:
        """The first line of an engine's error, with file and table under the names that the user knows."""
        first = error.message.partition("\n")[0].replace(str(self.local), self.path).replace("$staging", "")
        return _ENGINE_CLASS.sub("", first)

    def with_key(self, column: Column, value: str) -> str:
        """A column's value as it is inserted: a NULL in the key is an error."""
        if column.name.lower() not in {name.lower() for name in self.key}:
            return value
        return f"coalesce({value}, error({literal(f'NULL in the key: column {column.name}')}))"

    def insert(self, select: str) -> int:
        """Inserts what a query selects; how many rows that were."""
        ((rows,),) = self.sql.query(f"insert into {self.targets} {select}")
        return int(rows)

    @property
    def targets(self) -> str:
        """``into (columns, _file_id)``."""
        return f"{self.into} ({', '.join([quote(column.name) for column in self.columns] + ['_file_id'])})"
