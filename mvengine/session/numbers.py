"""Numbers in statements: those of refreshes and those of jobs, which people mix up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import UnknownRelation
from mvengine.meta.states import JobStatus

if TYPE_CHECKING:
    from mvengine.session import Session


def require_refresh(session: Session, number: int) -> None:
    """Errors: UnknownRelation, which says so where the number is a job's."""
    if not session.engine.query("SELECT 1 FROM mv_catalog.plans WHERE plan_id = $1", [number]):
        raise unknown_refresh(session, number)


def unknown_refresh(session: Session, number: int) -> UnknownRelation:
    """There is no refresh of this number; perhaps a job was meant."""
    rows = session.engine.query("SELECT name, status FROM mv_catalog.jobs WHERE job_id = $1", [number])
    message, hint = f"there is no refresh {number}", "SHOW REFRESHES lists what there was"
    if rows:
        name, status = rows[0]
        message += f"; job {number}, of {name}, is {status}"
        if status != JobStatus.CREATED:
            hint = f"for the job use CANCEL JOB {number} or WAIT JOB {number}; SHOW REFRESHES lists refreshes"
    return UnknownRelation(message, hint=hint)


def unknown_job(session: Session, number: int) -> UnknownRelation:
    """There is no job of this number; perhaps a refresh was meant, or the job is gone with what it built."""
    rows = session.engine.query("SELECT tables, status FROM mv_catalog.plans WHERE plan_id = $1", [number])
    message, hint = f"there is no job {number}", "SHOW JOBS lists what there is; what was dropped or cancelled is gone"
    if rows:
        message += f"; refresh {number}, of {', '.join(rows[0][0])}, is {rows[0][1]}"
        hint = f"for the refresh use CANCEL REFRESH {number} or WAIT REFRESH {number}; SHOW JOBS lists jobs"
    return UnknownRelation(message, hint=hint)
