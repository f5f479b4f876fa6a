"""One load in a thread, stage by stage, with connections of its own. Whoever started it keeps its task's states."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from mvengine.errors import Error
from mvengine.meta.plan_records import Task
from mvengine.refresh.plan.files import TableTask
from mvengine.refresh.run.loading import (
    Stage,
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
class LoadOver:
    """How a load ended: ``task`` as it was committed last; ``discarded``: why something staged was thrown away."""

    task: Task
    error: Error | None
    stage: str | None
    is_stopped: bool
    discarded: str | None


class Loader:
    """One load task with connections of its own."""

    def __init__(self, execution: Execution, task: Task) -> None:
        self.execution = execution
        self.database = execution.database
        self.task = task
        self.stage: str | None = None
        self.discarded: str | None = None
        self.rejected: Counter[str] = Counter()  # rows of each file, in the stages so far
        self.engine = self.database.engine.fork()
        self.probe = self.engine.fork()
        self.store = self.database.store(self.engine)

    def close(self) -> None:
        self.probe.close()
        self.engine.close()

    def run(self, *, is_again: bool) -> LoadOver:
        started = perf_counter()
        try:
            with self.execution.control.interruptible(self.engine.interrupt):
                is_stopped = not self._load(is_again=is_again)
        except Error as error:
            self.engine.rollback()
            is_asked = self.execution.control.request is not None and error.code == "57014"
            return self._over(None if is_asked else error, is_stopped=is_asked)
        self.execution.seconds[self.task.relation_id or 0] = perf_counter() - started
        return self._over(None, is_stopped=is_stopped)

    def _over(self, error: Error | None, *, is_stopped: bool) -> LoadOver:
        return LoadOver(task=self.task, error=error, stage=self.stage, is_stopped=is_stopped, discarded=self.discarded)

    def _load(self, *, is_again: bool) -> bool:
        """Loads the stages that are left; False where something is asked for in between."""
        execution, id_ = self.execution, self.task.relation_id or 0
        self.stage = "listing"
        failure = execution.listing_failures.pop(id_, None)
        if failure is not None:
            raise failure
        table = execution.tasks.get(id_)
        if table is None or is_again:
            table = execution.list_again(self.engine, execution.table(id_), self.task)
        table, stages = self._prepare(table)
        self.rejected = rejected_of(table)
        for stage in stages:
            if execution.control.request is not None:
                return False
            self.stage = stage.name
            self._load_stage(table, stage)
        self.stage = None
        return True

    def _prepare(self, table: TableTask) -> tuple[TableTask, tuple[Stage, ...]]:
        """The stages that are left, once what does not fit any more is gone."""
        bytes_max = self.database.config.staging_batch_bytes
        stale = self.execution.stale_reason(self.task)
        self.engine.begin()
        require_tables(self.store, [table.table])
        if stale is not None:
            discard_staged(self.engine, self.store, [table.table])
            table = self.execution.list_again(self.engine, table.table, self.task)
        stages = plan_stages(self.probe, table, bytes_max)
        self.discarded = discard_stale(self.engine, self.store, table, stages) or stale
        staged = [row for load in table.loads for row in load.staged] if not stale else []
        waiting = sum(stage.bytes for stage in stages)
        self._progressed(
            stages_done=self.task.stages_done if not self.discarded else 0,
            stages_total=(self.task.stages_done if not self.discarded else 0) + len(stages),
            splits_done=len(table.loads) - len({it.load.split.path for stage in stages for it in stage.parts}),
            splits_total=len(table.loads),
            rows=sum(row.rows for row in staged),
            bytes_done=sum(load.split.size for load in table.loads) - waiting,
            bytes_total=sum(load.split.size for load in table.loads),
        )
        self.engine.commit()
        fault_point("stage.after_prepare")
        return table, stages

    def _load_stage(self, table: TableTask, stage: Stage) -> None:
        engine, progress = self.engine, self.execution.progress
        name = f"{self.task.name}: stage {self.task.stages_done + 1} of {self.task.stages_total}"
        progress.at(name)
        engine.begin()
        require_tables(self.store, [table.table])
        loaded = load_stage(engine, self.database.clock, table, stage, self.rejected, self.probe, progress)
        record(self.store, {table.table.relation_id: [loaded]})
        stages = self.task.stages_done + 1
        before = self.task
        self._progressed(
            stages_done=stages,
            stages_total=self.task.stages_total,
            splits_done=self.task.splits_done + loaded.splits,
            rows=self.task.rows + loaded.rows,
            bytes_done=self.task.bytes_done + loaded.bytes,
            bytes_total=self.task.bytes_total,
            checkpoint=self.execution.checkpoint(table, stages),
        )
        committed, self.task = self.task, before
        fault_point("stage.before_commit")
        engine.commit()
        self.task = committed
        self.rejected.update({row.path: row.rejected for row in loaded.staged})
        progress.add(splits=loaded.splits, rows=loaded.rows, size=loaded.bytes)
        fault_point("refresh.after_split")

    def _progressed(self, **changes: object) -> None:
        """Writes the task's progress, in the transaction that is open."""
        held, self.task = self.task, replace(self.task, **changes)  # type: ignore[arg-type]  # the fields are those of Task
        self.store.write_checkpoint(self.execution.plan_id, held, self.task)
