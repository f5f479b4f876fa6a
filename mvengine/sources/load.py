"""Loading one split, or a part of it, into a table: every row as it stands there, or an error that says where not.

The good path is one INSERT … SELECT at the engine's own speed. Only where that fails is the row looked for. Under
``on_error = 'skip'`` no statement fails because of a row: each bad one is returned as a ``RejectedRow``.

Values are cast as the engine's CAST does it; it rounds a fraction for an integer column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from mvengine.errors import (
    DatabaseError,
    InternalError,
    LoadError,
    LockTimeout,
    SerializationFailure,
    SourceError,
    TransactionAborted,
)
from mvengine.planner.source import Encoding, FileSource
from mvengine.schema import Columns
from mvengine.sources import csv, json, parquet
from mvengine.sources.base import Inserted, Load, LoadedSplit, Reader, RejectedRow, Split, Sql
from mvengine.sources.csv_layout import header_names
from mvengine.sources.part import Part, whole


@dataclass(frozen=True, kw_only=True)
class Format:
    """How files of one encoding are loaded.

    ``insert`` inserts the rows and returns those it skipped (none under ``on_error = 'fail'``); ``explain`` turns the
    engine's error into one that says where; ``names`` tells the columns that the file has, in lower case, None where
    they have no names or may differ from row to row.
    """

    insert: Callable[[Load], Inserted]
    explain: Callable[[Load, DatabaseError], LoadError]
    names: Callable[[Load], frozenset[str] | None]


_FORMATS = {
    Encoding.CSV: Format(insert=csv.insert, explain=csv.explain, names=header_names),
    Encoding.JSON: Format(insert=json.insert, explain=json.explain, names=lambda load: None),
    Encoding.PARQUET: Format(insert=parquet.insert, explain=parquet.explain, names=parquet.names),
}


# What is already said precisely, or is no fault of the file: by class, and by code a full disk, memory, an interrupt.
_NOT_THE_FILE = (LoadError, InternalError, LockTimeout, SerializationFailure, TransactionAborted)
_NOT_THE_FILE_CODES = frozenset({"53100", "53200", "57014"})

# DuckDB's words where the operating system could not read a file, or write another. Its other I/O errors are about what
# is in one: that it is no gzip, say.
_UNREADABLE = ("Could not read from file", "Could not read enough bytes from file", "Cannot open file")
_IO = ("58030", "58P01")
_UNWRITABLE = ("Could not write", "Could not create", "Could not sync")


def load_split(
    sql: Sql,
    *,
    source: FileSource,
    columns: Columns,
    key: tuple[str, ...],
    split: Split,
    reader: Reader,
    file_id: int,
    into: str,
    probe: Sql | None = None,
    part: Part | None = None,
    rejected_before: int = 0,
    optional: Collection[str] = (),
) -> LoadedSplit:
    """Append the rows of ``split``, or of one ``part`` of it, to ``into``, in file order, with ``_file_id = file_id``.

    ``optional`` columns have a default: rows of a CSV or Parquet file without them get it.
    ``rejected_before`` are the rows that earlier parts have skipped: ``errors_max`` holds for the file.
    ``into`` is a quoted, qualified table with ``columns`` and ``_file_id``. ``probe`` is a connection outside the
    transaction of ``sql``: an error aborts that, and the bad row is then looked for with ``probe``; without one the
    error says what the engine said. Errors: ``LoadError`` (the file), ``SourceError`` (not readable, or changed).
    """
    part = part or whole(split.size)
    with reader.open(split, part) as path:
        load = Load(
            sql=sql,
            probe=probe or sql,
            source=source,
            columns=columns,
            key=key,
            path=split.path,
            local=Path(path),
            part=part,
            file_id=file_id,
            into=into,
        )
        format_ = _FORMATS[source.encoding]
        try:
            if optional:
                load = _given(load, optional, format_.names(load))
            inserted = format_.insert(load)
        except _NOT_THE_FILE:
            raise
        except DatabaseError as error:
            if error.code in _NOT_THE_FILE_CODES:
                raise
            if error.code in _IO and any(words in error.message for words in _UNWRITABLE):
                raise
            if error.code in _IO and any(words in error.message for words in _UNREADABLE):
                raise SourceError(f"cannot read {split.path!r}: {load.words_of(error)}", path=split.path) from error
            raise format_.explain(load, error) from error
        if len(inserted.rejected) + rejected_before > source.errors_max:
            raise _too_many(load, inserted.rejected)
    return LoadedSplit(split=split, part=part, rows=inserted.rows, rejected=inserted.rejected)


def _given(load: Load, optional: Collection[str], names: frozenset[str] | None) -> Load:
    """The load without the optional columns that the file does not have; whole where it would have no column left."""
    if names is None or not any(column.name.lower() in names for column in load.columns):
        return load
    kept = tuple(c for c in load.columns if c.name.lower() in names or c.name not in optional)
    return replace(load, columns=kept)


def _too_many(load: Load, rejected: tuple[RejectedRow, ...]) -> LoadError:
    first = min(rejected, key=lambda row: row.line or 0)
    return LoadError(
        f"more than errors_max = {load.source.errors_max} rows are bad; the first: {first.reason}",
        path=load.path,
        line=first.line,
        hint="correct the file, or declare a higher errors_max",
    )
