"""What SQL and Python ask of refreshes: pause, resume, cancel, retry, roll back, wait.

What can go wrong in the domain is a value (``Outcome``); only a bug raises. A refresh that runs in this process is
told, and writes its states itself at its next stage; of one that does not run, the states are moved here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import ConflictError, UnknownRelation
from mvengine.meta.states import PlanEvent, PlanStatus, RefreshEvent, TaskEvent, TaskStatus
from mvengine.meta.store import Store
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.options import settings_in_force
from mvengine.refresh.plan.outcome import Outcome, Refusal, RefusalKind
from mvengine.refresh.run import tables as states
from mvengine.refresh.run.control import Request
from mvengine.refresh.run.ledger import NOTHING_DONE, Ledger
from mvengine.refresh.run.loading import discard_staged
from mvengine.refresh.run.start import Started, go_on, keep_paused, new_run, opened_store, start, tables_of

__all__ = [
    "Started",
    "cancel",
    "cancel_dropped",
    "go_on",
    "keep_paused",
    "pause",
    "resume",
    "retry",
    "rollback",
    "start",
    "wait",
]


def pause(database: Database, plan_id: int) -> Outcome:
    """Asks a running refresh to stop behind its next stage, and waits for that (at most ``lock_timeout``)."""
    if _as_it_is(database, plan_id).status is PlanStatus.CREATED:  # it has not begun: a queued one goes on waiting
        return _illegal(plan_id, PlanStatus.CREATED, "PAUSE")
    return _ask(database, plan_id, Request.PAUSE, PlanStatus.PAUSED, "paused")


def cancel(database: Database, plan_id: int, cause: str = "CANCEL REFRESH") -> Outcome:
    """Ends a refresh that is not over; what it had staged is removed."""
    if database.registry.running(plan_id) is not None:
        return _ask(database, plan_id, Request.CANCEL, PlanStatus.CANCELLED, "cancelled")

    def move(engine: DuckDbEngine, store: Store, ledger: Ledger, tables: Sequence[TableDefinition]) -> None:
        for task in list(ledger.tasks.values()):
            if task.status in (TaskStatus.CREATED, TaskStatus.RUNNING, TaskStatus.PAUSED, TaskStatus.SKIPPED):
                ledger.move_task(task.task_id, TaskEvent.CANCEL, cause)
        ledger.move_plan(PlanEvent.CANCEL, cause, error="cancelled")
        states.end(store, tables, RefreshEvent.CANCEL, cause)
        discard_staged(engine, store, tables)

    not_over = (PlanStatus.CREATED, PlanStatus.RUNNING, PlanStatus.PAUSED)  # the first two: their thread never began
    return _move(database, plan_id, "CANCEL", not_over, move)


def cancel_dropped(database: Database) -> None:
    """Ends paused refreshes of which a table was dropped: those that run find it gone by themselves."""
    for plan_id in database.registry.all_paused():
        with opened_store(database) as (_, store):
            plan = store.plan(plan_id)
        if len(tables_of(database, plan)) < len(plan.relation_ids):
            cancel(database, plan_id, "a table of it was dropped")


def resume(database: Database, plan_id: int) -> Outcome:
    """A paused refresh goes on in the background, behind its last durable stage."""

    def move(engine: DuckDbEngine, store: Store, ledger: Ledger, tables: Sequence[TableDefinition]) -> None:
        ledger.move_plan(PlanEvent.RESUME, "RESUME REFRESH", error=None)

    return _move(database, plan_id, "RESUME", (PlanStatus.PAUSED,), move, goes_on=True)


def retry(database: Database, plan_id: int, *, from_start: bool = False) -> Outcome:
    """Failed tasks, and what depends on them, run again in the background: from what is staged, or from the start."""
    cause = "RETRY REFRESH" + (" FROM START" if from_start else "")

    def move(engine: DuckDbEngine, store: Store, ledger: Ledger, tables: Sequence[TableDefinition]) -> None:
        is_paused = ledger.plan.status is PlanStatus.PAUSED
        if not from_start:
            _check_attempts(database, store, ledger, tables)
        for task in list(ledger.tasks.values()):
            if task.status is TaskStatus.COMPLETED:
                if from_start:
                    ledger.move_task(task.task_id, TaskEvent.RESET, cause, attempts=0, **NOTHING_DONE)
            elif task.status is TaskStatus.SKIPPED:
                ledger.move_task(task.task_id, TaskEvent.RESET, cause)
            elif task.status in (TaskStatus.FAILED, TaskStatus.PAUSED):
                first = {**NOTHING_DONE, "attempts": 1} if from_start else {}
                ledger.move_task(task.task_id, TaskEvent.RETRY, cause, **first)
        if from_start:
            discard_staged(engine, store, tables)
        ledger.move_plan(PlanEvent.RESUME if is_paused else PlanEvent.RETRY, cause, error=None)

    return _move(database, plan_id, "RETRY", (PlanStatus.FAILED, PlanStatus.PAUSED), move, goes_on=True)


def rollback(database: Database, plan_id: int) -> Outcome:
    """Discards what a failed refresh has staged. It had published nothing, so that nothing else is to be undone."""

    def move(engine: DuckDbEngine, store: Store, ledger: Ledger, tables: Sequence[TableDefinition]) -> None:
        later = store.later_plans(plan_id, [table.relation_id for table in tables])
        staged = store.staged_files([table.relation_id for table in tables])
        if later or not any(staged.values()):
            why = f"its tables were refreshed again since, by refresh {later[0]}" if later else "it has staged nothing"
            raise _Refused(
                RefusalKind.NOTHING_TO_ROLL_BACK,
                f"refresh {plan_id} cannot be rolled back: {why}",
                "nothing of it was published; there is nothing to undo",
            )
        for task in list(ledger.tasks.values()):
            if task.status is TaskStatus.FAILED:
                ledger.move_task(task.task_id, TaskEvent.ROLLBACK, "ROLLBACK REFRESH", checkpoint=None)
            elif task.status in (TaskStatus.CREATED, TaskStatus.SKIPPED):
                ledger.move_task(task.task_id, TaskEvent.CANCEL, "ROLLBACK REFRESH")
            elif task.checkpoint is not None:
                ledger.change_task(task.task_id, checkpoint=None)
        ledger.move_plan(PlanEvent.ROLLBACK, "ROLLBACK REFRESH")
        discard_staged(engine, store, tables)

    return _move(database, plan_id, "ROLLBACK", (PlanStatus.FAILED,), move)


def wait(database: Database, plan_id: int | None, timeout: float | None) -> Outcome:
    """Waits until a refresh (None: all) does not run any more: over, failed, or paused."""
    deadline = None if timeout is None else monotonic() + timeout
    runs = database.registry.all_running()
    if plan_id is not None:
        runs = {id_: run for id_, run in runs.items() if id_ == plan_id}
    for id_, run in runs.items():
        left = None if deadline is None else max(deadline - monotonic(), 0.0)
        if not run.control.wait_for_end(left):
            message = f"refresh {id_} is not over after {timeout:g} s"
            return _refused(database, id_, RefusalKind.TIMEOUT, message, "it goes on; SHOW REFRESHES shows how far")
    if plan_id is None:
        return Outcome(plan_id=0, status=None, refusal=None)
    return _as_it_is(database, plan_id)


# -- how they are carried out ------------------------------------------------------------------------------------------


class _Refused(Exception):  # noqa: N818 - the way of a refusal out of a move
    def __init__(self, kind: RefusalKind, message: str, hint: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(kind=kind, message=message, hint=hint)


def _ask(database: Database, plan_id: int, request: Request, wanted: PlanStatus, done: str) -> Outcome:
    """Asks a running refresh, and looks at what became of it."""
    run = database.registry.running(plan_id)
    if run is not None:
        run.control.ask(request, f"{request} REFRESH")
        if not run.control.wait_for_end(database.config.lock_timeout):
            message = f"refresh {plan_id} is not {done} yet: it is within a long stage"
            return _refused(database, plan_id, RefusalKind.TIMEOUT, message, "it will be at the end of that stage")
    outcome = _as_it_is(database, plan_id)
    if outcome.is_done and outcome.status is not wanted:
        return _illegal(plan_id, outcome.status, str(request))
    if outcome.is_done and run is None:  # it is already what is asked for
        return _illegal(plan_id, outcome.status, str(request))
    return outcome


def _move(
    database: Database,
    plan_id: int,
    verb: str,
    allowed: Sequence[PlanStatus],
    move: Callable[[DuckDbEngine, Store, Ledger, Sequence[TableDefinition]], None],
    *,
    goes_on: bool = False,
) -> Outcome:
    """Moves a plan that does not run, by one transaction, with its tables claimed."""
    with opened_store(database) as (engine, store):
        try:
            plan = store.plan(plan_id)
        except UnknownRelation as error:
            return _unknown(plan_id, error)
        if plan.status not in allowed:
            return _illegal(plan_id, plan.status, verb)
        tables = tables_of(database, plan)
        run = new_run(database, tables, plan_id)
        blocked = database.registry.take_over(plan_id, [table.name for table in tables], run)
        if blocked is not None:
            message = f"{blocked[0]} is being refreshed, by {blocked[1].who}"
            return _refused(database, plan_id, RefusalKind.CONFLICT, message, blocked[1].way_on)
        keeps_tables = False
        plan = store.plan(plan_id)  # as it stays while its tables are ours
        ledger = Ledger(plan, store.tasks(plan_id), database.clock)
        try:
            if plan.status not in allowed:
                return _illegal(plan_id, plan.status, verb)
            ledger.commit(engine, store, lambda: move(engine, store, ledger, tables))
            keeps_tables = goes_on
        except _Refused as refused:
            return Outcome(plan_id=plan_id, status=plan.status, refusal=refused.refusal)
        except ConflictError as error:
            return _refused(database, plan_id, RefusalKind.CONFLICT, error.message, error.hint or "")
        finally:
            if not keeps_tables:
                database.registry.give_back(plan_id, run, is_paused=ledger.plan.status is PlanStatus.PAUSED)
    if goes_on:
        go_on(database, plan_id, run)
    return Outcome(plan_id=plan_id, status=ledger.plan.status, refusal=None)


def _check_attempts(database: Database, store: Store, ledger: Ledger, tables: Sequence[TableDefinition]) -> None:
    failed = [task for task in ledger.tasks.values() if task.status is TaskStatus.FAILED]
    for task in failed:
        ids = [task.relation_id] if task.relation_id else [table.relation_id for table in tables]
        settings = settings_in_force(store, ids, database.config).values()
        maximum = max(it.max_attempts for it in settings)
        if task.attempts >= maximum:
            raise _Refused(
                RefusalKind.RETRY_EXHAUSTED,
                f"{task.name} of refresh {ledger.plan.plan_id} has had {task.attempts} of {maximum} attempts",
                f"REFRESH TABLE begins another one, which takes what is staged; RETRY REFRESH {ledger.plan.plan_id} "
                f"FROM START begins anew; ALTER TABLE … SET (max_attempts = {maximum + 1}) allows one more attempt",
            )


def _as_it_is(database: Database, plan_id: int) -> Outcome:
    with opened_store(database) as (_, store):
        try:
            return Outcome(plan_id=plan_id, status=store.plan(plan_id).status, refusal=None)
        except UnknownRelation as error:
            return _unknown(plan_id, error)


def _unknown(plan_id: int, error: UnknownRelation) -> Outcome:
    refusal = Refusal(kind=RefusalKind.UNKNOWN, message=error.message, hint=error.hint)
    return Outcome(plan_id=plan_id, status=None, refusal=refusal)


def _refused(database: Database, plan_id: int, kind: RefusalKind, message: str, hint: str) -> Outcome:
    refusal = Refusal(kind=kind, message=message, hint=hint)
    return Outcome(plan_id=plan_id, status=_as_it_is(database, plan_id).status, refusal=refusal)


_POSSIBLE = {
    PlanStatus.CREATED: "it can be cancelled",
    PlanStatus.RUNNING: "it can be paused or cancelled",
    PlanStatus.PAUSED: "it can be resumed, retried or cancelled",
    PlanStatus.FAILED: "it can be retried or rolled back",
}


def _illegal(plan_id: int, status: PlanStatus | None, verb: str) -> Outcome:
    hint = _POSSIBLE.get(status, "it is over; REFRESH TABLE starts another one") if status else None
    refusal = Refusal(
        kind=RefusalKind.ILLEGAL_TRANSITION, message=f"cannot {verb} refresh {plan_id}: it is {status}", hint=hint
    )
    return Outcome(plan_id=plan_id, status=status, refusal=refusal)
