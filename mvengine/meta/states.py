"""States and their transition tables, as data; ``transition`` is the one function that reads them.

A new state is a new row here and a sentence that says why. What a plan or a task can be told is two tables each: the
operations (PLAN, TASK), and what a graph of tasks and a process that ends add to them (PLAN_GRAPH, TASK_GRAPH).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from mvengine.errors import StateError

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class JobStatus(StrEnum):
    """A job: a standing definition that is being built or kept."""

    INITIAL = "INITIAL"  # recorded; nothing built yet
    CREATING = "CREATING"  # its tables are being made and filled
    CREATED = "CREATED"  # it can be read and is kept


class JobEvent(StrEnum):
    START = "START"
    COMPLETE = "COMPLETE"
    RECOVER = "RECOVER"


class RefreshState(StrEnum):
    """The refresh of one refreshable table."""

    IDLE = "IDLE"  # nothing is going on
    REFRESHING = "REFRESHING"  # splits are loaded into the staging table; readers see nothing of it
    FINISHING = "FINISHING"  # all is staged; one transaction is to merge it and advance the epoch


class RefreshEvent(StrEnum):
    TRIGGER = "TRIGGER"
    STAGE_DONE = "STAGE_DONE"
    PUBLISH = "PUBLISH"
    FAIL = "FAIL"
    CANCEL = "CANCEL"
    RESUME = "RESUME"
    RECOVER = "RECOVER"


class PlanStatus(StrEnum):
    """A plan: one refresh of a graph of tables and views."""

    CREATED = "CREATED"  # it has a number; nothing is done yet
    RUNNING = "RUNNING"  # its tasks are carried out
    PAUSED = "PAUSED"  # it goes on when it is told to
    COMPLETED = "COMPLETED"  # published, or there was nothing to do
    FAILED = "FAILED"  # a task failed and is not tried again by itself; nothing was published
    ROLLED_BACK = "ROLLED_BACK"  # failed, and what it had staged is gone
    CANCELLED = "CANCELLED"  # ended by somebody before it was over; nothing was published


class PlanEvent(StrEnum):
    START = "START"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    RETRY = "RETRY"
    ROLLBACK = "ROLLBACK"
    CANCEL = "CANCEL"
    RECOVER = "RECOVER"


class TaskStatus(StrEnum):
    """A task: a node of a plan."""

    CREATED = "CREATED"  # it waits for the tasks upstream, or for its turn
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"  # it stands behind its last durable stage
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"  # failed, and its stages are gone
    SKIPPED = "SKIPPED"  # a task upstream failed, or it is of a view that is suspended
    CANCELLED = "CANCELLED"  # its plan was ended by somebody


class TaskEvent(StrEnum):
    EXECUTE = "EXECUTE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    RETRY = "RETRY"
    ROLLBACK = "ROLLBACK"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    SKIP = "SKIP"
    RESET = "RESET"
    CANCEL = "CANCEL"
    DISCARD = "DISCARD"
    RECOVER = "RECOVER"


JOB: Mapping[tuple[JobStatus, JobEvent], JobStatus] = {
    (JobStatus.INITIAL, JobEvent.START): JobStatus.CREATING,
    (JobStatus.CREATING, JobEvent.COMPLETE): JobStatus.CREATED,
    # Start-up found the process gone; a build in the background goes on.
    (JobStatus.CREATING, JobEvent.RECOVER): JobStatus.CREATING,
}

REFRESH: Mapping[tuple[RefreshState, RefreshEvent], RefreshState] = {
    (RefreshState.IDLE, RefreshEvent.TRIGGER): RefreshState.REFRESHING,
    (RefreshState.REFRESHING, RefreshEvent.STAGE_DONE): RefreshState.FINISHING,
    (RefreshState.FINISHING, RefreshEvent.PUBLISH): RefreshState.IDLE,
    # A failure changes nothing that readers see, in either half.
    (RefreshState.REFRESHING, RefreshEvent.FAIL): RefreshState.IDLE,
    (RefreshState.FINISHING, RefreshEvent.FAIL): RefreshState.IDLE,
    # Somebody ended it.
    (RefreshState.REFRESHING, RefreshEvent.CANCEL): RefreshState.IDLE,
    (RefreshState.FINISHING, RefreshEvent.CANCEL): RefreshState.IDLE,
    # It goes on with what is staged: after a pause, or after a process that ended.
    (RefreshState.REFRESHING, RefreshEvent.RESUME): RefreshState.REFRESHING,
    (RefreshState.FINISHING, RefreshEvent.RESUME): RefreshState.REFRESHING,
    # Start-up found the process gone in the middle, and nothing to go on from.
    (RefreshState.REFRESHING, RefreshEvent.RECOVER): RefreshState.IDLE,
    (RefreshState.FINISHING, RefreshEvent.RECOVER): RefreshState.IDLE,
}

PLAN: Mapping[tuple[PlanStatus, PlanEvent], PlanStatus] = {
    (PlanStatus.CREATED, PlanEvent.START): PlanStatus.RUNNING,
    (PlanStatus.RUNNING, PlanEvent.PAUSE): PlanStatus.PAUSED,
    (PlanStatus.RUNNING, PlanEvent.COMPLETE): PlanStatus.COMPLETED,
    (PlanStatus.RUNNING, PlanEvent.FAIL): PlanStatus.FAILED,
    (PlanStatus.PAUSED, PlanEvent.RESUME): PlanStatus.RUNNING,
}

PLAN_GRAPH: Mapping[tuple[PlanStatus, PlanEvent], PlanStatus] = {
    # The failed tasks and what depends on them run again.
    (PlanStatus.FAILED, PlanEvent.RETRY): PlanStatus.RUNNING,
    # Nothing was published: what is undone is what was staged.
    (PlanStatus.FAILED, PlanEvent.ROLLBACK): PlanStatus.ROLLED_BACK,
    (PlanStatus.CREATED, PlanEvent.CANCEL): PlanStatus.CANCELLED,
    (PlanStatus.RUNNING, PlanEvent.CANCEL): PlanStatus.CANCELLED,
    (PlanStatus.PAUSED, PlanEvent.CANCEL): PlanStatus.CANCELLED,
    # Start-up found the process gone: it stands behind its last durable stage, as after a pause.
    (PlanStatus.RUNNING, PlanEvent.RECOVER): PlanStatus.PAUSED,
}

TASK: Mapping[tuple[TaskStatus, TaskEvent], TaskStatus] = {
    (TaskStatus.CREATED, TaskEvent.EXECUTE): TaskStatus.RUNNING,
    (TaskStatus.RUNNING, TaskEvent.PAUSE): TaskStatus.PAUSED,
    (TaskStatus.PAUSED, TaskEvent.RESUME): TaskStatus.RUNNING,
    (TaskStatus.PAUSED, TaskEvent.RETRY): TaskStatus.RUNNING,
    (TaskStatus.FAILED, TaskEvent.RETRY): TaskStatus.RUNNING,
    (TaskStatus.FAILED, TaskEvent.ROLLBACK): TaskStatus.ROLLED_BACK,
}

TASK_GRAPH: Mapping[tuple[TaskStatus, TaskEvent], TaskStatus] = {
    (TaskStatus.RUNNING, TaskEvent.COMPLETE): TaskStatus.COMPLETED,
    (TaskStatus.RUNNING, TaskEvent.FAIL): TaskStatus.FAILED,
    # A task upstream failed, or the view is suspended.
    (TaskStatus.CREATED, TaskEvent.SKIP): TaskStatus.SKIPPED,
    # It is to run again: what it depends on does, or its own stages do not fit any more.
    (TaskStatus.SKIPPED, TaskEvent.RESET): TaskStatus.CREATED,
    (TaskStatus.COMPLETED, TaskEvent.RESET): TaskStatus.CREATED,
    (TaskStatus.CREATED, TaskEvent.CANCEL): TaskStatus.CANCELLED,
    (TaskStatus.RUNNING, TaskEvent.CANCEL): TaskStatus.CANCELLED,
    (TaskStatus.PAUSED, TaskEvent.CANCEL): TaskStatus.CANCELLED,
    (TaskStatus.SKIPPED, TaskEvent.CANCEL): TaskStatus.CANCELLED,
    # What it had staged, or a part of that, does not fit any more and is loaded again; the cause says why.
    (TaskStatus.RUNNING, TaskEvent.DISCARD): TaskStatus.RUNNING,
    # Start-up found the process gone.
    (TaskStatus.RUNNING, TaskEvent.RECOVER): TaskStatus.PAUSED,
}

_SUBJECTS: Mapping[type[StrEnum], str] = {
    JobStatus: "job",
    RefreshState: "refresh",
    PlanStatus: "plan",
    TaskStatus: "task",
}


def transition(table: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """The state that ``event`` leads to from ``state``.

    Raises ``StateError`` for a cell that ``table`` does not have; the hint names what is possible.
    """
    following = table.get((state, event))
    if following is not None:
        return following
    subject = _SUBJECTS[type(state)]
    possible = [str(known) for origin, known in table if origin is state]
    needed = [str(origin) for origin, known in table if known is event]
    raise StateError(
        f"cannot {event} a {subject} that is {state}; it must be {' or '.join(needed)}",
        hint=f"from {state}, a {subject} can {' or '.join(possible)}" if possible else f"{state} is the last state",
    )
