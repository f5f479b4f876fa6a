"""Ends jobs from outside: stops their threads, and removes what they have built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mvengine.errors import StateError
from mvengine.refresh.database import Database
from mvengine.refresh.graph import Building
from mvengine.refresh.jobs.outcome import JobOutcome
from mvengine.refresh.jobs.run import finish, remove, resume
from mvengine.refresh.jobs.wait import stored_outcome
from mvengine.refresh.transaction import Transaction


def cancel_job(database: Database, job_id: int) -> JobOutcome:
    """Ends a background job and removes every trace of what it has built; its history stays.

    Raises LockTimeout where somebody else writes for too long. A job that is CREATED is refused (StateError): it is a
    view or table like others, and DROP removes it.
    """
    engine = database.engine.fork()
    transaction = Transaction(database, engine, is_explicit=False)
    try:
        transaction.lock(f"CANCEL JOB {job_id}")
        building = next((b for b in database.graph.building.values() if b.job_id == job_id), None)
        if building is not None:
            with stopped(database, [building], "CANCEL JOB"):
                remove(transaction, building, "CANCEL", "CANCEL JOB")
            return JobOutcome(job_id=job_id, status=None, error=None)
        outcome = stored_outcome(database, engine, job_id)
        if outcome.status is None:
            return outcome
        error = StateError(f"job {job_id} is {outcome.status}: it is over", hint="DROP removes what it has made")
        return JobOutcome(job_id=job_id, status=outcome.status, error=error)
    finally:
        database.lock.release(transaction)
        engine.close()


@contextmanager
def stopped(database: Database, buildings: Iterable[Building], cause: str) -> Iterator[None]:
    """Stops these builds for a block that removes them and commits that. The caller has the writer lock, and reads
    nothing in its transaction before. Where the block fails they go on, as after a restart."""
    builds = [database.builds[building.job_id] for building in buildings if building.job_id in database.builds]
    for build in builds:
        build.stop()
    try:
        yield
    finally:
        left = {building.job_id for building in database.graph.building.values()}
        for build in builds:
            if build.job_id not in left:
                message = f"job {build.job_id} was cancelled: {cause}"
                finish(database, build, StateError(message, hint="create it again"))
        resume(database, left & {build.job_id for build in builds})
