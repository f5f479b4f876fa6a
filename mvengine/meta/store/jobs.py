"""Jobs: standing definitions being built or kept. A transition and its history are one compare-and-set statement."""

from __future__ import annotations

from mvengine.errors import UnknownRelation
from mvengine.meta.records import Job, RelationKind
from mvengine.meta.states import JOB, JobEvent, JobStatus, transition
from mvengine.meta.store.base import Row, StoreBase, aware
from mvengine.meta.store.conflict import lost_race, raising_conflict
from mvengine.schema import Name

_COLUMNS = """job_id, relation_id, schema_name, name, kind, status, phase, progress, is_background, version,
       created_at, updated_at"""

_MOVE = f"""
WITH moved AS (
    UPDATE mv_meta.jobs
    SET status = $to, version = version + 1, updated_at = $now,
        progress = CASE WHEN $to = 'CREATED' THEN 1 ELSE progress END
    WHERE job_id = $job_id AND status = $from AND version = $version
    RETURNING *
), noted AS (
    INSERT INTO mv_meta.state_history
    SELECT nextval('mv_meta.history_seq'), 'job', job_id, schema_name, name, $from, $event, $to, $cause, NULL, $now
    FROM moved
)
SELECT {_COLUMNS} FROM moved
"""


class JobStore(StoreBase):
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
        target = transition(JOB, job.status, event)
        values = {
            "job_id": job_id,
            "from": job.status,
            "version": job.version,
            "event": event,
            "to": target,
            "cause": cause,
            "now": self._now(),
        }
        with raising_conflict(f"job {job_id} ({job.name})"):
            rows = self._rows(_MOVE, values)
        if not rows:
            raise lost_race(f"job {job_id} ({job.name})")
        return _job(rows[0])

    def set_job_progress(self, job_id: int, phase: str | None, progress: float) -> None:
        """Record how far a job is: ``progress`` from 0 to 1."""
        values = [phase, progress, self._now(), job_id]
        self._rows("UPDATE mv_meta.jobs SET phase = ?, progress = ?, updated_at = ? WHERE job_id = ?", values)

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
