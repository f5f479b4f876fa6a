"""Carries out one plan: loads in stages, publishes in one transaction, and keeps the states of all of it.

    list the sources ─► loads (in parallel, each stage durable) ─► Finishing (one transaction) ─► COMPLETED

The thread that runs the execution is the only writer of the plan's states; loads report to it. Between stages it looks
for requests (PAUSE, CANCEL, STOP). A failure of a task skips what depends on it, and nothing else; what may pass by
itself is tried again after a pause. Whatever happens, nothing is visible before all is published.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error, LockTimeout
from mvengine.meta.plan_records import Failure, Plan, Task, TaskKind
from mvengine.meta.records import RefreshJob
from mvengine.meta.states import PlanEvent, PlanStatus, TaskEvent, TaskStatus
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.plan.checkpoint import Checkpoint, discard_reason
from mvengine.refresh.plan.failure import failure_of
from mvengine.refresh.plan.files import TableTask
from mvengine.refresh.plan.graph import downstream, tasks_of
from mvengine.refresh.plan.retry import is_tried_again, pause_before
from mvengine.refresh.run import tables as states
from mvengine.refresh.run.control import Asked, Control
from mvengine.refresh.run.drift import follow_files
from mvengine.refresh.run.endings import Dropped, fail, give_up, obey
from mvengine.refresh.run.finishing import Finishing, NotPublished, Published
from mvengine.refresh.run.ledger import Ledger
from mvengine.refresh.run.listing import list_table_tasks
from mvengine.refresh.run.loads import Loads
from mvengine.refresh.run.progress import LiveProgress
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


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What a refresh was asked for: ``tables`` by whom, and how often a task of each relation may be tried."""

    tables: tuple[TableDefinition, ...]
    reads_all: bool
    is_verified: bool
    trigger: str
    is_background: bool
    attempts_max: Callable[[int | None], int]


class Execution:
    """One plan from listing to publishing, or from where an earlier process, a pause or a failure left it."""

    def __init__(
        self, database: Database, asking: Asking, control: Control, progress: LiveProgress, ledger: Ledger | None
    ) -> None:
        self.database = database
        self.asking = asking
        self.control = control
        self.progress = progress
        self.ledger = ledger
        self.engine = database.engine.fork()
        self.store = database.store(self.engine)
        self.on_number: Callable[[int], None] = lambda plan_id: None  # told when the plan gets its number
        self.tasks: dict[int, TableTask] = {}  # by relation id: what is to be read
        self.listing_failures: dict[int, Error] = {}
        self.seconds: dict[int, float] = {}
        self.states: dict[int, RefreshJob] = {}  # of the tables, when they were listed
        self.begun: tuple[RefreshJob, ...] = ()  # the tables' states, if they were IDLE before
        self.jobs: tuple[RefreshJob, ...] = ()  # the same once all is staged

    # -- the whole path --------------------------------------------------------------------------------------------

    def run(self) -> tuple[RefreshResult, ...]:
        """Carries the plan out. Errors: that of the task that failed first; StateError where it was paused or a table
        was dropped; OperationalError (57014) where it was cancelled. All states are written then."""
        try:
            return self._run()
        except Asked:
            raise obey(self) from None
        except BaseException as error:
            dropped = self._dropped() if isinstance(error, Error) else None
            give_up(self, dropped or error)
            if dropped is not None:
                raise dropped from error
            raise
        finally:
            self.engine.close()

    def _run(self) -> tuple[RefreshResult, ...]:
        self._list()
        fault_point("refresh.after_listing")
        if self.ledger is None and not self.listing_failures and not any(t.has_work for t in self.tasks.values()):
            self._touch()
            return self._results(None)
        self._open()
        loads = Loads(self)
        failures = loads.run()
        while not failures:
            published = self._finish()
            if isinstance(published, Published):
                fault_point("publish.after_commit")
                self.progress.phase("done")
                return self._results(published)
            failures = self._failed_finishing(published)
        self.check_dropped()  # else there is nothing that could have failed
        raise fail(self, failures)

    # -- before ----------------------------------------------------------------------------------------------------

    def _list(self) -> None:
        """What each table has to read. A plan that goes on keeps to the tables for which it has tasks."""
        self.progress.phase("listing")
        tables = self._tables()
        if self.ledger is not None and len(self.asking.tables) < len(self.ledger.plan.relation_ids):
            self.check_dropped()
        begun = self.ledger.tasks.values() if self.ledger else ()
        own = {task.relation_id or 0 for task in begun if task.checkpoint is not None}
        found = self._listed(tables, own)
        followed = follow_files(self.database, self.engine, found.values())
        if followed.is_altered:
            self.asking = replace(self.asking, tables=states.present(self.database, self.asking.tables))
            found = self._listed(self._tables(), own)
        found |= followed.failures
        self.tasks = {id_: task for id_, task in found.items() if isinstance(task, TableTask)}
        self.listing_failures = {id_: error for id_, error in found.items() if isinstance(error, Error)}

    def _listed(self, tables: Sequence[TableDefinition], own: Collection[int]) -> dict[int, TableTask | Error]:
        self.states = self.store.refresh_states([table.relation_id for table in tables])
        return list_table_tasks(
            self.database, self.engine, tables, self.states, reads_all=self.asking.reads_all, own=own
        )

    def _tables(self) -> tuple[TableDefinition, ...]:
        if self.ledger is None or not self.ledger.tasks:
            return self.asking.tables
        loaded = {task.relation_id for task in self.ledger.tasks.values() if task.kind is TaskKind.LOAD}
        return tuple(table for table in self.asking.tables if table.relation_id in loaded)

    def list_again(self, engine: DuckDbEngine, table: TableDefinition, task: Task) -> TableTask:
        """A table's files as they are now, seen by ``engine``; ``task`` is its load. Errors: SourceError."""
        own = [table.relation_id] if task.checkpoint is not None else []
        states_now = self.database.store(engine).refresh_states([table.relation_id])
        listed = list_table_tasks(self.database, engine, [table], states_now, reads_all=self.asking.reads_all, own=own)
        found = listed[table.relation_id]
        if isinstance(found, Error):
            raise found
        self.tasks[table.relation_id] = found
        return found

    def table(self, relation_id: int) -> TableDefinition:
        """A table of the plan."""
        return next(table for table in self.asking.tables if table.relation_id == relation_id)

    @property
    def plan_id(self) -> int:
        """The plan's number. It has one once it has begun."""
        assert self.ledger is not None
        return self.ledger.plan.plan_id

    def working(self) -> list[TableDefinition]:
        """The tables of the plan."""
        return [table for table in self._tables() if not states.is_dropped(self.database, table)]

    def _touch(self) -> None:
        """Nothing changed in the sources: the one thing written, by one statement, is when they were looked at."""
        self.store.touch_checked([table.relation_id for table in self.asking.tables], self.database.clock())

    def _open(self) -> None:
        """One transaction: the plan has its tasks and runs, its tables are REFRESHING."""
        self.engine.begin()
        try:
            if self.ledger is None:
                self.ledger = Ledger(self._new_plan(), (), self.database.clock, is_new=True)
            ledger = self.ledger
            if ledger.plan.status is PlanStatus.CREATED:
                ledger.move_plan(PlanEvent.START, self.asking.trigger)
            if not ledger.tasks:
                working = [
                    table
                    for table in self.asking.tables
                    if table.relation_id in self.listing_failures or self.tasks[table.relation_id].has_work
                ]
                if working:
                    tasks = tasks_of(working, self.database.graph)
                    ledger.add_tasks(tasks)
                    if len(working) <= self.database.config.max_concurrency:
                        for task in tasks[: len(working)]:
                            ledger.move_task(task.task_id, TaskEvent.EXECUTE, "its turn")
                    self.begun = states.begin(self.store, working, self.states, self.database.clock)
            else:
                states.go_on(self.store, self.working(), f"refresh {ledger.plan.plan_id} goes on")
                self._go_on_finishing(ledger)
            if not ledger.tasks:
                ledger.move_plan(PlanEvent.COMPLETE, "nothing has changed", epoch=self.database.epoch)
            ledger.write(self.store)
            fault_point("refresh.before_trigger")
            self.engine.commit()
        except BaseException:
            self.engine.rollback()
            if self.ledger is not None and not self.ledger.reread(self.store):
                self.ledger = None  # it was never there
            raise
        ledger.settle()
        self.on_number(ledger.plan.plan_id)
        self.progress.total(tasks=len(ledger.tasks))
        fault_point("refresh.after_trigger")

    def _go_on_finishing(self, ledger: Ledger) -> None:
        """What Finishing had begun goes on, too: it has no turn of its own, as loads have."""
        for task in list(ledger.tasks.values()):
            if task.kind is not TaskKind.LOAD and task.status is TaskStatus.FAILED:
                ledger.move_task(task.task_id, TaskEvent.RETRY, "its refresh goes on")
            elif task.kind is not TaskKind.LOAD and task.status is TaskStatus.PAUSED:
                ledger.move_task(task.task_id, TaskEvent.RESUME, "its refresh goes on")

    def _new_plan(self) -> Plan:
        return self.store.new_plan(
            [table.relation_id for table in self.asking.tables],
            [str(table.name) for table in self.asking.tables],
            trigger=self.asking.trigger,
            reads_all=self.asking.reads_all,
            is_verified=self.asking.is_verified,
            is_background=self.asking.is_background,
        )

    # -- finishing -------------------------------------------------------------------------------------------------

    def _finish(self) -> Published | NotPublished:
        assert self.ledger is not None
        self.check_requests()
        if len(self.working()) < len(self._tables()):
            self.check_dropped()
        if not self.ledger.tasks:
            return Published(merged={}, epoch=self.database.epoch, seconds={})
        if not self.jobs:
            self.engine.begin()
            try:
                self.jobs = states.staged(self.store, self.working())
                fault_point("refresh.before_staged")
                self.engine.commit()
            except BaseException:
                self.engine.rollback()
                raise
        fault_point("refresh.after_staged")
        tables = [self.tasks[table.relation_id] for table in self.working()]
        finishing = Finishing(self.database, self.engine, self.ledger, tables, self.jobs, self.progress)
        with self.control.interruptible(self.engine.interrupt):
            return finishing.run()

    def _failed_finishing(self, result: NotPublished) -> dict[int, Error]:
        """Records what failed; what is to be raised, or nothing where it is tried again."""
        assert self.ledger is not None
        self.check_requests()
        self.check_dropped()  # else it failed of nothing else
        ledger, failures = self.ledger, result.failures
        skipped = downstream(ledger.tasks.values(), failures)
        for task in list(ledger.tasks.values()):
            if task.task_id in failures:
                if task.status is TaskStatus.CREATED:
                    ledger.move_task(task.task_id, TaskEvent.EXECUTE, "finishing")
                self.fail_task(task.task_id, failures[task.task_id], stage="finishing")
            elif result.is_whole and task.status is TaskStatus.CREATED and task.task_id not in skipped:
                ledger.move_task(task.task_id, TaskEvent.EXECUTE, "finishing")
                ledger.move_task(task.task_id, TaskEvent.COMPLETE, "went through; published with the rest")
        self.save()
        retried = [id_ for id_, error in failures.items() if self.is_tried_again(ledger.tasks[id_], error)]
        if len(retried) < len(failures):
            return failures
        self.wait_to_retry(retried)
        for id_ in retried:
            ledger.move_task(id_, TaskEvent.RETRY, "tried again by itself")
        self.save()
        return {}

    # -- failures --------------------------------------------------------------------------------------------------

    def fail_task(self, task_id: int, error: BaseException, *, stage: str | None) -> None:
        """A running task has failed: collected for the next ``save``."""
        assert self.ledger is not None
        found = failure_of(error)
        task = self.ledger.move_task(task_id, TaskEvent.FAIL, f"{found.code}: {found.message}")
        self.ledger.fail(
            Failure(
                task_id=task_id,
                attempt=task.attempts,
                code=found.code,
                type=found.type,
                message=found.message,
                relation=task.relation,
                stage=stage,
                file=found.file,
                line=found.line,
                retryable=found.retryable,
                occurred_at=self.database.clock(),
            )
        )

    def is_tried_again(self, task: Task, error: Error) -> bool:
        """Whether a failed task gets another attempt by itself."""
        maximum = self.asking.attempts_max(task.relation_id)
        return is_tried_again(task.attempts, retryable=failure_of(error).retryable, attempts_max=maximum)

    def wait_to_retry(self, task_ids: Sequence[int]) -> None:
        """The pause before another attempt. Raises ``Asked`` when something is asked for."""
        assert self.ledger is not None
        self.progress.phase("waiting to retry")
        attempt = max(self.ledger.tasks[id_].attempts for id_ in task_ids) + 1
        if self.control.wait(pause_before(attempt, first_pause=self.database.config.retry_pause)):
            raise Asked

    def save(self) -> None:
        """Commits what the ledger has collected."""
        assert self.ledger is not None
        self.ledger.commit(self.engine, self.store)

    def check_dropped(self) -> None:
        """A DROP during the refresh ends it: nothing is left whose state could be put back."""
        dropped = self._dropped()
        if dropped is not None:
            raise dropped

    def _dropped(self) -> Dropped | None:
        """The error for a table that is gone. Read from what is stored, when no DROP is about to be committed."""
        self.engine.rollback()
        with suppress(LockTimeout):  # a writer that takes so long is no DROP
            self.database.lock.acquire(self, "a refresh that looks for its tables", self.database.config.lock_timeout)
        self.database.lock.release(self)
        names: dict[int, object] = {table.relation_id: table.name for table in self._tables()}
        if self.ledger is not None:  # which knows those, too, that were dropped before it went on
            names |= zip(self.ledger.plan.relation_ids, self.ledger.plan.tables, strict=True)
        kept = self.store.existing(list(names))
        gone = next((name for id_, name in names.items() if id_ not in kept), None)
        if gone is None:
            return None
        return Dropped(f"{gone} was dropped while it was being refreshed", hint="nothing was published")

    # -- requests --------------------------------------------------------------------------------------------------

    def check_requests(self) -> None:
        """Raises ``Asked`` where a pause or an end is asked for."""
        if self.control.request is not None:
            raise Asked

    # -- results ---------------------------------------------------------------------------------------------------

    def _results(self, published: Published | None) -> tuple[RefreshResult, ...]:
        results = []
        for table in self.asking.tables:
            task = self.tasks.get(table.relation_id)
            merged = published.merged.get(table.name) if published else None
            merging = published.seconds.get(table.name, 0.0) if published else 0.0
            results.append(
                RefreshResult(
                    table_name=str(table.name),
                    epoch=published.epoch if published else self.database.epoch,
                    files_read=len(task.loads) if task else 0,
                    files_skipped=len(task.kept) if task else 0,
                    rows_inserted=merged.inserted if merged else 0,
                    rows_updated=merged.updated if merged else 0,
                    rows_deleted=merged.deleted if merged else 0,
                    seconds=self.seconds.get(table.relation_id, 0.0) + merging,
                )
            )
        return tuple(results)

    def stale_reason(self, task: Task) -> str | None:
        """Why what an earlier attempt of a load has staged must not be used, or None where it may."""
        return discard_reason(
            task.checkpoint,
            digest=self.table(task.relation_id or 0).digest,
            now=self.database.clock(),
            age_max_seconds=self.database.config.checkpoint_age_max,
        )

    def checkpoint(self, table: TableTask, stages: int) -> str:
        """What a load has staged by now, as it is stored."""
        return Checkpoint(digest=table.table.digest, stages=stages, at=self.database.clock()).dumps()
