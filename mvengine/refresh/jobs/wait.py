"""Waits for jobs."""

from __future__ import annotations

from time import monotonic

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error, OperationalError, StateError, UnknownRelation
from mvengine.meta.states import JobStatus
from mvengine.refresh.database import Database
from mvengine.refresh.jobs.outcome import JobOutcome

POLL_SECONDS = 0.05
"""Between two looks at a job that another session carries out in the foreground."""


def wait_jobs(database: Database, job_id: int | None, timeout: float | None) -> JobOutcome:
    """Waits until a job is over, or all background jobs are that run now; ``timeout`` in seconds.

    The outcome has the error of a job that failed or was cancelled (of several, of the first), StateError (57014) where
    the time is up before, UnknownRelation where there never was such a job.
    """
    deadline = _Deadline(timeout)
    if job_id is not None:
        return _wait_one(database, job_id, deadline)
    running = [build for build in list(database.builds.values()) if not build.is_over.is_set()]
    outcomes = [_wait_one(database, build.job_id, deadline) for build in running]
    failed = next((outcome for outcome in outcomes if outcome.error is not None), None)
    return failed or JobOutcome(job_id=None, status=None, error=None)


class _Deadline:
    """What is left of a time-out, in seconds; None: there is none."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else monotonic() + timeout

    def left(self) -> float | None:
        return None if self._end is None else max(self._end - monotonic(), 0.0)


def _wait_one(database: Database, job_id: int, deadline: _Deadline) -> JobOutcome:
    build = database.builds.get(job_id)
    if build is not None:
        if not build.is_over.wait(deadline.left()):
            return _late(job_id)
        status = JobStatus.CREATED if build.error is None else None
        return JobOutcome(job_id=job_id, status=status, error=build.error)
    engine = database.engine.fork()
    try:
        while True:
            outcome = stored_outcome(database, engine, job_id)
            if outcome.status in (None, JobStatus.CREATED):
                return outcome
            if deadline.left() == 0 or database.workers.stop.wait(POLL_SECONDS):
                return _late(job_id)
    finally:
        engine.close()


def stored_outcome(database: Database, engine: DuckDbEngine, job_id: int) -> JobOutcome:
    """A job's status as it is stored, or how it ended."""
    store = database.store(engine)
    status = next((job.status for job in store.jobs() if job.job_id == job_id), None)
    if status is not None:
        return JobOutcome(job_id=job_id, status=status, error=None)
    error: Error
    ended = store.ended_job(job_id)
    if ended is None:
        error = UnknownRelation(f"there is no job {job_id}", hint="SHOW JOBS lists what there is")
    else:
        event, cause = ended
        kind = OperationalError if event == "FAIL" else StateError
        error = kind(f"job {job_id} is no more ({event}): {cause}", hint="mv_catalog.state_history tells of it")
    return JobOutcome(job_id=job_id, status=None, error=error)


def _late(job_id: int) -> JobOutcome:
    error = StateError(f"job {job_id} is not over yet", hint="WAIT longer, or CANCEL it", code="57014", retryable=True)
    return JobOutcome(job_id=job_id, status=JobStatus.CREATING, error=error)
