"""One session: text → statements → handlers. The whole path of a statement is ``Session._run``, readable in one screen.

A session has one DuckDB connection with at most one open result, and at most one transaction. Handlers of statements
are one file each; they get the session and the statement and leave their result open on the connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, assert_never

from mvengine.engines.base import Parameters
from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import DatabaseError, Error, ProgrammingError, StateError, TooComplex, TransactionOpen
from mvengine.refresh.database import Database
from mvengine.refresh.graph import Graph
from mvengine.refresh.healing import heal
from mvengine.refresh.parameters import named
from mvengine.refresh.reader import SessionReader
from mvengine.refresh.run import operations
from mvengine.refresh.run.control import Control as RunControl
from mvengine.refresh.run.control import Request
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.session import (
    alter,
    alter_table,
    answer,
    comment,
    control,
    create_function,
    create_index,
    create_source,
    create_table,
    create_view,
    dialects,
    drop,
    explain,
    move,
    native,
    prepared,
    refresh,
    rename_column,
    settings,
    show,
    show_create,
    system_catalog,
    verify,
    write,
)
from mvengine.session.frames import Frames
from mvengine.sql.catalogs import restore
from mvengine.sql.classify import Parsed, read
from mvengine.sql.dialects.settings import DUCKDB
from mvengine.sql.hints import hint_for_unknown
from mvengine.sql.setting_statements import AlterDatabase, ResetAll, SetSetting, ShowSetting
from mvengine.sql.showing import Describe, Show, ShowCreate
from mvengine.sql.statements import (
    AlterOptions,
    AlterTable,
    AlterTables,
    Comment,
    Control,
    CreateFunction,
    CreateIndex,
    CreateMaterializedView,
    CreateRefreshableTable,
    CreateSource,
    Deallocate,
    Drop,
    Execute,
    Explain,
    ExplainAnalyze,
    ExplainCreate,
    ExplainRefresh,
    ExplainView,
    Flush,
    IgnoredSetting,
    Move,
    Native,
    Prepare,
    RefreshTable,
    RefreshView,
    Refused,
    RenameColumn,
    Statement,
    TransactionVerb,
    Verify,
    Wait,
    Write,
)
from mvengine.sql.statements import Transaction as TransactionStatement

if TYPE_CHECKING:
    import pyarrow


class Session:
    """Runs statements on a database. Not for use by several threads at once: give each a session of its own."""

    def __init__(self, database: Database, opened: Mapping[str, Any] | None = None) -> None:
        """``opened``: settings of this session that it was opened with."""
        self.database = database
        self.settings = settings.SessionSettings(opened or {})
        self.engine: DuckDbEngine = database.engine.fork()
        self.transaction: Transaction | None = None  # the explicit one, BEGIN … COMMIT
        self.prepared: dict[str, Prepare] = {}
        self.targets = write.Targets()
        self.frames = Frames(self.engine)
        self.rowcount = -1
        self.is_interrupted = False  # since the statement began
        self._waits_for: RunControl | None = None  # the refresh that this session has started and waits for
        self.has_temporaries = False  # the user has created a temporary table or view in this session
        self.has_kept_result = False  # RETURNING gave rows, which stand in a temporary table
        self._is_for_arrow = False
        self._arrow: pyarrow.Table | None = None
        settings.apply_stored(self)

    def setting(self, name: str) -> Any:
        """The value in force of one of mvengine's settings."""
        return self.settings.get(self.database, name)

    @property
    def background_ddl(self) -> bool:
        """Whether CREATE returns a job."""
        return bool(self.setting("background_ddl"))

    @property
    def dialect(self) -> str:
        """Whose SQL statements are written in: duckdb, postgres or risingwave."""
        return str(self.setting("dialect"))

    def execute(self, text: str, parameters: Parameters, scope: Mapping[str, Any], dialect: str | None = None) -> None:
        """Runs all statements of a text; the last one's result stays open. ``scope``: the caller's variables.

        ``dialect`` is the text's; None: the session's.

        Parameters belong to a text of one statement. Errors are of ``mvengine.errors``; in an explicit transaction an
        error fails it, as in PostgreSQL.
        """
        self.is_interrupted = False
        try:
            statements = read(
                text, self.engine.extract, dialect or self.dialect, str(self.settings.opened(self.database, "dialect"))
            )
            if parameters and len(statements) > 1:
                raise ProgrammingError(
                    f"parameters for a text of {len(statements)} statements", hint="execute them one at a time"
                )
            for parsed in statements:
                self._clear_result()
                self._run_located(parsed, parameters, scope)
        except RecursionError as error:
            failure = TooComplex("the statement is nested too deeply", hint="divide it, as by views for its parts")
            self._fail(failure)
            raise failure from error
        except BaseException as error:  # an interrupt too: it may have come between a write and its capture
            self._fail(error)
            raise

    def _fail(self, error: BaseException) -> None:
        if self.transaction is not None and not isinstance(error, TransactionOpen):
            self.transaction.fail(error)

    def arrow(self, query: str, scope: Mapping[str, Any]) -> pyarrow.Table:
        """The result of a query that needs no parameters, in DuckDB's SQL; by the way that copies its rows once
        less than an open result needs. Errors: as of ``execute``."""
        self._is_for_arrow = True
        try:
            self.execute(query, None, scope, DUCKDB)
            assert self._arrow is not None
            return self._arrow
        finally:
            self._is_for_arrow, self._arrow = False, None

    def open_result(self, text: str, parameters: Parameters) -> None:
        """Runs a statement of DuckDB's; its result stays open, or is there for ``arrow``."""
        if self._is_for_arrow:
            self._arrow = self.engine.arrow(text)
        else:
            self.engine.execute(text, parameters)

    def _run_located(self, parsed: Parsed, parameters: Parameters, scope: Mapping[str, Any]) -> None:
        try:
            self._run(parsed.statement, parameters, scope)
        except Error as error:
            parsed.locate(error)
            raise

    def _run(self, statement: Statement, parameters: Parameters, scope: Mapping[str, Any]) -> None:
        self.rowcount = -1
        if self.transaction is not None and not isinstance(statement, TransactionStatement):
            self.transaction.require_healthy()
        match statement:
            case TransactionStatement():
                self._transaction(statement)
            case Flush():
                answer.done(self)
            case Write():
                self.frames.bind(statement.text, scope)
                system_catalog.provide(self, statement.text)
                write.run(self, statement, named(parameters))
            case Native():
                self._run_native(statement, parameters, scope)
            case RefreshTable() | RefreshView():
                refresh.run(self, statement)
            case Verify():
                verify.run(self, statement)
            case Control():
                control.run(self, statement)
            case Wait():
                control.wait(self, statement)
            case Show():
                show.run(self, statement)
            case ShowCreate():
                show_create.run(self, statement)
            case Describe():
                show.describe(self, statement)
            case IgnoredSetting():
                dialects.run(self, statement)
            case SetSetting() | ResetAll() | ShowSetting() | AlterDatabase():
                settings.run(self, statement)
            case AlterOptions():
                alter.run(self, statement)
            case AlterTable():
                alter_table.run(self, statement)
            case AlterTables():
                alter_table.run_all(self, statement)
            case Move():
                move.run(self, statement)
            case RenameColumn():
                rename_column.run(self, statement)
            case Comment():
                comment.run(self, statement)
            case CreateSource():
                create_source.run(self, statement)
            case CreateIndex():
                create_index.run(self, statement)
            case CreateFunction():
                create_function.run(self, statement)
            case CreateRefreshableTable():
                create_table.table(self, statement)
            case CreateMaterializedView():
                create_view.view(self, statement)
            case Drop():
                drop.run(self, statement)
            case Explain() | ExplainView() | ExplainCreate() | ExplainAnalyze() | ExplainRefresh():
                explain.run(self, statement)
            case Prepare():
                prepared.prepare(self, statement)
            case Execute():
                prepared.execute(self, statement, scope)
            case Deallocate():
                prepared.deallocate(self, statement)
            case Refused():
                native.refuse(self, statement)
            case _:
                assert_never(statement)

    def _run_native(self, statement: Native, parameters: Parameters, scope: Mapping[str, Any]) -> None:
        system_catalog.provide(self, statement.text)
        try:
            native.run(self, statement, parameters, scope)
        except DatabaseError as error:
            if isinstance(error, ProgrammingError):
                error.hint = hint_for_unknown(statement.text) or error.hint
            restore(error, statement.text)
            raise

    # -- transactions ----------------------------------------------------------------------------------------------

    def _transaction(self, statement: TransactionStatement) -> None:
        match statement.verb:
            case TransactionVerb.BEGIN:
                self.begin(is_read_only=statement.is_read_only)
            case TransactionVerb.COMMIT:
                self.commit()
            case TransactionVerb.ROLLBACK:
                self.rollback()
        if statement.is_chained:
            self.begin()
        answer.done(self)

    def begin(self, *, is_read_only: bool = False) -> None:
        if self.transaction is not None:
            raise TransactionOpen("a transaction is open already, and goes on", hint="COMMIT or ROLLBACK it first")
        transaction = self._transaction_of(is_explicit=True)
        transaction.is_read_only = is_read_only
        transaction.begin()
        self.transaction = transaction

    def commit(self) -> None:
        """Views follow here. Raises TransactionAborted (25P02) where the transaction had failed."""
        if self.transaction is None:
            raise ProgrammingError("no transaction is open", hint="begin one with BEGIN", code="25P01")
        transaction, self.transaction = self.transaction, None
        transaction.commit()
        if transaction.has_ddl:
            operations.cancel_dropped(self.database)
        self.heal(transaction)

    def heal(self, committed: Transaction) -> None:
        """Suspended views that read what a transaction has changed are tried again."""
        if self.database.graph.suspended:
            heal(self.database, self.own_transaction, committed.touched)

    def rollback(self) -> None:
        if self.transaction is None:
            raise ProgrammingError("no transaction is open", hint="begin one with BEGIN", code="25P01")
        transaction, self.transaction = self.transaction, None
        transaction.rollback()

    def own_transaction(self) -> Transaction:
        """A transaction of one statement, not begun: the lock comes first, so that its snapshot is fresh."""
        return self._transaction_of(is_explicit=False)

    def _transaction_of(self, *, is_explicit: bool) -> Transaction:
        transaction = Transaction(
            self.database, self.engine, is_explicit=is_explicit, before_maintenance=self.require_unhidden
        )
        transaction.lock_timeout = self.setting("lock_timeout")
        return transaction

    def require_unhidden(self, graph: Graph, inputs: Iterable[Name] = ()) -> None:
        """DuckDB takes ``main.t`` for a temporary table ``t`` where there is one: nothing can be maintained then."""
        if not self.has_temporaries:
            return
        temporary = {
            name
            for (name,) in self.engine.query(
                "SELECT lower(table_name) FROM duckdb_tables() WHERE temporary "
                "UNION ALL SELECT lower(view_name) FROM duckdb_views() WHERE temporary"
            )
        }
        hidden = temporary & {name.name.lower() for name in (*graph.consumers, *graph.tables, *graph.views, *inputs)}
        if hidden:
            raise StateError(
                f"the temporary table {min(hidden)} hides the maintained {min(hidden)} in this session",
                hint=f"DROP TABLE temp.{min(hidden)}, or give it another name",
            )

    def register(self, name: str, data: object) -> None:
        """Makes data of the caller readable under a name: to DuckDB, a temporary view. Errors: InterfaceError;
        StateError, where it would hide what is maintained."""
        if name.lower() in {watched.name.lower() for watched in self.database.graph.watched}:
            raise StateError(f"{name} would hide the maintained {name}", hint="register it under another name")
        self._clear_result()
        self.frames.keep(name, data)
        self.has_temporaries = True
        self.database.shapes += 1

    def unregister(self, name: str) -> None:
        """Undoes ``register``."""
        self._clear_result()
        self.frames.forget(name)
        self.database.shapes += 1

    def _clear_result(self) -> None:
        """Lets go of what the statement before left for its result."""
        self.frames.release()
        if self.has_kept_result:
            self.has_kept_result = False
            if self.transaction is None or self.transaction.failure is None:
                self.engine.query("DROP TABLE IF EXISTS mv_result")

    # -- interrupts ------------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Stops the running statement, and the refresh that it waits for. For any thread."""
        self.is_interrupted = True
        waits_for = self._waits_for
        if waits_for is not None:
            waits_for.ask(Request.CANCEL, "interrupted")
        self.engine.interrupt()

    @contextmanager
    def stoppable(self) -> Iterator[RunControl]:
        """By what ``interrupt`` reaches the refresh that is started in this block."""
        self._waits_for = RunControl()
        try:
            yield self._waits_for
        finally:
            self._waits_for = None

    # -- names -----------------------------------------------------------------------------------------------------

    @property
    def reader(self) -> SessionReader:
        """What names mean here and now."""
        graph = self.transaction.graph if self.transaction is not None else self.database.graph
        return SessionReader(self.engine, graph, self.database.name)

    # -- end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Rolls back what is open."""
        if self.transaction is not None:
            self.transaction.rollback()
            self.transaction = None
        self.engine.close()
