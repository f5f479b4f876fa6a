"""Refreshes and jobs as Python objects: read at every look, steered by methods that return what came of it.

What can go wrong with an operation (it is over, somebody else was first, there is nothing to roll back) is a value,
``Outcome.refusal``, not an error; ``outcome.raise_refused()`` makes it one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from html import escape
from typing import TYPE_CHECKING

from mvengine.config import SECONDS_MAX
from mvengine.errors import UnknownRelation
from mvengine.library.listing import html_table
from mvengine.meta.plan_records import Failure, Task
from mvengine.meta.progress import Phase, Progress
from mvengine.meta.states import JobStatus, PlanStatus
from mvengine.refresh.jobs import JobOutcome, cancel_job, wait_jobs
from mvengine.refresh.jobs.wait import stored_outcome
from mvengine.refresh.plan.outcome import Outcome, Refusal, RefusalKind
from mvengine.refresh.run import operations
from mvengine.refresh.run.reporter import running
from mvengine.session.control import steer
from mvengine.sql.statements import ControlVerb

if TYPE_CHECKING:
    from mvengine.engines.duckdb import DuckDbEngine
    from mvengine.refresh.database import Database
    from mvengine.refresh.run.execution import RefreshResult

Open = Callable[[], "Database"]
"""The database of a connection. Errors: InterfaceError, where it is closed."""


class Refresh:
    """A refresh: of ``con.refresh()`` or ``con.refreshes()``. For any thread, while its connection is open.

    ``id`` is its number; None where nothing had changed, so that there was nothing to do. ``results`` has a row per
    table of one that ``con.refresh()`` has waited for.
    """

    def __init__(self, database: Open, refresh_id: int | None, results: tuple[RefreshResult, ...] = ()) -> None:
        self._database = database
        self.id = refresh_id
        self.results = results

    @property
    def status(self) -> PlanStatus:
        """Its state now."""
        if self.id is None:
            return PlanStatus.COMPLETED
        with reading(self._database) as engine:
            return self._database().store(engine).plan(self.id).status

    @property
    def progress(self) -> Progress | None:
        """How far it is now; None for one that had nothing to do."""
        return None if self.id is None else progress_of(self._database, "refresh", self.id)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Its tasks as they are now, each after those that it depends on."""
        if self.id is None:
            return ()
        with reading(self._database) as engine:
            return self._database().store(engine).tasks(self.id)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Why attempts of its tasks failed, in the order in which they did."""
        if self.id is None:
            return ()
        with reading(self._database) as engine:
            return self._database().store(engine).failures(self.id)

    @property
    def failure(self) -> Failure | None:
        """The last one of the failures."""
        return next(reversed(self.failures), None)

    def pause(self) -> Outcome:
        """It stands still behind the stages that run now, until ``resume``."""
        return self._steer(ControlVerb.PAUSE)

    def resume(self) -> Outcome:
        """It goes on, in the background."""
        return self._steer(ControlVerb.RESUME)

    def cancel(self) -> Outcome:
        """It ends; nothing was published, nothing stays staged."""
        return self._steer(ControlVerb.CANCEL)

    def retry(self, *, from_start: bool = False) -> Outcome:
        """Its failed tasks and what depends on them run again, in the background: from what is staged, or anew."""
        return self._steer(ControlVerb.RETRY, from_start=from_start)

    def rollback(self) -> Outcome:
        """What it had staged before it failed is discarded."""
        return self._steer(ControlVerb.ROLLBACK)

    def wait(self, timeout: float | None = None) -> Outcome:
        """Waits until it is over, however it ends; ``timeout`` in seconds, after which the refusal is a TIMEOUT."""
        if self.id is None:
            return self._nothing(None)
        return operations.wait(self._database(), self.id, _bounded(timeout))

    def _steer(self, verb: ControlVerb, *, from_start: bool = False) -> Outcome:
        if self.id is not None:
            return steer(self._database(), verb, self.id, from_start=from_start)
        return self._nothing(
            Refusal(
                kind=RefusalKind.ILLEGAL_TRANSITION,
                message=f"cannot {verb} a refresh that found nothing to do: it is over",
                hint="start another one",
            )
        )

    def _nothing(self, refusal: Refusal | None) -> Outcome:
        return Outcome(plan_id=0, status=PlanStatus.COMPLETED, refusal=refusal)

    def _repr_html_(self) -> str:
        """Its tasks as they are now, for notebooks."""
        columns = ("task", "status", "attempts", "rows", "error")
        errors = {failure.task_id: failure.message for failure in self.failures}
        rows = [(task.name, task.status, task.attempts, task.rows, errors.get(task.task_id)) for task in self.tasks]
        title = f"Refresh {self.id}: {self.status}" if self.id is not None else "Nothing had changed"
        return f"<p>{escape(title)}</p>{html_table(columns, rows) if rows else ''}"

    def __repr__(self) -> str:
        return f"<Refresh {self.id}>" if self.id is not None else "<Refresh: nothing had changed>"


class Job:
    """A table or view that is being made, or was: of ``con.job(n)``. For any thread, while its connection is open."""

    def __init__(self, database: Open, job_id: int) -> None:
        self._database = database
        self.id = job_id

    @property
    def status(self) -> JobStatus | None:
        """Its state now; None where it was cancelled, has failed, or was dropped with what it made."""
        with reading(self._database) as engine:
            return stored_outcome(self._database(), engine, self.id).status

    @property
    def progress(self) -> Progress | None:
        """How far it is now; None where it is no more."""
        return progress_of(self._database, "job", self.id)

    def cancel(self) -> JobOutcome:
        """Every trace of what it was making is removed."""
        return cancel_job(self._database(), self.id)

    def wait(self, timeout: float | None = None) -> JobOutcome:
        """Waits until it is over; the outcome has the error of one that failed, and that of a ``timeout`` (seconds)."""
        return wait_jobs(self._database(), self.id, _bounded(timeout))

    def __repr__(self) -> str:
        return f"<Job {self.id}>"


def _bounded(timeout: float | None) -> float | None:
    """A time that threads can wait: of ``math.inf`` they know nothing."""
    return None if timeout is None or timeout > SECONDS_MAX else timeout


def job_of(database: Open, job_id: int) -> Job:
    """The job of a number, also of one that is over. Errors: UnknownRelation, where there never was one."""
    with reading(database) as engine:
        outcome = stored_outcome(database(), engine, job_id)
    if isinstance(outcome.error, UnknownRelation):
        raise outcome.error
    return Job(database, job_id)


@contextmanager
def reading(database: Open) -> Iterator[DuckDbEngine]:
    """A DuckDB connection of its own, so that the open result of the user's stays."""
    engine = database().engine.fork()
    try:
        yield engine
    finally:
        engine.close()


def progress_of(database: Open, kind: str, number: int) -> Progress | None:
    """How far a refresh or job is: as it counts itself where it runs in this process, else as it is recorded."""
    live = (progress for progress in running(database()) if (progress.kind, progress.id) == (kind, number))
    return next(live, None) or _recorded(database, kind, number)


def _recorded(database: Open, kind: str, number: int) -> Progress | None:
    with reading(database) as engine:
        rows = engine.query(
            """SELECT name, phase, current, splits_done, splits_total, rows, bytes_done, bytes_total, tasks_done,
                      tasks_total, percentage, elapsed_seconds, eta_seconds,
                      updated_at - to_microseconds(CAST(elapsed_seconds * 1000000 AS BIGINT))
               FROM mv_catalog.progress WHERE kind = $1 AND id = $2""",
            [kind, number],
        )
    if not rows:
        return None
    name, phase, current, splits, splits_total, count, size, size_total, tasks, tasks_total, *rest = rows[0]
    percentage, elapsed, eta, started = rest
    is_phase = phase in tuple(Phase)
    return Progress(
        kind=kind,
        id=number,
        name=name,
        phase=Phase(phase) if is_phase else Phase.BUILDING,
        current=current if is_phase else phase,
        splits_done=splits,
        splits_total=splits_total,
        rows_done=count,
        bytes_done=size,
        bytes_total=size_total,
        tasks_done=tasks,
        tasks_total=tasks_total,
        percentage=percentage,
        started_at=started.replace(tzinfo=UTC),
        elapsed_seconds=elapsed,
        eta_seconds=eta,
    )
