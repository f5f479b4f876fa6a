"""Carries out REFRESH TABLE: list, compare, load into staging, and publish everything in one transaction.

    IDLE ─TRIGGER─► REFRESHING ─ splits into staging, each batch durable ─STAGE_DONE─► FINISHING ─PUBLISH─► IDLE

The steps before publishing run on a connection of their own, so that they are durable by themselves and readers and
writers go on; the writer lock is taken for publishing only. A failure in either half puts the state back to IDLE with
the error, in a transaction of its own, since an error aborts the one in which it happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import ConflictError, Error, StateError
from mvengine.meta.records import Maintenance, MaintenanceMode, RefreshJob, SourceFileRow
from mvengine.meta.states import RefreshEvent, RefreshState
from mvengine.planner.logical import Load
from mvengine.refresh.constraints import check_foreign_keys, check_unique
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.merge import create_table_sql, merge
from mvengine.refresh.merge_apply import FileOrder, Merged
from mvengine.refresh.staging import stage
from mvengine.refresh.tasks import TableTask, plan_table
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.sources import open_source
from mvengine.testing.faults import fault_point


@dataclass(frozen=True, kw_only=True)
class RefreshResult:
    """A row of what REFRESH TABLE returns. ``epoch`` is the database's afterwards; ``seconds`` were spent on listing,
    loading and merging this table."""

    table_name: str
    epoch: int
    files_read: int
    files_skipped: int
    rows_inserted: int
    rows_updated: int
    rows_deleted: int
    seconds: float


def plan_refresh(
    database: Database, engine: DuckDbEngine, tables: Sequence[TableDefinition], *, reads_all: bool
) -> tuple[TableTask, ...]:
    """What a refresh of these tables would do now. Lists the sources, reads no file."""
    store = database.store(engine)
    ids = [table.relation_id for table in tables]
    states, loaded, staged = store.refresh_states(ids), store.source_files(ids), store.staged_files(ids)
    tasks = []
    for table in tables:
        is_dirty = states[table.relation_id].is_dirty
        reason = "FULL" if reads_all else "DML has touched the table" if is_dirty else "changed files only"
        assert isinstance(table.plan.input, Load)
        splits = open_source(table.plan.input.source).list_splits()
        tasks.append(
            plan_table(
                table,
                splits,
                loaded[table.relation_id],
                () if reads_all else staged[table.relation_id],  # FULL trusts no earlier reading
                reads_all=reads_all or is_dirty,
                reason=reason,
            )
        )
    return tuple(tasks)


def refresh_tables(
    database: Database, tables: Sequence[TableDefinition], *, reads_all: bool
) -> tuple[RefreshResult, ...]:
    """Brings tables and all views downstream up to date under one epoch.

    Errors: StateError where one of the tables is being refreshed; LoadError, SourceError, KeyViolation, IntegrityError:
    nothing has changed then but the recorded error.
    """
    names = [table.name for table in tables]
    engine = database.engine.fork()
    _claim(database, engine, tables)
    try:
        return _Refresh(database, engine, tables).run(reads_all=reads_all)
    finally:
        for name in names:
            database.refreshing.pop(name, None)
        engine.close()


def _claim(database: Database, engine: DuckDbEngine, tables: Sequence[TableDefinition]) -> None:
    """One refresh of a table at a time. Checked under the database's own guard, then by compare-and-set in meta."""
    with database.guard:
        for table in tables:
            if table.name in database.refreshing:
                state = database.store(engine).refresh_states([table.relation_id])[table.relation_id].state
                engine.close()
                raise StateError(
                    f"{table.name} is being refreshed already: it is {state}, by {database.refreshing[table.name]}",
                    hint="wait for that refresh to end",
                )
        for table in tables:
            database.refreshing[table.name] = f"a refresh since {database.clock():%H:%M:%S} UTC"


class _Refresh:
    """One refresh, from listing to publishing."""

    def __init__(self, database: Database, engine: DuckDbEngine, tables: Sequence[TableDefinition]) -> None:
        self.database = database
        self.engine = engine
        self.store = database.store(engine)
        self.tables = tables
        self.seconds = {table.name: 0.0 for table in tables}
        self.jobs: tuple[RefreshJob, ...] = ()
        self.is_triggered = False

    def run(self, *, reads_all: bool) -> tuple[RefreshResult, ...]:
        started = perf_counter()
        try:
            tasks = plan_refresh(self.database, self.engine, self.tables, reads_all=reads_all)
            self.seconds = dict.fromkeys(self.seconds, (perf_counter() - started) / len(self.tables))
        except Error as error:
            self._record_listing_failure(error)
            raise
        working = [task for task in tasks if task.has_work]
        if not working:
            return self._nothing_to_do(tasks)
        try:
            self._move(working, RefreshEvent.TRIGGER, "REFRESH TABLE")
            fault_point("refresh.after_trigger")
            for task in working:
                started = perf_counter()
                stage(self.engine, self.store, self.database, task)
                self.seconds[task.table.name] += perf_counter() - started
            self._move(working, RefreshEvent.STAGE_DONE, "all splits are staged")
            fault_point("refresh.after_staged")
            merged, epoch = self._publish(working)
        except BaseException as error:
            self.engine.rollback()
            self._fail([task for task in working if not self._is_dropped(task.table)], error)
            self._check_dropped(error)
            raise
        fault_point("publish.after_commit")
        return tuple(self._result(task, merged.get(task.table.name), epoch) for task in tasks)

    # -- states ----------------------------------------------------------------------------------------------------

    def _move(self, tasks: Sequence[TableTask], event: RefreshEvent, cause: str) -> None:
        """Moves all tables by one compare-and-set, in a transaction of its own."""
        self.engine.begin()
        try:
            held = self.jobs or tuple(self.store.refresh_states([task.table.relation_id for task in tasks]).values())
            busy = next((job for job in held if not self.jobs and job.state is not RefreshState.IDLE), None)
            if busy is not None:
                raise StateError(f"{busy.name} is being refreshed already: it is {busy.state}", hint="wait for it")
            moved = self.store.move_refreshes(held, event, cause)
            self.is_triggered = True  # before: an interrupt may come behind the COMMIT
            self.engine.commit()
        except BaseException:
            self.engine.rollback()
            raise
        self.jobs = moved

    def _fail(self, tasks: Sequence[TableTask], error: BaseException) -> None:
        """Back to IDLE, the failure recorded. What was staged is thrown away unless the error may pass by itself."""
        if not self.is_triggered or isinstance(error, ConflictError):
            return
        keeps_staging = isinstance(error, Error) and error.retryable
        ids = [task.table.relation_id for task in tasks]
        self.engine.begin()
        try:
            # Read, not remembered: an interrupt may have come between a transition's COMMIT and our knowing of it.
            held = [job for job in self.store.refresh_states(ids).values() if job.state is not RefreshState.IDLE]
            self.store.move_refreshes(held, RefreshEvent.FAIL, _described(error), error=_described(error))
            if not keeps_staging:
                for task in tasks:
                    clear_staging(self.engine, task.table)
                self.store.clear_staged_files(ids)
            self.engine.commit()
        except BaseException:
            self.engine.rollback()
            raise

    def _check_dropped(self, cause: BaseException | None = None) -> None:
        """A DROP during the refresh ends it: nothing is left whose state could be put back."""
        for table in self.tables:
            if self._is_dropped(table):
                raise StateError(
                    f"{table.name} was dropped while it was being refreshed", hint="nothing was published"
                ) from cause

    def _is_dropped(self, table: TableDefinition) -> bool:
        known = self.database.graph.tables.get(table.name)
        return known is None or known.relation_id != table.relation_id

    def _record_listing_failure(self, error: Error) -> None:
        """A source that cannot be listed: the state never left IDLE for long, the error is on record."""
        self.engine.begin()
        held = tuple(self.store.refresh_states([table.relation_id for table in self.tables]).values())
        moved = self.store.move_refreshes(held, RefreshEvent.TRIGGER, "REFRESH TABLE")
        self.store.move_refreshes(moved, RefreshEvent.FAIL, _described(error), error=_described(error))
        self.engine.commit()

    def _nothing_to_do(self, tasks: Sequence[TableTask]) -> tuple[RefreshResult, ...]:
        """Nothing changed in the sources: the one thing written, by one statement, is when they were looked at."""
        self.store.touch_checked([task.table.relation_id for task in tasks], self.database.clock())
        return tuple(self._result(task, None, self.database.epoch) for task in tasks)

    # -- publishing ------------------------------------------------------------------------------------------------

    def _publish(self, tasks: Sequence[TableTask]) -> tuple[dict[Name, Merged], int]:
        """The one transaction in which readers' state changes: rows, views, files, state and epoch together."""
        transaction = Transaction(self.database, self.engine, is_explicit=False)
        transaction.lock("REFRESH TABLE " + ", ".join(str(task.table.name) for task in tasks))
        try:
            self._check_dropped()
            transaction.begin()
            merged = {task.table.name: self._merge(transaction, task) for task in tasks}
            check_foreign_keys(self.engine, transaction.graph, merged)
            transaction.flush()
            changes = any(result.rows for result in merged.values())
            epoch = transaction.epoch if changes else self.database.epoch
            for task in tasks:
                self._record_files(task, epoch)
            self.store.clear_staged_files([task.table.relation_id for task in tasks])
            written_meanwhile = self._written_meanwhile(tasks)
            self.store.move_refreshes(self.jobs, RefreshEvent.PUBLISH, f"epoch {epoch}", epoch=epoch)
            if written_meanwhile:
                self.store.set_dirty(written_meanwhile, True)
            fault_point("publish.before_commit")
            return merged, transaction.commit()
        except BaseException:
            if transaction.is_committed:
                self.jobs = ()  # published: there is nothing left to fail
            transaction.rollback()
            raise

    def _written_meanwhile(self, tasks: Sequence[TableTask]) -> list[int]:
        """Tables that DML touched while only their changed files were loaded: they stay dirty for the next refresh."""
        ids = [task.table.relation_id for task in tasks if not task.reads_all]
        return [id_ for id_, job in self.store.refresh_states(ids).items() if job.is_dirty] if ids else []

    def _merge(self, transaction: Transaction, task: TableTask) -> Merged:
        plan, started = task.table.plan, perf_counter()
        stored = tuple(column.name for column in plan.columns)
        captured = transaction.captured(plan.relation, plan.storage, stored)
        order = FileOrder(
            ranked=task.ranked(),
            replaced=task.replaced,
            is_first_load=task.is_first_load,
            reads_all=task.reads_all,
        )
        merged = merge(self.engine, plan, captured, order)
        check_unique(self.engine, plan)
        clear_staging(self.engine, task.table)
        transaction.touch(plan.relation, merged.rows, "REFRESH TABLE", is_virtual=merged.is_view)
        self.seconds[plan.relation] += perf_counter() - started
        transaction.note(
            Maintenance(
                relation_id=task.table.relation_id,
                name=plan.relation,
                epoch=transaction.epoch,
                strategy="load",
                mode=MaintenanceMode.INCREMENTAL if task.kept else MaintenanceMode.FULL,
                reason=f"{len(task.loads)} files read, {len(task.kept)} unchanged, {len(task.removed)} removed",
                delta_rows=merged.rows,
                output_rows=merged.rows,
                ms=(perf_counter() - started) * 1000,
            )
        )
        return merged

    def _record_files(self, task: TableTask, epoch: int) -> None:
        table = task.table.relation_id
        gone = [row.path for row in task.removed]
        staged = {row.path: row for row in self.store.staged_files([table])[table]}
        self.store.remove_rejected_rows(table, [*gone, *(load.split.path for load in task.loads)])
        self.store.publish_rejected_rows(table, epoch)
        self.store.remove_source_files(table, gone)
        rows = [
            SourceFileRow(
                file_id=load.file_id,
                path=load.split.path,
                size=load.split.size,
                mtime_ns=load.split.mtime_ns,
                etag=load.split.etag,
                rows=staged[load.split.path].rows,
                rejected=staged[load.split.path].rejected,
                epoch=epoch,
            )
            for load in task.loads
        ]
        self.store.replace_source_files(table, rows)

    def _result(self, task: TableTask, merged: Merged | None, epoch: int) -> RefreshResult:
        return RefreshResult(
            table_name=str(task.table.name),
            epoch=epoch,
            files_read=len(task.loads),
            files_skipped=len(task.kept),
            rows_inserted=merged.inserted if merged else 0,
            rows_updated=merged.updated if merged else 0,
            rows_deleted=merged.deleted if merged else 0,
            seconds=self.seconds[task.table.name],
        )


def clear_staging(engine: DuckDbEngine, table: TableDefinition) -> None:
    """An empty staging table: made anew, which costs nothing and gives the space back."""
    engine.query(f"DROP TABLE {table.plan.staging}")
    engine.query(create_table_sql(table.plan, table.plan.staging))


def _described(error: BaseException) -> str:
    if isinstance(error, Error):
        return f"{error.code}: {error.message}"
    return f"{type(error).__name__}: {error}"
