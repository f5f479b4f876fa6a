"""Starting refreshes, in the foreground and in threads, and carrying on those that are stored.

Whoever starts one takes its tables first: one refresh of a table at a time, and a paused one keeps its tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error, InterfaceError, StateError, UnknownRelation
from mvengine.meta.plan_records import Plan
from mvengine.meta.states import PlanEvent, PlanStatus, RefreshState
from mvengine.meta.store import Store
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.options import settings_in_force
from mvengine.refresh.run.control import Control, Request
from mvengine.refresh.run.execution import Asking, Execution, RefreshResult
from mvengine.refresh.run.ledger import Ledger
from mvengine.refresh.run.progress import LiveProgress
from mvengine.refresh.run.registry import Run
from mvengine.refresh.run.reporter import OnProgress, reported
from mvengine.refresh.run.workers import Stop
from mvengine.schema import Name

QUEUE_SECONDS = 0.2  # between two looks of a refresh that waits for another one: so that Ctrl-C is heard


class Taken(StateError):  # noqa: N818 - a StateError for the caller, told apart by the scheduler
    """Another refresh has a table."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """A refresh that was started. ``plan_id`` is None where there was nothing to do; ``results`` are a foreground's."""

    plan_id: int | None
    status: PlanStatus
    results: tuple[RefreshResult, ...]


def start(
    database: Database,
    tables: Sequence[TableDefinition],
    *,
    reads_all: bool = False,
    is_verified: bool = False,
    is_background: bool = False,
    queue: bool = False,
    trigger: str = "statement",
    on_progress: OnProgress | None = None,
    control: Control | None = None,
) -> Started:
    """Refreshes tables and all views downstream under one epoch.

    In the foreground it returns when that is over. Errors: StateError where one of the tables is being refreshed (not
    with ``queue``: then it waits), and those of the task that failed: nothing is published then. Who keeps ``control``
    can end it meanwhile. With ``is_verified``, views are compared with their queries before that is published.
    """
    asking = _asking(
        database, tables, reads_all=reads_all, is_verified=is_verified, trigger=trigger, is_background=is_background
    )
    run = new_run(database, tables, None, control=control)
    names = [table.name for table in tables]
    if not is_background:
        with _given_up_if_interrupted(database, run):
            _claim(database, run, names, queue=queue)
            execution = Execution(database, asking, run.control, run.progress, None)
            run.control.begin()
        results = _carry_out(database, execution, run, on_progress)
        plan = execution.ledger.plan if execution.ledger else None
        return Started(plan_id=plan.plan_id if plan else None, status=PlanStatus.COMPLETED, results=results)
    with _given_up_if_interrupted(database, run):
        if not queue:
            _claim(database, run, names, queue=False)
        ledger = _number(database, asking, run, is_begun=not queue)
        started = Started(plan_id=ledger.plan.plan_id, status=ledger.plan.status, results=())
        _go_on(database, asking, run, ledger, queue=queue, on_progress=on_progress)
    return started


@contextmanager
def _given_up_if_interrupted(database: Database, run: Run) -> Iterator[None]:
    """Lets go of what a refresh has where the block fails, or Ctrl-C comes, before anybody carries it out."""
    try:
        yield
    except BaseException:
        if run.control.give_up():
            database.registry.release(run)
            if run.plan_id is not None:
                database.registry.end(run.plan_id)
                _withdraw(database, run.plan_id)
        raise


def _withdraw(database: Database, plan_id: int) -> None:
    """A refresh that nobody will carry out is over, if it is stored."""
    with opened_store(database) as (engine, store), suppress(UnknownRelation):
        ledger = Ledger(store.plan(plan_id), store.tasks(plan_id), database.clock)
        ledger.move_plan(PlanEvent.CANCEL, "interrupted before it began", error="interrupted")
        ledger.commit(engine, store)


def _number(database: Database, asking: Asking, run: Run, *, is_begun: bool) -> Ledger:
    """A plan for a refresh in the background, before it has looked at anything."""
    with opened_store(database) as (engine, store):
        plan = store.new_plan(
            [table.relation_id for table in asking.tables],
            [str(table.name) for table in asking.tables],
            trigger=asking.trigger,
            reads_all=asking.reads_all,
            is_verified=asking.is_verified,
            is_background=True,
        )
        run.plan_id = plan.plan_id
        ledger = Ledger(plan, (), database.clock, is_new=True)
        if is_begun:
            ledger.move_plan(PlanEvent.START, asking.trigger)
        ledger.commit(engine, store)
        return ledger


def go_on(database: Database, plan_id: int, run: Run | None = None) -> None:
    """Carries a stored plan that is CREATED or RUNNING on, in the background. ``run`` has its tables; without one it is
    start-up that sets it going."""
    with opened_store(database) as (_, store):
        plan, tasks = store.plan(plan_id), store.tasks(plan_id)
    tables = tables_of(database, plan)
    is_waiting = plan.status is PlanStatus.CREATED  # for its tables, it may be: a refresh before it may go on, too
    if run is None:
        run = new_run(database, tables, plan_id, is_recovered=True)
        if not is_waiting:
            database.registry.take_over(plan_id, [table.name for table in tables], run)
    asking = _asking(
        database,
        tables,
        reads_all=plan.reads_all,
        is_verified=plan.is_verified,
        trigger=plan.trigger,
        is_background=plan.is_background,
    )
    _go_on(database, asking, run, Ledger(plan, tasks, database.clock), queue=is_waiting, on_progress=None)


def keep_paused(database: Database) -> None:
    """Refreshes that were paused before the database was opened have their tables."""
    with opened_store(database) as (_, store):
        for plan in store.plans([PlanStatus.PAUSED]):
            tables = tables_of(database, plan)
            run = new_run(database, tables, plan.plan_id)
            database.registry.take_over(plan.plan_id, [table.name for table in tables], run)
            database.registry.pause(plan.plan_id, run)


def _asking(
    database: Database,
    tables: Sequence[TableDefinition],
    *,
    reads_all: bool,
    is_verified: bool,
    trigger: str,
    is_background: bool,
) -> Asking:
    return Asking(
        tables=tuple(tables),
        reads_all=reads_all,
        is_verified=is_verified,
        trigger=trigger,
        is_background=is_background,
        attempts_max=lambda relation_id: _attempts_max(database, tables, relation_id),
    )


def _attempts_max(database: Database, tables: Sequence[TableDefinition], relation_id: int | None) -> int:
    """That of the relation; of publishing, the most patient of the tables'."""
    ids = [table.relation_id for table in tables] if relation_id is None else [relation_id]
    with opened_store(database) as (_, store):
        return max(settings.max_attempts for settings in settings_in_force(store, ids, database.config).values())


def new_run(
    database: Database,
    tables: Sequence[TableDefinition],
    plan_id: int | None,
    *,
    is_recovered: bool = False,
    control: Control | None = None,
) -> Run:
    """A refresh of these tables, which begins now. It has none of them yet."""
    live = LiveProgress(database.clock, name=", ".join(str(table.name) for table in tables))
    return Run(
        control=control or Control(),
        progress=live,
        plan_id=plan_id,
        began_at=database.clock(),
        is_recovered=is_recovered,
        is_paused=False,
    )


def _claim(database: Database, run: Run, names: Sequence[Name], *, queue: bool) -> None:
    """Takes the tables. A refresh that start-up has set going is waited for: after a crash people start it again."""
    while True:
        blocked = database.registry.claim(names, run)
        if blocked is None:
            return
        name, holder = blocked
        if not queue and (holder.is_paused or not holder.is_recovered):
            with opened_store(database) as (_, store):
                held = database.graph.tables.get(name)
                job = store.refresh_states([held.relation_id]).get(held.relation_id) if held else None
            state = job.state if job else "gone"
            is_listing = state == RefreshState.IDLE  # its source is looked at before it is known what there is to do
            raise Taken(
                f"{name} is being refreshed already: "
                + (f"its source is listed, by {holder.who}" if is_listing else f"it is {state}, by {holder.who}"),
                hint=f"{holder.way_on}, or put this one behind it with QUEUE",
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
        if not run.control.begin():
            return
        try:
            if queue and not _has_tables(database, run, asking, ledger):
                return
            execution = Execution(database, asking, run.control, run.progress, ledger)
            _carry_out(database, execution, run, on_progress)
        except Error:
            pass  # the states say what it was; what is no ``Error`` is a bug, and the thread shows it
        finally:
            _over(database, run, plan_id, is_paused=ledger.plan.status is PlanStatus.PAUSED)

    try:
        database.workers.start(
            f"refresh-{plan_id}", work, interrupt=lambda: run.control.ask(Request.STOP, "the database was closed")
        )
    except BaseException:
        if run.control.give_up():
            database.registry.release(run)
            database.registry.end(plan_id)
        raise


def _has_tables(database: Database, run: Run, asking: Asking, ledger: Ledger) -> bool:
    """Waits until the tables are free; False where the refresh was ended meanwhile: cancelled, or left for start-up."""
    try:
        _claim(database, run, [table.name for table in asking.tables], queue=True)
    except StateError:
        if run.control.request is Request.CANCEL:
            ledger.move_plan(PlanEvent.CANCEL, run.control.cause, error=run.control.cause)
            with opened_store(database) as (engine, store):
                ledger.commit(engine, store)
        return False
    return True


def _carry_out(
    database: Database, execution: Execution, run: Run, on_progress: OnProgress | None
) -> tuple[RefreshResult, ...]:
    """Runs an execution in this thread; its requests, claims and progress end with it."""

    def number(plan_id: int) -> None:
        run.progress.identify(plan_id)
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
    """Once: when it was told, others may have begun to carry the same plan on."""
    if run.control.wait_for_end(0):
        return
    if is_paused and plan_id is not None:
        database.registry.pause(plan_id, run)
    else:
        database.registry.release(run)
    if plan_id is not None:
        database.registry.end(plan_id)
    run.control.end()


def tables_of(database: Database, plan: Plan) -> tuple[TableDefinition, ...]:
    """The tables of a plan that are still there."""
    ids = set(plan.relation_ids)
    return tuple(table for table in database.graph.tables.values() if table.relation_id in ids)


@contextmanager
def opened_store(database: Database) -> Iterator[tuple[DuckDbEngine, Store]]:
    """A store on a connection of its own, for as long as the block lasts. InterfaceError where the database is closed
    meanwhile, as it may be by another thread."""
    engine = database.engine.fork()
    try:
        yield engine, database.store(engine)
    except Exception as error:
        if database.workers.stop.is_set():
            raise InterfaceError("the database was closed meanwhile", hint="open it again") from error
        raise
    finally:
        engine.close()
