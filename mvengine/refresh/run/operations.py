"""What SQL and Python ask of refreshes: start, pause, resume, cancel, retry, roll back, wait.

What can go wrong in the domain is a value (``Outcome``); only a bug raises. A refresh that runs in this process is
told, and writes its states itself at its next stage; of one that does not run, the states are moved here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import ConflictError, StateError, UnknownRelation
from mvengine.meta.plan_records import Plan
from mvengine.meta.states import PlanEvent, PlanStatus, RefreshEvent, TaskEvent, TaskStatus
from mvengine.meta.store import Store
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.options import settings_in_force
from mvengine.refresh.plan.outcome import Outcome, Refusal, RefusalKind
from mvengine.refresh.run import tables as states
from mvengine.refresh.run.control import Control, Request
from mvengine.refresh.run.execution import Asking, Execution, RefreshResult
from mvengine.refresh.run.ledger import Ledger
from mvengine.refresh.run.loading import discard_staged
from mvengine.refresh.run.progress import LiveProgress
from mvengine.refresh.run.registry import Run
from mvengine.refresh.run.reporter import OnProgress, reported
from mvengine.refresh.run.workers import Stop
from mvengine.schema import Name

QUEUE_SECONDS = 0.2  # between two looks of a refresh that waits for another one: so that Ctrl-C is heard


@dataclass(frozen=True, kw_only=True)
class Started:
    """A refresh that was started. ``plan_id`` is None where there was nothing to do; ``results`` are a foreground's."""

    plan_id: int | None
    status: PlanStatus
    results: tuple[RefreshResult, ...]


# -- starting ----------------------------------------------------------------------------------------------------------


def start(
    database: Database,
    tables: Sequence[TableDefinition],
    *,
    reads_all: bool = False,
    is_background: bool = False,
    queue: bool = False,
    trigger: str = "statement",
    on_progress: OnProgress | None = None,
    control: Control | None = None,
) -> Started:
    """Refreshes tables and all views downstream under one epoch.

    In the foreground it returns when that is over. Errors: StateError where one of the tables is being refreshed (not
    with ``queue``: then it waits), and those of the task that failed: nothing is published then. Who keeps ``control``
    can end it meanwhile.
    """
    asking = _asking(database, tables, reads_all=reads_all, trigger=trigger, is_background=is_background)
    run = _new_run(database, tables, f"a refresh since {database.clock():%H:%M:%S} UTC", control=control)
    names = [table.name for table in tables]
    if not is_background:
        _claim(database, run, names, queue=queue)
        execution = Execution(database, asking, run.control, run.progress, None)
        results = _carry_out(database, execution, run, on_progress)
        plan = execution.ledger.plan if execution.ledger else None
        return Started(plan_id=plan.plan_id if plan else None, status=PlanStatus.COMPLETED, results=results)
    if not queue:
        _claim(database, run, names, queue=False)
    with _store(database) as (_, store):
        plan = store.create_plan(
            [table.relation_id for table in tables],
            [str(name) for name in names],
            trigger=trigger,
            reads_all=reads_all,
            is_background=True,
        )
    _go_on(database, asking, run, Ledger(plan, (), database.clock), queue=queue, on_progress=on_progress)
    return Started(plan_id=plan.plan_id, status=plan.status, results=())


def go_on(database: Database, plan_id: int, run: Run | None = None) -> None:
    """Carries a stored plan that is CREATED or RUNNING on, in the background. ``run`` has its tables; without one it is
    start-up that sets it going."""
    with _store(database) as (_, store):
        plan, tasks = store.plan(plan_id), store.tasks(plan_id)
    tables = _tables(database, plan)
    if run is None:
        run = _new_run(database, tables, f"refresh {plan_id}", is_recovered=True)
        database.registry.take_over(plan_id, [table.name for table in tables], run)
    asking = _asking(database, tables, reads_all=plan.reads_all, trigger=plan.trigger, is_background=plan.is_background)
    _go_on(database, asking, run, Ledger(plan, tasks, database.clock), queue=False, on_progress=None)


def keep_paused(database: Database) -> None:
    """Refreshes that were paused before the database was opened have their tables."""
    with _store(database) as (_, store):
        for plan in store.plans([PlanStatus.PAUSED]):
            tables = _tables(database, plan)
            run = _new_run(database, tables, f"refresh {plan.plan_id}, which is paused")
            database.registry.take_over(plan.plan_id, [table.name for table in tables], run)
            database.registry.pause(plan.plan_id, run)


def _asking(
    database: Database, tables: Sequence[TableDefinition], *, reads_all: bool, trigger: str, is_background: bool
) -> Asking:
    return Asking(
        tables=tuple(tables),
        reads_all=reads_all,
        trigger=trigger,
        is_background=is_background,
        attempts_max=lambda relation_id: _attempts_max(database, tables, relation_id),
    )


def _attempts_max(database: Database, tables: Sequence[TableDefinition], relation_id: int | None) -> int:
    """That of the relation; of publishing, the most patient of the tables'."""
    ids = [table.relation_id for table in tables] if relation_id is None else [relation_id]
    with _store(database) as (_, store):
        return max(settings.max_attempts for settings in settings_in_force(store, ids, database.config).values())


def _new_run(
    database: Database,
    tables: Sequence[TableDefinition],
    who: str,
    *,
    is_recovered: bool = False,
    control: Control | None = None,
) -> Run:
    live = LiveProgress(database.clock, name=", ".join(str(table.name) for table in tables))
    return Run(control=control or Control(), progress=live, who=who, is_recovered=is_recovered)


def _claim(database: Database, run: Run, names: Sequence[Name], *, queue: bool) -> None:
    """Takes the tables. A refresh that start-up has set going is waited for: after a crash people start it again."""
    while True:
        blocked = database.registry.claim(names, run)
        if blocked is None:
            return
        name, holder = blocked
        if not queue and not holder.is_recovered:
            with _store(database) as (_, store):
                held = database.graph.tables.get(name)
                job = store.refresh_states([held.relation_id]).get(held.relation_id) if held else None
            raise StateError(
                f"{name} is being refreshed already: it is {job.state if job else 'gone'}, by {holder.who}",
                hint="wait for that refresh to end, or put this one behind it with QUEUE",
            )
        if run.control.wait(0) or database.workers.stop.is_set():
            raise StateError("the refresh was ended while it waited for another one", hint="start it again")
        database.registry.wait_for_release([name], QUEUE_SECONDS)


def _go_on(
    database: Database, asking: Asking, run: Run, ledger: Ledger, *, queue: bool, on_progress: OnProgress | None
) -> None:
    plan_id = ledger.plan.plan_id
    database.registry.begin(plan_id, run)
    run.progress.identify(plan_id)

    def work(stop: Stop) -> None:
        try:
            if queue:
                _claim(database, run, [table.name for table in asking.tables], queue=True)
            execution = Execution(database, asking, run.control, run.progress, ledger)
            _carry_out(database, execution, run, on_progress)
        except Exception:
            pass
        finally:
            _over(database, run, plan_id, is_paused=ledger.plan.status is PlanStatus.PAUSED)

    try:
        database.workers.start(
            f"refresh-{plan_id}", work, interrupt=lambda: run.control.ask(Request.STOP, "the database was closed")
        )
    except BaseException:
        _over(database, run, plan_id, is_paused=False)
        raise


def _carry_out(
    database: Database, execution: Execution, run: Run, on_progress: OnProgress | None
) -> tuple[RefreshResult, ...]:
    """Runs an execution in this thread; its requests, claims and progress end with it."""

    def number(plan_id: int) -> None:
        run.progress.identify(plan_id)
        run.who = f"refresh {plan_id} {run.who.removeprefix('a refresh ')}" if run.who.startswith("a ") else run.who
        database.registry.begin(plan_id, run)

    execution.on_number = number
    try:
        with reported(database, run.progress, on_progress):
            return execution.run()
    finally:
        ledger = execution.ledger
        is_paused = ledger is not None and ledger.plan.status is PlanStatus.PAUSED
        _over(database, run, ledger.plan.plan_id if ledger else None, is_paused=is_paused)


def _over(database: Database, run: Run, plan_id: int | None, *, is_paused: bool) -> None:
    if is_paused and plan_id is not None:
        database.registry.pause(plan_id, run)
    else:
        database.registry.release(run)
    if plan_id is not None:
        database.registry.end(plan_id)
    run.control.end()


# -- operations --------------------------------------------------------------------------------------------------------


def pause(database: Database, plan_id: int) -> Outcome:
    """Asks a running refresh to stop behind its next stage, and waits for that (at most ``lock_timeout``)."""
    return _ask(database, plan_id, Request.PAUSE, PlanStatus.PAUSED, "paused")


def cancel(database: Database, plan_id: int) -> Outcome:
    """Ends a refresh that is not over; what it had staged is removed."""
    if database.registry.running(plan_id) is not None:
        return _ask(database, plan_id, Request.CANCEL, PlanStatus.CANCELLED, "cancelled")

    def move(engine: DuckDbEngine, store: Store, ledger: Ledger, tables: Sequence[TableDefinition]) -> None:
        for task in list(ledger.tasks.values()):
            if task.status in (TaskStatus.CREATED, TaskStatus.PAUSED, TaskStatus.SKIPPED):
                ledger.move_task(task.task_id, TaskEvent.CANCEL, "CANCEL REFRESH")
        ledger.move_plan(PlanEvent.CANCEL, "CANCEL REFRESH", error="cancelled")
        states.end(store, tables, RefreshEvent.CANCEL, "CANCEL REFRESH")
        discard_staged(engine, store, tables)

    return _move(database, plan_id, "CANCEL", (PlanStatus.PAUSED,), move)


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
            anew = {"checkpoint": None, "stages_done": 0, "rows": 0, "bytes_done": 0}
            if task.status is TaskStatus.COMPLETED:
                if from_start:
                    ledger.move_task(task.task_id, TaskEvent.RESET, cause, attempts=0, **anew)
            elif task.status is TaskStatus.SKIPPED:
                ledger.move_task(task.task_id, TaskEvent.RESET, cause)
            elif task.status in (TaskStatus.FAILED, TaskStatus.PAUSED):
                first = {**anew, "attempts": 1} if from_start else {}
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
    with _store(database) as (engine, store):
        try:
            plan = store.plan(plan_id)
        except UnknownRelation as error:
            return _unknown(plan_id, error)
        if plan.status not in allowed:
            return _illegal(plan_id, plan.status, verb)
        ledger = Ledger(plan, store.tasks(plan_id), database.clock)
        tables = _tables(database, plan)
        run = _new_run(database, tables, f"refresh {plan_id}")
        blocked = database.registry.take_over(plan_id, [table.name for table in tables], run)
        if blocked is not None:
            message = f"{blocked[0]} is being refreshed, by {blocked[1].who}"
            return _refused(database, plan_id, RefusalKind.CONFLICT, message, "wait for that refresh to end")
        keeps_tables = False
        try:
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


def _tables(database: Database, plan: Plan) -> tuple[TableDefinition, ...]:
    """The tables of a plan that are still there."""
    ids = set(plan.relation_ids)
    return tuple(table for table in database.graph.tables.values() if table.relation_id in ids)


@contextmanager
def _store(database: Database) -> Iterator[tuple[DuckDbEngine, Store]]:
    engine = database.engine.fork()
    try:
        yield engine, database.store(engine)
    finally:
        engine.close()


def _as_it_is(database: Database, plan_id: int) -> Outcome:
    with _store(database) as (_, store):
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
