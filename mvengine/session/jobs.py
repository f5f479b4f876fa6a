"""CANCEL JOB and WAIT JOB: of tables and views that are made in the background."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from mvengine.errors import StateError, UnknownRelation
from mvengine.meta.states import JobStatus
from mvengine.refresh.jobs import JobOutcome, cancel_job, wait_jobs
from mvengine.schema import Column
from mvengine.session import answer
from mvengine.session.numbers import unknown_job
from mvengine.session.waiting import patiently

if TYPE_CHECKING:
    from mvengine.session import Session

JOB_COLUMNS = (Column(name="job_id", type="BIGINT"), Column(name="status", type="VARCHAR"))


def answer_job(session: Session, job_id: int, status: str) -> None:
    """A job and its state."""
    answer.answer(session, JOB_COLUMNS, [(job_id, status)])


def cancel(session: Session, job_id: int) -> None:
    """Ends a job. Errors: UnknownRelation, StateError where it is over, LockTimeout."""
    _require_done(session, job_id, cancel_job(session.database, job_id))
    answer_job(session, job_id, "CANCELLED")


def wait(session: Session, job_id: int, timeout: float | None) -> None:
    """Waits until a job is CREATED. Errors: what it failed of; StateError where it was cancelled, or (57014) where it
    takes longer; OperationalError (57014) where the wait is interrupted."""
    _require_done(session, job_id, _patiently(session, job_id, timeout))
    answer_job(session, job_id, JobStatus.CREATED)


def wait_for_all(session: Session, timeout: float | None) -> None:
    """Waits until no job is at work any more, however they end."""
    outcome = _patiently(session, None, timeout)
    if _is_late(outcome):
        outcome.raise_refused()


def _require_done(session: Session, job_id: int, outcome: JobOutcome) -> None:
    if isinstance(outcome.error, UnknownRelation):
        raise unknown_job(session, job_id)
    outcome.raise_refused()


def _patiently(session: Session, job_id: int | None, timeout: float | None) -> JobOutcome:
    return patiently(
        session,
        lambda seconds: wait_jobs(session.database, job_id, seconds),
        is_late=_is_late,
        deadline=inf if timeout is None else monotonic() + timeout,
        interrupted=lambda _: ("the wait for a job was interrupted", "the job goes on"),
    )


def _is_late(outcome: JobOutcome) -> bool:
    return isinstance(outcome.error, StateError) and outcome.error.code == "57014"
