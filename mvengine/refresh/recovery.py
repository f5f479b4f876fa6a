"""What start-up does to whatever was unfinished, before anything else: in one transaction, so that a recovery that is
killed is recovered by the next one.

* A job that is INITIAL, or that is CREATING by a foreground CREATE whose process has gone: its tables, fragment and
  rows of meta are removed. A job in the background that is CREATING goes on: behind its last commit, or from a new
  snapshot if it had none yet (``refresh.jobs`` starts its thread as soon as the database is open).
* A refresh whose publishing transaction committed is over. Any other goes on from what is staged, or is set back, as
  ``refresh.run.recovery`` says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mvengine.config import Config
from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.records import Job
from mvengine.meta.states import JobEvent, JobStatus
from mvengine.meta.store import Store
from mvengine.refresh.definitions import drop_storage
from mvengine.refresh.graph import decode
from mvengine.refresh.run.recovery import recover_plans
from mvengine.testing.faults import fault_point


def recover(engine: DuckDbEngine, store: Store, config: Config, clock: Callable[[], datetime]) -> tuple[int, ...]:
    """Brings jobs and refreshes to a defined state, and records what was decided, and why. Returns the numbers of the
    refreshes that are to go on."""
    jobs = [job for job in store.jobs() if job.status is not JobStatus.CREATED]
    if not jobs and not store.has_unfinished_refreshes():
        return ()
    engine.begin()
    try:
        for job in jobs:
            if job.is_background and job.status is JobStatus.CREATING:
                store.move_job(job.job_id, JobEvent.RECOVER, _going_on(store, job), held=job)
            else:
                _remove(engine, store, job)
        going_on = recover_plans(engine, store, decode(store.load_relations()), config, clock)
        fault_point("recovery.before_commit")
        engine.commit()
        fault_point("recovery.after_commit")
    except BaseException:
        engine.rollback()
        raise
    return going_on


def _going_on(store: Store, job: Job) -> str:
    ended = f"the process ended while the job was {job.status}{f' in {job.phase}' if job.phase else ''}"
    consumer = store.consumer(job.relation_id)
    if consumer is None:
        return f"{ended}; it starts again"
    if not consumer.has_snapshot:
        return f"{ended} and had no snapshot yet; it starts again from a new one"
    return f"{ended}; it goes on from epoch {consumer.epoch}"


def _remove(engine: DuckDbEngine, store: Store, job: Job) -> None:
    for stored in store.load_relations():
        if stored.relation.relation_id == job.relation_id and stored.fragment is not None:
            drop_storage(engine, stored.fragment.text, str(engine.query("SELECT current_database()")[0][0]))
    store.drop_relation(job.relation_id, f"the process ended while the job was {job.status}")
