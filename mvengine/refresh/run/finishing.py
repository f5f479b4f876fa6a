"""Finishing: the one transaction that merges what is staged, lets the views follow, and publishes the epoch.

An error aborts the whole transaction. So that all that would fail is known at once, it is then tried again without the
task that failed and what depends on it, and rolled back at its end: what went through is COMPLETED, in the sense that
the publishing transaction has nothing to fear from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.engines.trace import step
from mvengine.errors import DatabaseError, Error, StateError
from mvengine.meta.plan_records import TaskKind
from mvengine.meta.records import Maintenance, MaintenanceMode, RefreshJob
from mvengine.meta.states import PlanEvent, RefreshEvent, TaskEvent, TaskStatus
from mvengine.meta.store import Store
from mvengine.refresh.clock import is_reached, move_clock
from mvengine.refresh.constraints import check_foreign_keys, check_unique
from mvengine.refresh.database import Database
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.healing import heal
from mvengine.refresh.merge import FileOrder, Merged, clear_staging, merge
from mvengine.refresh.plan.files import TableTask
from mvengine.refresh.plan.graph import downstream
from mvengine.refresh.run.ledger import Ledger
from mvengine.refresh.run.progress import LiveProgress
from mvengine.refresh.suspension import ViewSuspended
from mvengine.refresh.transaction import Transaction
from mvengine.refresh.verify import ViewDiffers, mark_wrong, verify_maintained
from mvengine.schema import Name
from mvengine.testing.faults import fault_point


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was published. ``seconds`` were spent on merging each table."""

    merged: dict[Name, Merged]
    epoch: int
    seconds: dict[Name, float]


@dataclass(frozen=True, kw_only=True)
class NotPublished:
    """Which tasks failed, and why. ``is_whole``: all others went through."""

    failures: dict[int, Error]
    is_whole: bool


class _TriedOut(Exception):  # noqa: N818 - it ends a trial, it is no error
    """All but what was left out went through; nothing is to be published."""


class Finishing:
    """Publishes the tables of one plan, whose splits are staged."""

    def __init__(
        self,
        database: Database,
        engine: DuckDbEngine,
        ledger: Ledger,
        tables: Sequence[TableTask],
        jobs: Sequence[RefreshJob],
        progress: LiveProgress,
    ) -> None:
        self.database = database
        self.engine = engine
        self.store: Store = database.store(engine)
        self.ledger = ledger
        self.tables = tables
        self.jobs = jobs
        self.progress = progress
        self.seconds: dict[Name, float] = {}
        self.is_committed = False
        self._tasks = {(task.kind, task.relation_id): task.task_id for task in ledger.tasks.values()}
        self._publish = self._tasks[TaskKind.PUBLISH, None]
        self._at = self._publish  # the task that is carried out, to know whose an error is
        self._left_out: frozenset[int] = frozenset()

    def run(self) -> Published | NotPublished:
        """Publishes, or finds out all that fails. Raises what is no matter of a task (an interrupt, a bug)."""
        result = self._result()
        for failure in result.failures.values() if isinstance(result, NotPublished) else ():
            if isinstance(failure, ViewDiffers):
                mark_wrong(self.database, self.engine, failure.view, failure.failure)
        return result

    def _result(self) -> Published | NotPublished:
        failures: dict[int, Error] = {}
        while True:
            self._at = self._publish
            self._left_out = frozenset(failures) | downstream(self.ledger.tasks.values(), failures)
            try:
                with self.progress.tentative():
                    return self._attempt(is_trial=bool(failures))
            except ViewSuspended:
                continue  # one view fewer: it is left behind
            except _TriedOut:
                return NotPublished(failures=failures, is_whole=True)
            except DatabaseError as error:
                if self._at == self._publish or error.code == "57014":
                    return NotPublished(failures=failures or {self._publish: error}, is_whole=False)
                failures[self._at] = error

    def _attempt(self, *, is_trial: bool) -> Published:
        transaction = self._transaction()
        transaction.before_view = self._before_view
        transaction.lock("REFRESH TABLE " + ", ".join(str(task.table.name) for task in self.tables))
        try:
            transaction.begin()
            self._require_unaltered(transaction)
            self.progress.phase("merging")
            merged = {task.table.name: self._merge(transaction, task) for task in self._merging()}
            self._at = self._publish
            if is_reached(transaction.graph, [task.table.name for task in self.tables]):
                move_clock(transaction, "REFRESH TABLE")
            check_foreign_keys(self.engine, transaction.graph, merged)
            self.progress.phase("maintaining")
            transaction.flush()
            if self.ledger.plan.is_verified:
                verify_maintained(transaction, self._verifying)
            self._at = self._publish
            if is_trial:
                raise _TriedOut
            self.progress.phase("publishing")
            epoch = transaction.epoch if transaction.touched else self.database.epoch
            self._record_files(epoch)
            self._record_states(epoch, self._suspended(transaction))
            fault_point("publish.before_commit")
            published = transaction.commit()
            self._committed()
            heal(self.database, self._transaction, transaction.touched)
            return Published(merged=merged, epoch=published, seconds=self.seconds)
        except BaseException:
            if transaction.is_committed and not self.is_committed:
                self._committed()
            elif not transaction.is_committed:
                self.ledger.forget()
            transaction.rollback()
            raise

    def _transaction(self) -> Transaction:
        return Transaction(self.database, self.engine, is_explicit=False)

    def _require_unaltered(self, transaction: Transaction) -> None:
        """Rows were staged for the tables as they were when the refresh began."""
        for task in self.tables:
            known = transaction.graph.tables.get(task.table.name)
            if known is not None and known.digest != task.table.digest:
                raise StateError(
                    f"{task.table.name} was altered while it was being refreshed",
                    hint="refresh it again: RETRY REFRESH",
                )

    def _committed(self) -> None:
        self.is_committed = True
        self.ledger.settle()

    def _merging(self) -> list[TableTask]:
        return [task for task in self.tables if self._merge_task(task) not in self._left_out]

    def _merge_task(self, task: TableTask) -> int:
        return self._tasks[TaskKind.MERGE, task.table.relation_id]

    def _before_view(self, view: ViewDefinition) -> bool:
        """Told by maintenance before each view's turn; False where it depends on what failed."""
        task_id = self._tasks.get((TaskKind.MAINTAIN, view.relation_id))
        if task_id is None:  # created since the plan was made
            return not self._left_out
        if task_id in self._left_out:
            return False
        self._at = task_id
        self.progress.task_done(self.ledger.tasks[task_id].name)
        return True

    def _verifying(self, view: ViewDefinition) -> None:
        """Told of each view that is compared: what is wrong with it is its task's failure."""
        self._at = self._tasks.get((TaskKind.MAINTAIN, view.relation_id), self._publish)

    def _merge(self, transaction: Transaction, task: TableTask) -> Merged:
        plan, started = task.table.plan, perf_counter()
        self._at = self._merge_task(task)
        stored = tuple(column.name for column in plan.columns)
        captured = transaction.captured(plan.relation, plan.storage, stored)
        order = FileOrder(
            ranked=task.ranked(),
            replaced=task.replaced,
            is_first_load=task.is_first_load,
            reads_all=task.reads_all,
        )
        with step(f"merge {plan.relation}"):
            merged = merge(self.engine, plan, captured, order)
            check_unique(self.engine, plan)
            clear_staging(self.engine, plan)
        transaction.touch(plan.relation, merged.rows, "REFRESH TABLE", is_virtual=merged.is_view)
        self.seconds[plan.relation] = perf_counter() - started
        self.progress.task_done(self.ledger.tasks[self._at].name)
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
                ms=self.seconds[plan.relation] * 1000,
            )
        )
        return merged

    # -- what is recorded with it ----------------------------------------------------------------------------------

    def _record_files(self, epoch: int) -> None:
        removed = {task.table.relation_id: [row.path for row in task.removed] for task in self.tables}
        self.store.publish_files([task.table.relation_id for task in self.tables], removed, epoch)

    def _suspended(self, transaction: Transaction) -> frozenset[int]:
        """The tasks of views that were left behind."""
        tasks = (self._tasks.get((TaskKind.MAINTAIN, view.relation_id)) for view in transaction.graph.suspended)
        return frozenset(task for task in tasks if task is not None)

    def _record_states(self, epoch: int, suspended: frozenset[int]) -> None:
        """All tasks but those of views left behind, and the plan, are COMPLETED, all tables IDLE, with the rows that
        are published."""
        for task in list(self.ledger.tasks.values()):
            if task.kind is TaskKind.LOAD:
                self.ledger.change_task(task.task_id, checkpoint=None)
            elif task.status is TaskStatus.CREATED and task.task_id in suspended:
                self.ledger.move_task(task.task_id, TaskEvent.SKIP, "the view is suspended")
            elif task.status is TaskStatus.CREATED:
                self.ledger.move_task(task.task_id, TaskEvent.EXECUTE, "finishing")
                self.ledger.move_task(task.task_id, TaskEvent.COMPLETE, f"epoch {epoch}", stages_done=1)
            elif task.status is TaskStatus.RUNNING and task.task_id in suspended:
                self.ledger.move_task(task.task_id, TaskEvent.FAIL, "the view is suspended")
            elif task.status is TaskStatus.RUNNING:
                self.ledger.move_task(task.task_id, TaskEvent.COMPLETE, f"epoch {epoch}", stages_done=1)
        self.ledger.move_plan(PlanEvent.COMPLETE, f"epoch {epoch}", epoch=epoch, error=None)
        self.ledger.write(self.store)
        self.store.move_refreshes(self.jobs, RefreshEvent.PUBLISH, f"epoch {epoch}", epoch=epoch)
        # Of the others only changed files were loaded: what DML touched meanwhile stays dirty for the next refresh.
        equal = [task.table.relation_id for task in self.tables if task.reads_all]
        if equal:
            self.store.set_dirty(equal, False)
            self.store.settle_tables(equal)
