"""Jobs: standing definitions being built or kept. Phase and progress may be written beside."""

from __future__ import annotations

from dataclasses import replace

from mvengine.errors import UnknownRelation
from mvengine.meta.records import Job, RelationKind
from mvengine.meta.states import JOB, JobEvent, JobStatus, transition
from mvengine.meta.store.base import Row, aware
from mvengine.meta.store.moves import MoveStore
from mvengine.schema import Name

_COLUMNS = """job_id, relation_id, schema_name, name, kind, status, phase, progress, is_background, version,
       created_at, updated_at"""

_MOVE = """
UPDATE mv_meta.jobs SET status = $to, version = version + 1, progress = $progress, updated_at = $now
WHERE job_id = $job_id AND status = $from AND version = $version
"""


class JobStore(MoveStore):
    def create_job(self, relation_id: int, name: Name, kind: RelationKind, *, is_background: bool) -> Job:
        """A new job in INITIAL."""
        values = [relation_id, name.schema, name.name, kind, JobStatus.INITIAL, is_background, self._now()]
        sql = f"""
            INSERT INTO mv_meta.jobs
            VALUES (nextval('mv_meta.job_ids'), $1, $2, $3, $4, $5, NULL, 0, $6, 0, $7, $7) RETURNING {_COLUMNS}
        """
        return _job(self._rows(sql, values)[0])

    def jobs(self) -> tuple[Job, ...]:
        """All jobs, in the order of their ids."""
        return tuple(_job(row) for row in self._rows(f"SELECT {_COLUMNS} FROM mv_meta.jobs ORDER BY job_id"))

    def move_job(self, job_id: int, event: JobEvent, cause: str, *, held: Job | None = None) -> Job:
        """Send ``event`` to a job; the job as it is afterwards.

        ``held`` is the job as the caller knows it (read now if not given): if it has moved since, nothing is written.
        ``StateError``: the state does not allow the event. ``ConflictError``: somebody else moved it first.
        """
        job = self._job(job_id) if held is None else held
        target, now = transition(JOB, job.status, event), self._now()
        progress = 1.0 if target is JobStatus.CREATED else job.progress
        values = {
            "job_id": job_id,
            "from": job.status,
            "version": job.version,
            "to": target,
            "progress": progress,
            "now": now,
        }
        moved = ("job", job_id, job.name.schema, job.name.name, job.status, event, target, cause, None, now)
        self._move(f"job {job_id} ({job.name})", _MOVE, values, [moved])
        return replace(job, status=target, version=job.version + 1, progress=progress, updated_at=aware(now))

    def set_job_progress(self, job_id: int, phase: str | None, progress: float) -> None:
        """Record how far a job is: ``progress`` from 0 to 1."""
        values = [phase, progress, self._now(), job_id]
        self._rows("UPDATE mv_meta.jobs SET phase = ?, progress = ?, updated_at = ? WHERE job_id = ?", values)

    def ended_job(self, job_id: int) -> tuple[str, str] | None:
        """Event and cause with which a job that is no more has ended; None if there never was such a job."""
        rows = self._rows(
            "SELECT event, cause FROM mv_meta.state_history WHERE subject = 'job' AND subject_id = ? "
            "AND to_state IS NULL ORDER BY seq DESC LIMIT 1",
            [job_id],
        )
        return rows[0] if rows else None

    def _job(self, job_id: int) -> Job:
        rows = self._rows(f"SELECT {_COLUMNS} FROM mv_meta.jobs WHERE job_id = ?", [job_id])
        if not rows:
            raise UnknownRelation(f"there is no job {job_id}", hint="mv_catalog.jobs lists all jobs")
        return _job(rows[0])


def _job(row: Row) -> Job:
    job_id, relation_id, schema, name, kind, status, phase, progress, background, version, created_at, updated_at = row
    return Job(
        job_id=job_id,
        relation_id=relation_id,
        name=Name(schema=schema, name=name),
        kind=RelationKind(kind),
        status=JobStatus(status),
        phase=phase,
        progress=progress,
        is_background=background,
        version=version,
        created_at=aware(created_at),
        updated_at=aware(updated_at),
    )
