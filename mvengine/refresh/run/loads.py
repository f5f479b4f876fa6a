"""The loads of a plan: together in one transaction where all of them fit into one stage, else each in a thread.

At most ``max_concurrency`` run at a time. A load that fails and may be tried again waits for its turn while the others
go on; when it is tried again, its source is listed anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error
from mvengine.meta.plan_records import Task, TaskKind
from mvengine.meta.states import TaskEvent, TaskStatus
from mvengine.refresh.plan.files import TableTask
from mvengine.refresh.plan.retry import pause_before
from mvengine.refresh.run import tables as states
from mvengine.refresh.run.control import Asked, Request
from mvengine.refresh.run.loader import Loader, LoadOver
from mvengine.refresh.run.loading import (
    Loaded,
    discard_staged,
    discard_stale,
    load_stage,
    plan_stages,
    record,
    rejected_of,
    require_tables,
)
from mvengine.testing.faults import fault_point

if TYPE_CHECKING:
    from mvengine.refresh.run.execution import Execution


@dataclass(frozen=True, kw_only=True)
class _At:
    """Which load is carried out, to know whose an error is."""

    task_id: int | None = None
    stage: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Failed:
    """Why the loads could not be made together; ``task_id`` None: no single one of them is to blame."""

    task_id: int | None
    error: Error
    stage: str | None


class Loads:
    """The load tasks of an execution that are not done."""

    def __init__(self, execution: Execution) -> None:
        assert execution.ledger is not None
        self.execution = execution
        self.ledger = execution.ledger
        self.database = execution.database
        self.progress = execution.progress
        self._at = _At()
        self._loaded: dict[int, list[Loaded]] = {}

    def run(self) -> dict[int, Error]:
        """Loads. Returns the tasks that failed for good; the others are COMPLETED. Raises ``Asked``."""
        self.execution.check_requests()
        todo = self._todo()
        self._count()
        if not todo:
            return {}
        self.progress.phase("loading")
        due, failures = dict[int, float](), dict[int, Error]()
        if self._fits_one_stage(todo):
            failed = self._together(todo)
            if failed is None:
                return {}
            self.execution.check_dropped()  # else it failed of nothing else
            if failed.task_id is not None:
                due = self._end_together(failed.task_id, failed, failures)
                todo = [id_ for id_ in todo if id_ != failed.task_id]
        return self._apart(todo, due, failures)

    def _todo(self) -> list[int]:
        """Loads that are not over, and those whose files have changed since they were."""
        todo = []
        for task in list(self.ledger.tasks.values()):
            if task.kind is not TaskKind.LOAD:
                continue
            found = self.execution.tasks.get(task.relation_id or 0)
            is_stale = found is not None and (found.has_strays or any(not load.is_staged for load in found.loads))
            if task.status is TaskStatus.COMPLETED and (is_stale or self.execution.stale_reason(task)):
                self.ledger.move_task(task.task_id, TaskEvent.RESET, "its files have changed since they were staged")
                todo.append(task.task_id)
            elif task.status is not TaskStatus.COMPLETED:
                todo.append(task.task_id)
        return todo

    def _count(self) -> None:
        """What there is to do, and what is there already."""
        tasks = self.execution.tasks.values()
        loads = [load for task in tasks for load in task.loads]
        self.progress.total(splits=len(loads), size=sum(load.split.size for load in loads))
        staged = [load for load in loads if load.is_staged]
        done = sum(task.status is TaskStatus.COMPLETED for task in self.ledger.tasks.values())
        self.progress.found(
            splits=len(staged),
            rows=sum(row.rows for load in loads for row in load.staged),
            size=sum(load.split.size for load in staged),
            tasks=done,
        )

    def _table(self, task_id: int) -> TableTask | None:
        """What a load has to read; None where its source could not be listed."""
        return self.execution.tasks.get(self.ledger.tasks[task_id].relation_id or 0)

    # -- all in one stage ------------------------------------------------------------------------------------------

    def _fits_one_stage(self, todo: Sequence[int]) -> bool:
        tables = [self._table(id_) for id_ in todo]
        found = [table for table in tables if table is not None]
        size = sum(table.bytes_waiting for table in found)
        return len(found) == len(tables) and size <= self.database.config.staging_batch_bytes

    def _together(self, todo: Sequence[int]) -> _Failed | None:
        """Loads all in one transaction. Where one fails nothing of it remains, and the others are loaded apart."""
        execution, engine, store = self.execution, self.execution.engine, self.execution.store
        probe = engine.fork()
        self._at, self._loaded = _At(), {}
        engine.begin()
        try:
            with self.progress.tentative():
                with execution.control.interruptible(engine.interrupt):
                    for id_ in todo:
                        self._load_now(id_, probe)
                require_tables(store, [execution.table(id_) for id_ in self._loaded])
                record(store, self._loaded)
                self.ledger.write(store)
                execution.jobs = states.staged(store, execution.working(), execution.begun)
                fault_point("stage.before_commit")
                engine.commit()
        except BaseException as error:
            engine.rollback()
            self.ledger.forget()
            execution.jobs = ()
            execution.check_requests()
            if not isinstance(error, Error) or error.code == "57014":
                raise
            at = self._at.task_id or (todo[0] if len(todo) == 1 else None)
            return _Failed(task_id=at, error=error, stage=self._at.stage)
        finally:
            probe.close()
        self.ledger.settle()
        fault_point("refresh.after_split")
        return None

    def _end_together(self, task_id: int, failed: _Failed, failures: dict[int, Error]) -> dict[int, float]:
        """Records the failure of one of the loads, as ``_end`` does."""
        if self.ledger.tasks[task_id].status is not TaskStatus.RUNNING:
            self._start([task_id])
        task = self.ledger.tasks[task_id]
        over = LoadOver(task=task, error=failed.error, stage=failed.stage, is_stopped=False, discarded=None)
        return self._end([(task_id, over)], failures)

    def _load_now(self, task_id: int, probe: DuckDbEngine) -> None:
        execution, engine, store = self.execution, self.execution.engine, self.execution.store
        started = perf_counter()
        self._at = _At(task_id=task_id)
        table = self._table(task_id)
        assert table is not None
        event = _begins(self.ledger.tasks[task_id])
        if event is not None:
            self.ledger.move_task(task_id, event, "all loads in one stage")
        task = self.ledger.tasks[task_id]
        reason = execution.stale_reason(task)
        if reason is not None:
            discard_staged(engine, store, [table.table])
            table = execution.list_again(engine, table.table, task)
        stages = plan_stages(engine, table, self.database.config.staging_batch_bytes)
        if table.has_staged:
            reason = discard_stale(engine, store, table, stages) or reason
        if reason is not None:
            self.ledger.move_task(task_id, TaskEvent.DISCARD, reason)
        rejected, done = rejected_of(table), list[Loaded]()
        for stage in stages:
            self._at = _At(task_id=task_id, stage=stage.name)
            loaded = load_stage(engine, self.database.clock, table, stage, rejected, probe, self.progress)
            self.progress.add(splits=loaded.splits, rows=loaded.rows, size=loaded.bytes)
            rejected.update({row.path: row.rejected for row in loaded.staged})
            done.append(loaded)
        self._loaded[table.table.relation_id] = done
        rows, size = sum(it.rows for it in done), sum(it.bytes for it in done)
        self.ledger.move_task(
            task_id,
            TaskEvent.COMPLETE,
            _counted(len(table.loads), "file"),
            stages_done=task.stages_done + len(stages),
            stages_total=task.stages_done + len(stages),
            splits_done=len(table.loads),
            splits_total=len(table.loads),
            rows=task.rows + rows,
            bytes_done=task.bytes_done + size,
            bytes_total=task.bytes_done + size,
            checkpoint=execution.checkpoint(table, task.stages_done + len(stages)),
        )
        self.progress.task_done(task.name)
        execution.seconds[table.table.relation_id] = perf_counter() - started
        self._at = _At()

    # -- each by itself --------------------------------------------------------------------------------------------

    def _apart(self, todo: Sequence[int], due: dict[int, float], failures: dict[int, Error]) -> dict[int, Error]:
        """Loads in threads; those in ``due`` not before their time. The calling thread keeps the states."""
        control, slots = self.execution.control, self.database.config.max_concurrency
        waiting = deque(todo)
        running: dict[Future[LoadOver], int] = {}
        with ThreadPoolExecutor(slots, thread_name_prefix="mvengine-load") as pool:
            try:
                while waiting or due or running:
                    if control.request is not None:
                        if not running:
                            raise Asked
                    else:
                        now = monotonic()
                        waiting.extend(id_ for id_, at in due.items() if at <= now)
                        due = {id_: at for id_, at in due.items() if at > now}
                        starting = [waiting.popleft() for _ in range(min(slots - len(running), len(waiting)))]
                        running |= {pool.submit(self._load, *work): work[0].task_id for work in self._start(starting)}
                    pause = max(min(due.values()) - monotonic(), 0.0) if due and not control.request else None
                    if running:
                        done, _ = wait(running, pause, FIRST_COMPLETED)
                        over = [(running.pop(future), future.result()) for future in done]
                        due |= self._end(over, failures)
                    elif pause is not None:
                        self.progress.phase("waiting to retry")
                        control.wait(pause)
                        self.progress.phase("loading")
            except Asked:
                raise  # nothing runs
            except BaseException:
                control.ask(Request.CANCEL, "interrupted")  # so that the threads end, too
                raise
        return failures

    def _start(self, task_ids: Sequence[int]) -> list[tuple[Task, bool]]:
        """Moves loads to RUNNING, in one transaction: the tasks, and whether each is tried again."""
        again = {id_ for id_ in task_ids if self.ledger.tasks[id_].status is TaskStatus.FAILED}
        moves = [(id_, _begins(self.ledger.tasks[id_])) for id_ in task_ids]
        for id_, event in moves:
            if event is not None:
                self.ledger.move_task(
                    id_, event, "its turn" if event is not TaskEvent.RETRY else "tried again by itself"
                )
        if any(event is not None for _, event in moves):
            self.execution.save()
        return [(self.ledger.tasks[id_], id_ in again) for id_ in task_ids]

    def _load(self, task: Task, is_again: bool) -> LoadOver:
        """One load, in a thread of its own."""
        loader = Loader(self.execution, task)
        try:
            return loader.run(is_again=is_again)
        finally:
            loader.close()

    def _end(self, over: Sequence[tuple[int, LoadOver]], failures: dict[int, Error]) -> dict[int, float]:
        """Records how loads ended; when those are due that are tried again."""
        due = {}
        for id_, found in over:
            self.ledger.progressed(found.task)
            if found.discarded is not None:
                self.ledger.move_task(id_, TaskEvent.DISCARD, found.discarded)
            if found.is_stopped:
                continue
            if found.error is None:
                self.ledger.move_task(id_, TaskEvent.COMPLETE, _counted(found.task.stages_done, "stage"))
                self.progress.task_done(found.task.name)
                continue
            self.execution.check_dropped()
            self.execution.fail_task(id_, found.error, stage=found.stage)
            task = self.ledger.tasks[id_]
            if self.execution.is_tried_again(task, found.error):
                due[id_] = monotonic() + pause_before(task.attempts + 1, first_pause=self.database.config.retry_pause)
            else:
                failures[id_] = found.error
        self.execution.save()
        return due


def _begins(task: Task) -> TaskEvent | None:
    """The event that sets a task going; None where it runs already."""
    match task.status:
        case TaskStatus.CREATED:
            return TaskEvent.EXECUTE
        case TaskStatus.PAUSED:
            return TaskEvent.RESUME
        case TaskStatus.FAILED:
            return TaskEvent.RETRY
        case _:
            return None


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
