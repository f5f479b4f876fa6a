"""The open result of a connection: PEP 249's cursor, and results as frames and Arrow tables."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

import duckdb

from mvengine import errors
from mvengine.engines.duckdb_errors import translate
from mvengine.errors import NotSupportedError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Results(ABC):
    """What a statement has left to be read. One thread at a time."""

    # PEP 249: the errors are attributes of the connection, so that code can catch them without knowing the module.
    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    @property
    @abstractmethod
    def _raw(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's connection, which holds the result. Errors: InterfaceError, where it is closed."""

    @property
    @abstractmethod
    def rowcount(self) -> int:
        """Rows that the last write touched; -1 after anything else."""

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """PEP 249: name, type and five Nones per column of the open result; None before the first statement.

        The type is DuckDB's; it equals one of ``mvengine.STRING``, ``NUMBER``, ``DATETIME``, ``BINARY`` and ``NESTED``.
        As with DuckDB, a write without RETURNING has a result of one row with its count.

        >>> name, code, *_ = con.execute("SELECT amount FROM orders").description[0]
        >>> name, str(code), code == mvengine.NUMBER
        ('amount', 'DECIMAL(9,2)', True)
        """
        found = self._raw.description
        return list(found) if found is not None else None

    arraysize = 1
    """PEP 249: how many rows ``fetchmany()`` fetches."""

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row of the result, or None."""
        return self._fetch("fetchone")  # type: ignore[no-any-return]  # DuckDB's

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """The next ``size`` rows; ``arraysize`` without one.

        >>> result = con.execute("SELECT id FROM orders ORDER BY id")
        >>> result.fetchmany(2), result.fetchmany(2), result.fetchmany(2)
        ([(1,), (2,)], [(3,)], [])
        """
        return self._fetch("fetchmany", self.arraysize if size is None else size)  # type: ignore[no-any-return]  # DuckDB's

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        return self._fetch("fetchall")  # type: ignore[no-any-return]  # DuckDB's

    def df(self) -> pandas.DataFrame:
        """The result as a pandas DataFrame."""
        _require("pandas")
        return self._fetch("df")  # type: ignore[no-any-return]  # DuckDB's

    def pl(self) -> polars.DataFrame:
        """The result as a polars DataFrame."""
        return polars_of(self.arrow())

    def arrow(self) -> pyarrow.Table:
        """The result as an Arrow table."""
        with warnings.catch_warnings():
            # DuckDB warns of one more copy of the rows; a result that is open has no other way to Arrow.
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
            table: pyarrow.Table = self._fetch("to_arrow_table")
        return table

    def arrow_reader(self, rows_per_batch: int = 100_000) -> pyarrow.RecordBatchReader:
        """The result as a stream of Arrow batches, for results that do not fit into memory.

        It ends with the next statement of this connection.

        >>> sum(batch.num_rows for batch in con.execute("FROM orders").arrow_reader())
        3
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
            reader: pyarrow.RecordBatchReader = self._fetch("to_arrow_reader", rows_per_batch)
        return reader

    def _fetch(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._raw, method)(*arguments)
        except (duckdb.Error, RuntimeError) as error:
            raise translate(error, "") from error

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[Any, ...]:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row


def polars_of(table: pyarrow.Table) -> polars.DataFrame:
    """An Arrow table as a polars DataFrame, which takes over its columns. Errors: NotSupportedError without polars."""
    _require("polars")
    import polars

    frame = polars.from_arrow(table)
    assert isinstance(frame, polars.DataFrame)
    return frame


def _require(library: str) -> None:
    """Raises NotSupportedError where an optional library is not installed."""
    try:
        import_module(library)
    except ModuleNotFoundError as error:
        raise NotSupportedError(
            f"this needs {library}, which is not installed", hint=f"pip install {library}"
        ) from error
