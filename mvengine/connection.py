"""The library's face: connections in the manner of DuckDB and of PEP 249."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from mvengine.config import load_config
from mvengine.engines.duckdb_errors import translate
from mvengine.errors import InterfaceError, NotSupportedError
from mvengine.handles import Job, Refresh, job_of, reading
from mvengine.lineage import Lineage, read_lineage
from mvengine.refresh.database import Database
from mvengine.refresh.opening import acquire, release
from mvengine.refresh.run.reporter import running
from mvengine.relation import Relation
from mvengine.session import Session, refresh
from mvengine.sql.names import parse_name
from mvengine.sql.statements import RefreshTable

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from mvengine.meta.progress import Progress

Parameters = Sequence[Any] | Mapping[str, Any] | None


def connect(path: str = ":memory:", **settings: Any) -> Connection:
    """Opens a database file (made if it is not there), or one in memory.

    ``settings`` are those of ``mvengine.config.Config``. Connections of one process to one file share it. Whatever an
    earlier process left unfinished is recovered first. Errors: DatabaseLocked, FormatError, UnknownOption.
    """
    database = acquire(str(path), load_config(settings))
    return Connection(database)


class Connection:
    """A connection, which is its own first cursor. One thread at a time; ``cursor()`` gives another thread its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session = Session(database)
        self._is_closed = False

    # -- running ---------------------------------------------------------------------------------------------------

    def execute(self, sql: str, parameters: Parameters = None) -> Self:
        """Runs one or more statements; the last one's result is there to be fetched. Errors: ``mvengine.Error``."""
        return self._execute(sql, parameters, sys._getframe(1))

    def _execute(self, sql: str, parameters: Parameters, frame: Any) -> Self:
        self._require_open()
        scope = {**frame.f_globals, **frame.f_locals} if frame is not None else {}
        self._session.execute(sql, parameters, scope)
        return self

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any] | Mapping[str, Any]]) -> Self:
        """Runs one statement for each set of parameters, in one transaction."""
        frame = sys._getframe(1)
        is_own = self._session.transaction is None
        if is_own:
            self.begin()
        rows = 0
        try:
            for values in parameters:
                self._execute(sql, values, frame)
                rows += max(self.rowcount, 0)
            if is_own:
                self.commit()
        except BaseException:
            if is_own:
                self.rollback()
            raise
        self._session.rowcount = rows
        return self

    def sql(self, query: str) -> Relation:
        """A query as a relation, run when it is read. Other statements run at once; their result is the relation's."""
        self._require_open()
        return Relation.of(self, query, sys._getframe(1))

    def begin(self) -> Self:
        """Opens a transaction."""
        self._require_open()
        self._session.begin()
        return self

    def commit(self) -> None:
        """Commits the open transaction, if there is one; views follow. Raises TransactionAborted (25P02)."""
        self._require_open()
        if self._session.transaction is not None:
            self._session.commit()

    def rollback(self) -> None:
        """Rolls the open transaction back, if there is one."""
        self._require_open()
        if self._session.transaction is not None:
            self._session.rollback()

    def interrupt(self) -> None:
        """Stops the running statement, from another thread; a refresh that it waits for is cancelled."""
        self._session.interrupt()

    def progress(self) -> tuple[Progress, ...]:
        """How far the refreshes and builds are that run in this database now, whoever started them. For any thread."""
        self._require_open()
        return running(self._database)

    # -- refreshes -------------------------------------------------------------------------------------------------

    def refresh(
        self,
        *tables: str,
        full: bool = False,
        background: bool = False,
        queue: bool = False,
        verify: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Refresh:
        """Refreshes these tables, or all where none is named, with everything that follows from them.

        In the background it returns at once. In the foreground it returns when all is published, and raises what
        ``REFRESH TABLE`` raises: nothing is published then. ``full`` reads all files; with ``queue`` it waits for a
        refresh that has one of the tables; with ``verify`` views are compared with their queries, and nothing is
        published where one differs (VerificationFailed). ``on_progress`` is called up to ten times a second, in another
        thread.
        """
        self._require_open()
        names = tuple(parse_name(table) for table in tables)
        statement = RefreshTable(tables=names, full=full, is_background=background, is_queued=queue, is_verified=verify)
        started = refresh.start(self._session, statement, trigger="python", on_progress=on_progress)
        return Refresh(self._open_database, started.plan_id, started.results)

    def refreshes(self) -> list[Refresh]:
        """All refreshes that this database remembers, the latest one last."""
        with reading(self._open_database) as engine:
            return [Refresh(self._open_database, plan.plan_id) for plan in self._database.store(engine).plans()]

    def job(self, number: int) -> Job:
        """A job by its number, which ``CREATE … BACKGROUND`` returns. Errors: UnknownRelation."""
        return job_of(self._open_database, number)

    # -- what there is ---------------------------------------------------------------------------------------------

    def lineage(self, name: str | None = None) -> Lineage:
        """Tables and views with their states, and what follows from what; with a ``name``, only the part around it.

        Notebooks draw it; see ``Lineage`` for Mermaid, SVG and text. Errors: UnknownRelation.
        """
        with reading(self._open_database) as engine:
            found = read_lineage(engine, self._database.name)
        return found if name is None else found.around(name)

    # -- results ---------------------------------------------------------------------------------------------------

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """PEP 249: name, type and five Nones per column of the open result."""
        found = self._raw.description
        return list(found) if found is not None else None

    @property
    def rowcount(self) -> int:
        """Rows that the last write touched; -1 after anything else."""
        return self._session.rowcount

    arraysize = 1

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row of the result, or None."""
        return self._fetch("fetchone")  # type: ignore[no-any-return]  # DuckDB's

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """The next ``size`` rows."""
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
        _require("polars")
        import polars

        frame = polars.from_arrow(self.arrow())
        assert isinstance(frame, polars.DataFrame)
        return frame

    def arrow(self) -> pyarrow.Table:
        """The result as an Arrow table."""
        with warnings.catch_warnings():
            # DuckDB warns of one more copy of the rows; a result that is open has no other way to Arrow.
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
            table: pyarrow.Table = self._fetch("to_arrow_table")
        return table

    def _fetch(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._raw, method)(*arguments)
        except (duckdb.Error, RuntimeError) as error:
            raise translate(error, "") from error

    # -- PEP 249 odds and ends -------------------------------------------------------------------------------------

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """PEP 249: allowed to do nothing."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """PEP 249: allowed to do nothing."""

    # -- life ------------------------------------------------------------------------------------------------------

    def cursor(self) -> Connection:
        """Another connection to the same database, with transactions and results of its own."""
        self._require_open()
        self._database.users += 1
        return Connection(self._database)

    def close(self) -> None:
        """Rolls back what is open and lets go of the database; the last connection closes the file."""
        if not self._is_closed:
            self._is_closed = True
            self._session.close()
            release(self._database)

    @property
    def _raw(self) -> duckdb.DuckDBPyConnection:
        self._require_open()
        return self._session.engine.raw

    def _open_database(self) -> Database:
        self._require_open()
        return self._database

    def _require_open(self) -> None:
        if self._is_closed:
            raise InterfaceError("the connection is closed", hint="open another with mvengine.connect()")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[Any, ...]:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row


def _require(library: str) -> None:
    """Raises NotSupportedError where an optional library is not installed."""
    try:
        import_module(library)
    except ModuleNotFoundError as error:
        raise NotSupportedError(
            f"this needs {library}, which is not installed", hint=f"pip install {library}"
        ) from error
