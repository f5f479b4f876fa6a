"""What start-up does to whatever was unfinished, before anything else: in one transaction, so that a recovery that is
killed is recovered by the next one.

* A job that is not CREATED belongs to a foreground CREATE whose process has gone: its tables, fragment and rows of meta
  are removed.
* A table that is REFRESHING or FINISHING goes back to IDLE: its publishing transaction committed or it did not, and had
  it committed the state would be IDLE. Splits that lie in the staging table stay there and are recorded; the next
  refresh takes those whose files have not changed since, and loads the rest.
"""

from __future__ import annotations

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.records import Job
from mvengine.meta.states import JobStatus, RefreshEvent, RefreshState
from mvengine.meta.store import Store
from mvengine.refresh.definitions import drop_storage
from mvengine.testing.faults import fault_point


def recover(engine: DuckDbEngine, store: Store) -> None:
    """Brings jobs and refreshes to a defined state, and records what was decided, and why."""
    jobs = [job for job in store.jobs() if job.status is not JobStatus.CREATED]
    refreshes = [job for job in store.refresh_states().values() if job.state is not RefreshState.IDLE]
    if not jobs and not refreshes:
        return
    engine.begin()
    try:
        for job in jobs:
            _remove(engine, store, job)
        staged = store.staged_files([job.relation_id for job in refreshes])
        for refresh in refreshes:
            kept = len(staged[refresh.relation_id])
            cause = (
                f"the process ended while {refresh.state}; {kept} staged files are kept for the next refresh"
                if kept
                else f"the process ended while {refresh.state}; nothing was staged"
            )
            store.move_refreshes([refresh], RefreshEvent.RECOVER, cause)
        fault_point("recovery.before_commit")
        engine.commit()
    except BaseException:
        engine.rollback()
        raise


def _remove(engine: DuckDbEngine, store: Store, job: Job) -> None:
    for stored in store.load_relations():
        if stored.relation.relation_id == job.relation_id and stored.fragment is not None:
            drop_storage(engine, stored.fragment.text)
    store.drop_relation(job.relation_id, f"the process ended while the job was {job.status}")
