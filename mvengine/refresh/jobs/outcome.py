"""What an operation on a job came to: a value also where it was refused, or where the job failed."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.errors import Error
from mvengine.meta.states import JobStatus


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """What an operation on job ``job_id`` came to (None: on all jobs); ``status`` is the job's afterwards (None: there
    is no such job any more). ``error``: why it was not carried out, or what the job failed of."""

    job_id: int | None
    status: JobStatus | None
    error: Error | None

    @property
    def is_done(self) -> bool:
        """Whether the operation was carried out; of a wait: whether what was waited for is CREATED."""
        return self.error is None

    def raise_refused(self) -> None:
        """The error, for SQL: UnknownRelation, StateError (57014 after a time-out), or what a build failed of."""
        if self.error is not None:
            raise self.error
