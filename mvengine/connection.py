"""The library's face: connections in the manner of DuckDB and of PEP 249."""

from __future__ import annotations

import sys
import warnings
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

import duckdb

from mvengine.config import SETTINGS, Scope, load_config
from mvengine.errors import ForeignChangeWarning, InterfaceError
from mvengine.handles import Job, Refresh, job_of, reading
from mvengine.library.methods import Catalog
from mvengine.refresh.database import Database
from mvengine.refresh.opening import acquire, release
from mvengine.refresh.run.reporter import running
from mvengine.relation import Relation
from mvengine.session import Session, refresh
from mvengine.sql.dialects.settings import DUCKDB
from mvengine.sql.names import parse_name
from mvengine.sql.statements import RefreshTable

if TYPE_CHECKING:
    import pyarrow

    from mvengine.meta.progress import Progress

_CHANGES_SHOWN = 3

Parameters = Sequence[Any] | Mapping[str, Any] | None


def connect(path: str = ":memory:", **settings: Any) -> Connection:
    """Opens a database file (made if it is not there), or one in memory.

    ``settings`` are those of ``mvengine.config.Config``. Connections of one process to one file share it,
    and its settings but for those of a session. Whatever an
    earlier process left unfinished is recovered first; a ForeignChangeWarning says what another program has changed in
    the file. Errors: DatabaseLocked, FormatError, UnknownOption.
    """
    config = load_config(settings)
    database = acquire(str(path), config)
    found, database.foreign_changes = database.foreign_changes, ()
    if found:
        shown = "; ".join(map(str, found[:_CHANGES_SHOWN])) + ("; …" if len(found) > _CHANGES_SHOWN else "")
        warnings.warn(
            f"another program has changed {path}: {shown}. The views that this concerns are suspended until they are "
            "derived again: see SELECT * FROM mv_catalog.foreign_changes",
            ForeignChangeWarning,
            stacklevel=2,
        )
    of_session = {name: getattr(config, name) for name in config.explicit if SETTINGS[name].scope is Scope.SESSION}
    return Connection(database, of_session)


class Connection(Catalog):
    """A connection, which is its own first cursor. One thread at a time; ``cursor()`` gives another thread its own."""

    def __init__(
        self, database: Database, settings: Mapping[str, Any] | None = None, parent: Connection | None = None
    ) -> None:
        self._database = database
        self._settings = settings  # of the session
        self._session = Session(database, settings)
        self._is_closed = False
        self._parent = parent  # of a cursor
        self._cursors: WeakSet[Connection] = WeakSet()
        self._using = Lock()  # while a statement runs
        self._closing = Lock()
        self._is_to_be_closed = False  # when the statement that runs is over

    # -- running ---------------------------------------------------------------------------------------------------

    def execute(self, sql: str, parameters: Parameters = None) -> Self:
        """Runs one or more statements; the last one's result is there to be fetched. Errors: ``mvengine.Error``.

        >>> con.execute("SELECT amount FROM orders WHERE customer = ? ORDER BY id", ["ann"]).fetchall()
        [(Decimal('19.90'),), (Decimal('100.00'),)]
        >>> con.execute("UPDATE customers SET country = $new WHERE name = $name", {"name": "ben", "new": "AT"}).rowcount
        1
        """
        return self._execute(sql, parameters, sys._getframe(1), dialect=None)

    def _execute(self, sql: str, parameters: Parameters, frame: Any, *, dialect: str | None = DUCKDB) -> Self:
        """``dialect``: the text's; None: the session's, for what the user wrote."""
        self._require_open()
        try:
            with self._using:
                self._session.execute(sql, parameters, _scope_of(frame), dialect)
        finally:
            if self._is_to_be_closed:
                self.close()
        return self

    def _arrow(self, query: str, frame: Any) -> pyarrow.Table:
        """A query of relations as an Arrow table; no result is open afterwards."""
        self._require_open()
        with self._using:
            return self._session.arrow(query, _scope_of(frame))

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any] | Mapping[str, Any]]) -> Self:
        """Runs one statement for each set of parameters, in one transaction.

        >>> con.executemany("INSERT INTO customers VALUES (?, ?)", [["cleo", "CH"], ["dan", "DE"]]).rowcount
        2
        """
        frame = sys._getframe(1)
        is_own = self._session.transaction is None
        if is_own:
            self.begin()
        rows = 0
        try:
            for values in parameters:
                self._execute(sql, values, frame, dialect=None)
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
        """A query as a relation, run when it is read. Other statements run at once; their result is the relation's.

        >>> con.sql("FROM orders").filter("amount > 10").aggregate("count(*) AS n", "customer").fetchall()
        [('ann', 2)]
        """
        self._require_open()
        return Relation.of(self, query, sys._getframe(1))

    def begin(self) -> Self:
        """Opens a transaction. What it reads of views has its own changes; others see them when it is committed.

        >>> _ = con.begin().execute("DELETE FROM customers WHERE name = 'ann'")
        >>> con.execute("FROM revenue").fetchall()
        [('BE', Decimal('5.00'))]
        >>> con.rollback()
        """
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

    def report_query_progress(self) -> None:
        """From now on ``query_progress`` tells something of this connection's statements. They are not slower."""
        self._require_open()
        self._session.engine.report_progress()

    def query_progress(self) -> float | None:
        """The share of the running statement that is done, 0 to 1, as DuckDB estimates it; None: it cannot tell, or
        nothing runs. For any thread."""
        return self._session.engine.progress()

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

        >>> _ = open("orders-2.csv", "w").write("id,customer,amount\\n4,ben,1.00\\n")
        >>> con.refresh("orders").results[0].rows_inserted
        1
        >>> con.execute("FROM revenue").fetchall()
        [('AT', Decimal('119.90')), ('BE', Decimal('6.00'))]
        """
        self._require_open()
        names = tuple(parse_name(table) for table in tables)
        statement = RefreshTable(tables=names, full=full, is_background=background, is_queued=queue, is_verified=verify)
        started = refresh.start(self._session, statement, trigger="python", on_progress=on_progress)
        return Refresh(self._open_database, started.plan_id, started.results)

    def refreshes(self) -> list[Refresh]:
        """All refreshes that this database remembers, the latest one last.

        >>> print(con.refreshes()[-1].status)
        COMPLETED
        """
        with reading(self._open_database) as engine:
            return [Refresh(self._open_database, plan.plan_id) for plan in self._database.store(engine).plans()]

    def job(self, number: int) -> Job:
        """A job by its number, which ``CREATE … BACKGROUND`` returns. Errors: UnknownRelation."""
        return job_of(self._open_database, number)

    # -- results: the rest is in Results ---------------------------------------------------------------------------

    @property
    def rowcount(self) -> int:
        """Rows that the last write touched; -1 after anything else."""
        return self._session.rowcount

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """PEP 249: allowed to do nothing."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """PEP 249: allowed to do nothing."""

    # -- life ------------------------------------------------------------------------------------------------------

    def cursor(self) -> Connection:
        """Another connection to the same database, with transactions and results of its own, until this one is closed.

        PEP 249's cursors share their connection's transaction; these, like DuckDB's, do not. Each is for one thread.
        """
        self._require_open()
        self._database.users += 1
        cursor = Connection(self._database, self._settings, self)
        self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        """Rolls back what is open, closes the cursors, and lets go of the database; the last one closes the file.

        A cursor on which another thread runs a statement is closed when that is over.
        """
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        for cursor in tuple(self._cursors):
            cursor._close_when_idle()
        self._session.close()
        release(self._database)

    def _close_when_idle(self) -> None:
        self._is_to_be_closed = True
        if self._using.acquire(blocking=False):
            self._using.release()
            self.close()

    def __del__(self) -> None:
        """A cursor that is forgotten, as in ``con.cursor().execute(…).fetchall()``, does not keep the file open."""
        if self._parent is not None and not self._is_closed:
            with suppress(Exception):  # the interpreter may be ending
                self.close()

    @property
    def _raw(self) -> duckdb.DuckDBPyConnection:
        self._require_open()
        return self._session.engine.raw

    def _open_database(self) -> Database:
        self._require_open()
        return self._database

    def _require_open(self) -> None:
        if self._is_closed or self._is_to_be_closed:
            raise InterfaceError("the connection is closed", hint="open another with mvengine.connect()")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _scope_of(frame: Any) -> Mapping[str, Any]:
    """The variables that a frame sees, by name; none without a frame."""
    return ChainMap(frame.f_locals, frame.f_globals) if frame is not None else {}
