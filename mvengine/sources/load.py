"""Loading one split into a table, exactly: every row as it stands in the file, or an error that says where not.

The good path is one INSERT … SELECT at the engine's own speed. Only where that fails is the row looked for. Under
``on_error = 'skip'`` no statement fails because of a row: each bad one is returned as a ``RejectedRow``.

Values are cast as the engine's CAST does it; it rounds a fraction for an integer column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mvengine.errors import (
    DatabaseError,
    InternalError,
    LoadError,
    LockTimeout,
    SerializationFailure,
    TransactionAborted,
)
from mvengine.planner.source import Encoding, FileSource
from mvengine.schema import Columns, quote
from mvengine.sources import csv, json, parquet
from mvengine.sources.base import Load, LoadedSplit, Reader, RejectedRow, Split, Sql


@dataclass(frozen=True, kw_only=True)
class Format:
    """How files of one encoding are loaded.

    ``insert`` inserts the rows and returns those it skipped (none under ``on_error = 'fail'``); ``explain`` turns the
    engine's error into one that says where; ``find_null_keys`` returns rows whose key holds a NULL, at most ``limit``.
    """

    insert: Callable[[Load], tuple[RejectedRow, ...]]
    explain: Callable[[Load, DatabaseError], LoadError]
    find_null_keys: Callable[[Load, int], tuple[RejectedRow, ...]]


_FORMATS = {
    Encoding.CSV: Format(insert=csv.insert, explain=csv.explain, find_null_keys=csv.find_null_keys),
    Encoding.JSON: Format(insert=json.insert, explain=json.explain, find_null_keys=json.find_null_keys),
    Encoding.PARQUET: Format(insert=parquet.insert, explain=parquet.explain, find_null_keys=parquet.find_null_keys),
}


# What is already said precisely, or is no fault of the file: by class, and by code a full disk, memory, an interrupt.
_NOT_THE_FILE = (LoadError, InternalError, LockTimeout, SerializationFailure, TransactionAborted)
_NOT_THE_FILE_CODES = frozenset({"53100", "53200", "57014"})


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
) -> LoadedSplit:
    """Append the rows of ``split`` to ``into``, in file order, with ``_file_id = file_id``.

    ``into`` is a quoted, qualified table with ``columns`` and ``_file_id``. ``probe`` is a connection outside the
    transaction of ``sql``: an error aborts that, and the bad row is then looked for with ``probe``; without one the
    error says what the engine said. Errors: ``LoadError`` (the file), ``SourceError`` (not readable, or changed).
    """
    with reader.open(split) as path:
        load = Load(
            sql=sql,
            probe=probe or sql,
            source=source,
            columns=columns,
            key=key,
            path=split.path,
            local=Path(path),
            file_id=file_id,
            into=into,
        )
        format_ = _FORMATS[source.encoding]
        try:
            rejected = format_.insert(load)
        except _NOT_THE_FILE:
            raise
        except DatabaseError as error:
            if error.code in _NOT_THE_FILE_CODES:
                raise
            raise format_.explain(load, error) from error
        rows = _check_rows(load, format_)
        if len(rejected) > source.errors_max:
            raise _too_many(load, rejected)
    return LoadedSplit(split=split, rows=rows, rejected=rejected)


def _check_rows(load: Load, format_: Format) -> int:
    """Number of rows loaded. Errors: ``LoadError`` for a NULL in the key."""
    missing = " or ".join(f"{quote(name)} is null" for name in load.key) or "false"
    ((rows, null_keys),) = load.sql.query(
        f"select count(*), count(*) filter ({missing}) from {load.into} where _file_id = ?", (load.file_id,)
    )
    if null_keys:
        row = next(iter(format_.find_null_keys(load, 1)), None)
        reason = row.reason if row else f"NULL in the key ({', '.join(load.key)})"
        hint = "a row of a table with a key needs all its key columns; on_error = 'skip' leaves such rows out"
        raise LoadError(reason, path=load.path, line=row.line if row else None, hint=hint)
    return int(rows)


def _too_many(load: Load, rejected: tuple[RejectedRow, ...]) -> LoadError:
    first = min(rejected, key=lambda row: row.line or 0)
    return LoadError(
        f"more than errors_max = {load.source.errors_max} rows are bad; the first: {first.reason}",
        path=load.path,
        line=first.line,
        hint="correct the file, or declare a higher errors_max",
    )
