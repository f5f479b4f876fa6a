"""The states of one plan and its tasks as its execution knows them: moves are collected, and written at one go.

    ledger.move_task(3, TaskEvent.COMPLETE, "12 files"); ledger.write(store)   # in any transaction
    engine.commit(); ledger.settle()                                           # or ledger.forget()

An execution is the only writer of its plan while it runs; whoever writes beside it loses by compare-and-set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import UnknownRelation
from mvengine.meta.plan_records import Failure, Plan, PlanEventRecord, Task
from mvengine.meta.states import (
    PLAN,
    PLAN_GRAPH,
    TASK,
    TASK_GRAPH,
    PlanEvent,
    PlanStatus,
    TaskEvent,
    TaskStatus,
    transition,
)
from mvengine.meta.store import Store
from mvengine.testing.faults import fault_point

_PLAN = {**PLAN, **PLAN_GRAPH}
_TASK = {**TASK, **TASK_GRAPH}
NOTHING_DONE: Mapping[str, Any] = {"checkpoint": None, "stages_done": 0, "splits_done": 0, "rows": 0, "bytes_done": 0}
"""What a task has done whose stages are gone."""
_BEGINS = frozenset({TaskEvent.EXECUTE, TaskEvent.RETRY})
_OVER = frozenset({PlanStatus.COMPLETED, PlanStatus.FAILED, PlanStatus.ROLLED_BACK, PlanStatus.CANCELLED})


class Ledger:
    """A plan's states: ``plan`` and ``tasks`` show what is committed and what is about to be."""

    def __init__(
        self, plan: Plan, tasks: Iterable[Task], clock: Callable[[], datetime], *, is_new: bool = False
    ) -> None:
        self.plan = plan
        self._is_new = is_new  # the plan itself is not written yet
        self.tasks = {task.task_id: task for task in tasks}
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        self._held_plan = self.plan
        self._held = dict(self.tasks)
        self._events: list[PlanEventRecord] = []
        self._failures: list[Failure] = []

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Tasks that the plan gets with the next write."""
        for task in tasks:
            self.tasks[task.task_id] = task

    def move_plan(self, event: PlanEvent, cause: str, **changes: Any) -> None:
        """Errors: StateError."""
        old, now = self.plan, self._clock()
        status = transition(_PLAN, old.status, event)
        self._append(None, old.status, event, status, cause, None, now)
        started = old.started_at or (now if status is PlanStatus.RUNNING else None)
        self.plan = replace(
            old,
            status=status,
            version=old.version + 1,
            started_at=started,
            finished_at=now if status in _OVER else None,
            **changes,
        )

    def move_task(self, task_id: int, event: TaskEvent, cause: str, **changes: Any) -> Task:
        """Errors: StateError."""
        old, now = self.tasks[task_id], self._clock()
        status = transition(_TASK, old.status, event)
        attempts = changes.get("attempts", old.attempts + (event in _BEGINS))
        self._append(task_id, old.status, event, status, cause, attempts, now)
        is_running = status is TaskStatus.RUNNING
        times: dict[str, Any] = {"finished_at": None if is_running or status is TaskStatus.PAUSED else now}
        if event in _BEGINS:
            times["started_at"] = now
        elif status is TaskStatus.CREATED:
            times = {"started_at": None, "finished_at": None}
        task = replace(old, status=status, version=old.version + 1, **{"attempts": attempts, **times, **changes})
        self.tasks[task_id] = task
        return task

    def change_task(self, task_id: int, **changes: Any) -> None:
        """Figures of a task that are written without a transition."""
        old = self.tasks[task_id]
        self.tasks[task_id] = replace(old, version=old.version + 1, **changes)

    def progressed(self, task: Task) -> None:
        """A running task's checkpoint, as it was committed by whoever carries the task out."""
        self.tasks[task.task_id] = self._held[task.task_id] = task

    def fail(self, failure: Failure) -> None:
        """Keeps why a task failed."""
        self._failures.append(failure)

    def write(self, store: Store) -> None:
        """Writes what has moved, in the store's transaction. Errors: ConflictError."""
        plan_id = self.plan.plan_id
        if self._is_new:
            store.add_plan(self.plan)
        elif self.plan.version != self._held_plan.version:
            store.write_plan(self._held_plan, self.plan)
        new = [task for task in self.tasks.values() if task.task_id not in self._held]
        store.add_tasks(plan_id, new)
        moved = [(self._held[id_], task) for id_, task in self.tasks.items() if self._held.get(id_, task) is not task]
        store.write_tasks(plan_id, [old for old, _ in moved], [task for _, task in moved])
        store.append_events(plan_id, self._events)
        store.append_failures(plan_id, self._failures)

    def settle(self) -> None:
        """What was written is committed."""
        self._is_new = False
        self.plan = replace(self.plan, events=self._held_plan.events + len(self._events))
        self._begin()

    def forget(self) -> None:
        """What was collected since the last ``settle`` is not to be: its transaction was rolled back."""
        self.plan, self.tasks = self._held_plan, dict(self._held)
        self._begin()

    def reread(self, store: Store) -> bool:
        """What is stored counts, outside of any transaction: an interrupt may come between a COMMIT and our knowing of
        it. False where the plan is not stored."""
        try:
            self.plan = store.plan(self.plan.plan_id)
        except UnknownRelation:
            return False
        self.tasks = {task.task_id: task for task in store.tasks(self.plan.plan_id)}
        self._is_new = False
        self._begin()
        return True

    def commit(self, engine: DuckDbEngine, store: Store, beside: Callable[[], None] = lambda: None) -> None:
        """Writes and commits in a transaction of its own, with what ``beside`` writes."""
        engine.begin()
        try:
            beside()
            self.write(store)
            fault_point("states.before_commit")
            engine.commit()
        except BaseException:
            engine.rollback()
            self.forget()
            raise
        self.settle()
        fault_point("states.after_commit")

    def _append(
        self, task_id: int | None, old: str, event: str, new: str, cause: str, attempt: int | None, now: datetime
    ) -> None:
        self._events.append(
            PlanEventRecord(
                seq=self._held_plan.events + len(self._events) + 1,
                task_id=task_id,
                from_state=old,
                event=event,
                to_state=new,
                cause=cause,
                attempt=attempt,
                occurred_at=now,
            )
        )
