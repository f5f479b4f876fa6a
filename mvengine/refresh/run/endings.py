"""How an execution ends otherwise than by publishing: failed, paused, cancelled, given up. All states say so, and why.

Each is one transaction. Nothing of the refresh was visible before, and nothing is after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mvengine.errors import Error, LoadError, OperationalError, SourceError, StateError
from mvengine.meta.states import PlanEvent, PlanStatus, RefreshEvent, TaskEvent, TaskStatus
from mvengine.refresh.plan.failure import described
from mvengine.refresh.plan.graph import downstream
from mvengine.refresh.run import tables as states
from mvengine.refresh.run.control import Request
from mvengine.refresh.run.loading import discard_staged
from mvengine.refresh.run.recovery import interrupt

if TYPE_CHECKING:
    from mvengine.refresh.run.execution import Execution

_NOT_OVER = (TaskStatus.CREATED, TaskStatus.RUNNING, TaskStatus.PAUSED, TaskStatus.SKIPPED)


class Dropped(StateError):  # noqa: N818 - a StateError for the caller, told apart here
    """A table of the refresh is gone."""


def fail(execution: Execution, failures: Mapping[int, Error]) -> Error:
    """Tasks have failed for good: what depends on them is SKIPPED, the plan FAILED, the tables IDLE. The first failure,
    with its place in the message and the way on in the hint."""
    ledger = execution.ledger
    assert ledger is not None
    first = min(failures)
    task, error = ledger.tasks[first], failures[first]
    cause = f"{task.name} failed: {described(error)}"
    for id_ in sorted(downstream(ledger.tasks.values(), failures)):
        if ledger.tasks[id_].status is TaskStatus.CREATED:
            ledger.move_task(id_, TaskEvent.SKIP, f"{task.name} failed")
    ledger.move_plan(PlanEvent.FAIL, cause, error=cause)
    _commit(execution, RefreshEvent.FAIL, described(error))
    plan_id = ledger.plan.plan_id
    is_exhausted = task.attempts >= execution.asking.attempts_max(task.relation_id)
    again = "REFRESH TABLE" if is_exhausted else f"RETRY REFRESH {plan_id}"
    more = f" ({len(failures) - 1} more failed: SHOW TASKS FOR REFRESH {plan_id})" if len(failures) > 1 else ""
    way_on = f"{again} goes on from what is staged{more}"
    if not isinstance(error, LoadError | SourceError):  # these name the file or source
        error.message = f"{task.name} failed: {error.message}"
    error.hint = f"{error.hint}; {way_on}" if error.hint else way_on
    return error


def obey(execution: Execution) -> Error:
    """Something was asked for: writes the states. What the caller of the refresh is told."""
    request, cause = execution.control.request, execution.control.cause
    execution.engine.rollback()
    number = f"refresh {execution.plan_id}" if execution.ledger else "the refresh"
    match request:
        case Request.STOP:
            _stop(execution, cause)
            hint = "it goes on when the database is opened"
            return OperationalError(f"{number} was stopped: {cause}", hint=hint, code="57P01")
        case Request.PAUSE:
            _pause(execution, cause)
            return StateError(f"{number} was paused: {cause}", hint="RESUME REFRESH goes on")
        case _:
            _cancel(execution, cause)
            return OperationalError(f"{number} was cancelled: {cause}", hint="nothing was published", code="57014")


def give_up(execution: Execution, error: BaseException) -> None:
    """What is no failure of a task: an interrupt (Ctrl-C), a drop, a lost race, a bug. The plan is over."""
    execution.engine.rollback()
    ledger = execution.ledger
    if ledger is None or not ledger.reread(execution.store):
        return
    if ledger.plan.status not in (PlanStatus.CREATED, PlanStatus.RUNNING):
        return
    if isinstance(error, Dropped):
        _cancel(execution, error.message)
    elif isinstance(error, Exception):
        _fail_all(execution, error)
    else:
        _cancel(execution, f"interrupted: {described(error)}")


def _stop(execution: Execution, cause: str) -> None:
    """The database is closed: what ran is PAUSED, and start-up decides by the policy of its tables."""
    ledger = execution.ledger
    if ledger is not None and ledger.plan.status is PlanStatus.RUNNING:
        interrupt(ledger, cause)
        execution.save()


def _pause(execution: Execution, cause: str) -> None:
    """What runs is PAUSED behind its last durable stage; the tables stay REFRESHING."""
    ledger = execution.ledger
    if ledger is None:
        return
    for task in list(ledger.tasks.values()):
        if task.status is TaskStatus.RUNNING:
            ledger.move_task(task.task_id, TaskEvent.PAUSE, cause)
    ledger.move_plan(PlanEvent.PAUSE, cause)
    execution.save()
    execution.progress.phase("paused")


def _cancel(execution: Execution, cause: str) -> None:
    """All that is not over is CANCELLED, the tables are IDLE, nothing is staged."""
    ledger = execution.ledger
    if ledger is None:
        return
    for task in list(ledger.tasks.values()):
        if task.status in _NOT_OVER:
            ledger.move_task(task.task_id, TaskEvent.CANCEL, cause)
    ledger.move_plan(PlanEvent.CANCEL, cause, error=cause)
    _commit(execution, RefreshEvent.CANCEL, cause, discards=True)


def _fail_all(execution: Execution, error: Exception) -> None:
    """An error of no task: a lost race, a disk that is full when states are written, a bug. All that ran has failed."""
    ledger = execution.ledger
    assert ledger is not None
    cause = described(error)
    for task in list(ledger.tasks.values()):
        if task.status is TaskStatus.RUNNING:
            execution.fail_task(task.task_id, error, stage=None)
        elif task.status is TaskStatus.CREATED:
            ledger.move_task(task.task_id, TaskEvent.SKIP, cause)
    if ledger.plan.status is PlanStatus.CREATED:
        ledger.move_plan(PlanEvent.START, execution.asking.trigger)
    ledger.move_plan(PlanEvent.FAIL, cause, error=cause)
    _commit(execution, RefreshEvent.FAIL, cause)


def _commit(execution: Execution, event: RefreshEvent, cause: str, *, discards: bool = False) -> None:
    """One transaction: the plan's states, those of its tables, and where asked for what they have staged."""
    ledger = execution.ledger
    assert ledger is not None
    engine, store = execution.engine, execution.store

    def beside() -> None:
        states.end(store, execution.working(), event, cause)
        if discards:
            discard_staged(engine, store, execution.working())
            # A stage may have been committed beside the DROP of its table, which has not seen it then.
            store.clear_staged_files([table.relation_id for table in execution.asking.tables])

    ledger.commit(engine, store, beside)
