"""The refresh states of the tables of one plan, moved together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from mvengine.meta.records import RefreshJob
from mvengine.meta.states import RefreshEvent, RefreshState
from mvengine.meta.store import Store
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.run.recovery import fail_lost


def begin(
    store: Store, tables: Sequence[TableDefinition], known: Mapping[int, RefreshJob], clock: Callable[[], datetime]
) -> tuple[RefreshJob, ...]:
    """All tables are REFRESHING; their states afterwards, those before are ``known``. In the transaction of the caller,
    who has the tables: what is not IDLE was left so by a refresh that could not write its end."""
    ids = [table.relation_id for table in tables]
    jobs = tuple(known[id_] for id_ in ids)
    lost = [job for job in jobs if job.state is not RefreshState.IDLE]
    if lost:
        store.move_refreshes(lost, RefreshEvent.RECOVER, fail_lost(store, ids, clock))
        jobs = tuple(store.refresh_states(ids).values())
    return store.move_refreshes(jobs, RefreshEvent.TRIGGER, "REFRESH TABLE")


def go_on(store: Store, tables: Sequence[TableDefinition], cause: str) -> None:
    """As ``begin``, of a plan that has begun before: what is IDLE is triggered, the rest is REFRESHING again."""
    jobs = tuple(store.refresh_states([table.relation_id for table in tables]).values())
    store.move_refreshes([job for job in jobs if job.state is RefreshState.IDLE], RefreshEvent.TRIGGER, cause)
    store.move_refreshes([job for job in jobs if job.state is not RefreshState.IDLE], RefreshEvent.RESUME, cause)


def staged(store: Store, tables: Sequence[TableDefinition], held: Sequence[RefreshJob] = ()) -> tuple[RefreshJob, ...]:
    """All is staged: those that are not FINISHING yet become so. The states afterwards. ``held``: as they were left by
    ``begin``; else they are read."""
    ids = [table.relation_id for table in tables]
    jobs = tuple(held) if {job.relation_id for job in held} == set(ids) else tuple(store.refresh_states(ids).values())
    loading = [job for job in jobs if job.state is RefreshState.REFRESHING]
    moved = {job.relation_id: job for job in store.move_refreshes(loading, RefreshEvent.STAGE_DONE, "all is staged")}
    return tuple(moved.get(job.relation_id, job) for job in jobs)


def end(store: Store, tables: Sequence[TableDefinition], event: RefreshEvent, cause: str) -> None:
    """Those that are not IDLE are so by ``event`` (FAIL, CANCEL, RECOVER). Read, not remembered: an interrupt may have
    come between a transition's COMMIT and our knowing of it."""
    jobs = store.refresh_states([table.relation_id for table in tables]).values()
    held = [job for job in jobs if job.state is not RefreshState.IDLE]
    store.move_refreshes(held, event, cause, error=cause)


def is_dropped(database: Database, table: TableDefinition) -> bool:
    """Whether a table of the plan is gone, or another one by its name is there."""
    known = database.graph.tables.get(table.name)
    return known is None or known.relation_id != table.relation_id


def present(database: Database, tables: Sequence[TableDefinition]) -> tuple[TableDefinition, ...]:
    """The tables as they are defined now; those that were dropped stay as they were."""
    known = {table.relation_id: table for table in database.graph.tables.values()}
    return tuple(known.get(table.relation_id, table) for table in tables)
