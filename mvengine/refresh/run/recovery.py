"""What start-up does to refreshes that a process left unfinished, by the policy of their tables.

    resume    goes on from the last durable stage, in the background; without one, back to IDLE
    restart   begins anew, in the background
    reset     back to IDLE; what was staged is removed

All is decided and recorded, with its cause, in the transaction of the caller: a recovery that is killed is made again.
A paused refresh stays paused. Where the tables of a refresh differ, the most careful policy counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from mvengine.config import Config
from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.plan_records import Failure, Plan
from mvengine.meta.states import PlanEvent, PlanStatus, RefreshEvent, RefreshState, TaskEvent, TaskStatus
from mvengine.meta.store import Store
from mvengine.refresh.graph import Graph, TableDefinition
from mvengine.refresh.options import Settings, settings_in_force
from mvengine.refresh.run.ledger import NOTHING_DONE, Ledger
from mvengine.refresh.run.loading import discard_staged

ENDED = "the process ended"
CLOSED = "the database was closed"
_CAREFUL = ("reset", "restart", "resume")  # the first one that a table has counts


def recover_plans(
    engine: DuckDbEngine, store: Store, graph: Graph, config: Config, clock: Callable[[], datetime]
) -> tuple[int, ...]:
    """Brings plans and refresh states to a defined state. Returns the plans that are to go on, those that had begun
    first: they have their tables."""
    going_on: list[Plan] = []
    kept: set[int] = set()  # tables whose refresh goes on or is paused
    for plan in store.plans([PlanStatus.CREATED, PlanStatus.RUNNING, PlanStatus.PAUSED]):
        tables = tuple(table for table in graph.tables.values() if table.relation_id in plan.relation_ids)
        ledger = Ledger(plan, store.tasks(plan.plan_id), clock)
        if plan.status is PlanStatus.PAUSED and not _was_closed(store, plan.plan_id):
            kept |= {table.relation_id for table in tables}
            continue
        if _decide(engine, store, config, ledger, tables):
            going_on.append(plan)
            kept |= {table.relation_id for table in tables}
        ledger.write(store)
    _set_back(store, kept)
    return tuple(plan.plan_id for plan in sorted(going_on, key=lambda plan: plan.status is PlanStatus.CREATED))


def _decide(
    engine: DuckDbEngine, store: Store, config: Config, ledger: Ledger, tables: Sequence[TableDefinition]
) -> bool:
    """Moves one plan; whether it goes on."""
    plan = ledger.plan
    policy = _policy(store, config, tables)
    files = sum(len(rows) for rows in store.staged_files([table.relation_id for table in tables]).values())
    is_crash = plan.status is not PlanStatus.PAUSED
    ended = f"{ENDED} while it was {plan.status}" if is_crash else CLOSED
    if plan.status is PlanStatus.CREATED:
        if policy == "reset" or not tables:
            ledger.move_plan(PlanEvent.CANCEL, f"{ended}; recovery = 'reset'", error=ended)
            return False
        return True
    crashes = is_crash + sum(
        it.task_id is None and it.event == PlanEvent.RECOVER and it.cause.startswith(ENDED)
        for it in store.events(plan.plan_id)
    )
    attempts_max = max((it.max_attempts for it in _settings(store, config, tables)), default=config.max_attempts)
    if len(tables) < len(plan.relation_ids):
        return _fail(store, ledger, f"{ended}, and a table of it was dropped")
    if crashes >= max(attempts_max, 2):
        return _fail(store, ledger, f"{ended}, {crashes} times by now: it is not tried again by itself")
    match policy:
        case "restart":
            interrupt(ledger, f"{ended}; recovery = 'restart': it begins anew")
            for task in list(ledger.tasks.values()):
                if task.status is TaskStatus.COMPLETED:
                    ledger.move_task(task.task_id, TaskEvent.RESET, "recovery = 'restart'")
                ledger.change_task(task.task_id, **NOTHING_DONE)
            discard_staged(engine, store, tables)
        case "resume" if files or not ledger.tasks:
            interrupt(ledger, f"{ended}; recovery = 'resume': it goes on from {files} staged files or parts")
        case "resume":
            return _fail(store, ledger, f"{ended}; nothing was staged to go on from")
        case _:
            discard_staged(engine, store, tables)
            return _fail(store, ledger, f"{ended}; recovery = 'reset'")
    ledger.move_plan(PlanEvent.RESUME, f"recovery = '{policy}'")
    return True


def _was_closed(store: Store, plan_id: int) -> bool:
    """Whether a plan is PAUSED because the database was closed under it, and not because somebody has paused it."""
    last = [event for event in store.events(plan_id) if event.task_id is None][-1]
    return last.event == PlanEvent.RECOVER


def interrupt(ledger: Ledger, cause: str) -> None:
    """What ran is PAUSED by RECOVER: behind its last durable stage, until start-up decides."""
    for task in list(ledger.tasks.values()):
        if task.status is TaskStatus.RUNNING:
            ledger.move_task(task.task_id, TaskEvent.RECOVER, cause)
    if ledger.plan.status is PlanStatus.RUNNING:
        ledger.move_plan(PlanEvent.RECOVER, cause)


def fail_lost(store: Store, relation_ids: Sequence[int], clock: Callable[[], datetime]) -> str:
    """Refreshes of these tables that are RUNNING and are carried out by nobody have failed: their end could not be
    written, to a full disk it may be. The cause. In the transaction of the caller, who has the tables."""
    cause = "it had ended, and its states could not be written then"
    for plan in store.plans([PlanStatus.RUNNING]):
        if set(plan.relation_ids) & set(relation_ids):
            ledger = Ledger(plan, store.tasks(plan.plan_id), clock)
            _fail(store, ledger, cause)
            ledger.write(store)
    return cause


def _fail(store: Store, ledger: Ledger, cause: str) -> bool:
    """What ran has failed, what had not begun is skipped; it can be retried by hand."""
    if ledger.plan.status is PlanStatus.PAUSED:
        ledger.move_plan(PlanEvent.RESUME, cause)
    for task in list(ledger.tasks.values()):
        if task.status is TaskStatus.PAUSED:
            ledger.move_task(task.task_id, TaskEvent.RESUME, cause)
    for task in list(ledger.tasks.values()):
        if task.status is TaskStatus.RUNNING:
            failed = ledger.move_task(task.task_id, TaskEvent.FAIL, cause)
            ledger.fail(_interrupted(failed.task_id, failed.attempts, failed.relation, cause, failed.finished_at))
        elif task.status is TaskStatus.CREATED:
            ledger.move_task(task.task_id, TaskEvent.SKIP, cause)
    ledger.move_plan(PlanEvent.FAIL, cause, error=cause)
    return False


def _interrupted(task_id: int, attempt: int, relation: str | None, cause: str, at: datetime | None) -> Failure:
    assert at is not None
    return Failure(
        task_id=task_id,
        attempt=attempt,
        code="57P02",
        type="interrupted",
        message=cause,
        relation=relation,
        stage=None,
        file=None,
        line=None,
        retryable=True,
        occurred_at=at,
    )


def _set_back(store: Store, kept: set[int]) -> None:
    """Tables whose refresh does not go on are IDLE. What is staged stays for the next refresh, or for a retry."""
    held = [
        job for id_, job in store.refresh_states().items() if job.state is not RefreshState.IDLE and id_ not in kept
    ]
    staged = store.staged_files([job.relation_id for job in held]) if held else {}
    for job in held:
        files = len(staged[job.relation_id])
        what = f"{files} staged files are kept for the next refresh" if files else "nothing is staged"
        store.move_refreshes([job], RefreshEvent.RECOVER, f"the process ended while {job.state}; {what}")


def _settings(store: Store, config: Config, tables: Sequence[TableDefinition]) -> list[Settings]:
    return list(settings_in_force(store, [table.relation_id for table in tables], config).values())


def _policy(store: Store, config: Config, tables: Sequence[TableDefinition]) -> str:
    wanted = {settings.recovery for settings in _settings(store, config, tables)}
    return next((policy for policy in _CAREFUL if policy in wanted), config.recovery)
