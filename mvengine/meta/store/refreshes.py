"""Refresh states of refreshable tables: read many at once, moved many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from mvengine.errors import UnknownRelation
from mvengine.meta.records import RefreshJob
from mvengine.meta.states import REFRESH, RefreshEvent, RefreshState, transition
from mvengine.meta.store.base import Row, aware, utc
from mvengine.meta.store.moves import MoveStore
from mvengine.schema import Name

_COLUMNS = """relation_id, schema_name, name, state, version, attempt, last_trigger_time, last_checked_time,
       last_success_time, last_epoch, interval_sec, last_error, is_dirty"""

# The columns that an event writes beside state and version, and no other: DuckDB calls two updates of one column a
# conflict, and a refresh that loads must not collide with DML that marks its table dirty.
_WRITES: Mapping[RefreshEvent, tuple[str, ...]] = {
    RefreshEvent.TRIGGER: ("last_trigger_time", "attempt"),
    RefreshEvent.STAGE_DONE: (),
    RefreshEvent.PUBLISH: ("last_checked_time", "last_success_time", "last_epoch", "last_error"),
    RefreshEvent.FAIL: ("last_error",),
    RefreshEvent.CANCEL: (),
    RefreshEvent.RESUME: (),
    RefreshEvent.RECOVER: ("last_error",),
}


class RefreshStore(MoveStore):
    def add_refresh(self, relation_id: int, name: Name, interval_sec: int | None) -> None:
        """A refreshable table begins Idle and clean, never refreshed."""
        self._rows(
            """INSERT INTO mv_meta.refresh_jobs (relation_id, schema_name, name, state, version, attempt, interval_sec,
            is_dirty) VALUES (?, ?, ?, ?, 0, 0, ?, false)""",
            [relation_id, name.schema, name.name, RefreshState.IDLE, interval_sec],
        )

    def refresh_states(self, relation_ids: Sequence[int] | None = None) -> dict[int, RefreshJob]:
        """Refresh states by relation id, in the order of the ids: of these relations, or of all."""
        where = "" if relation_ids is None else "WHERE list_contains($1::BIGINT[], relation_id)"
        sql = f"SELECT {_COLUMNS} FROM mv_meta.refresh_jobs {where}"
        rows = self._rows(sql, [] if relation_ids is None else [list(relation_ids)])
        return {row[0]: _refresh_job(row) for row in sorted(rows, key=lambda row: int(row[0]))}

    def move_refresh(
        self, relation_id: int, event: RefreshEvent, cause: str, *, error: str | None = None, epoch: int | None = None
    ) -> RefreshJob:
        """``move_refreshes`` of one table, whose state is read first."""
        held = self.refresh_states([relation_id]).get(relation_id)
        if held is None:
            raise UnknownRelation(
                f"there is no refreshable table with id {relation_id}", hint="it may have been dropped meanwhile"
            )
        return self.move_refreshes([held], event, cause, error=error, epoch=epoch)[0]

    def move_refreshes(
        self,
        held: Sequence[RefreshJob],
        event: RefreshEvent,
        cause: str,
        *,
        error: str | None = None,
        epoch: int | None = None,
    ) -> tuple[RefreshJob, ...]:
        """Send one event to several refreshes as the caller knows them; as they are afterwards, in the same order.

        ``error`` is recorded by FAIL and RECOVER (else their cause is), ``epoch`` by PUBLISH (None: none was needed),
        which leaves ``is_dirty`` as it is. ``StateError``: a state does not allow the event; nothing is written.
        ``ConflictError``: somebody else moved one first; roll back, since others may have been moved.
        """
        if not held:
            return ()
        now, reason = self._now(), error or cause
        moved = [_after(job, event, now=aware(now), error=reason, epoch=epoch) for job in held]
        history = [
            (
                "refresh",
                new.relation_id,
                new.name.schema,
                new.name.name,
                old.state,
                event,
                new.state,
                cause,
                new.attempt,
                now,
            )
            for old, new in zip(held, moved, strict=True)
        ]
        subjects = "the refresh of " + ", ".join(str(job.name) for job in held)
        self._move(subjects, _move_sql(event), _move_values(held, moved, event), history)
        return tuple(moved)

    def set_dirty(self, relation_ids: Sequence[int], is_dirty: bool) -> None:
        """Mark tables that DML has touched, or clear the mark. What is marked so already is not written."""
        self._rows(
            """UPDATE mv_meta.refresh_jobs SET is_dirty = $1
            WHERE is_dirty <> $1 AND list_contains($2::BIGINT[], relation_id)""",
            [is_dirty, list(relation_ids)],
        )

    def touch_checked(self, relation_ids: Sequence[int], at: datetime) -> None:
        """Record when these tables were found equal to their sources: whatever failed before is over."""
        self._rows(
            """UPDATE mv_meta.refresh_jobs SET last_checked_time = $1, last_error = NULL
            WHERE list_contains($2::BIGINT[], relation_id)""",
            [utc(at), list(relation_ids)],
        )


def _after(job: RefreshJob, event: RefreshEvent, *, now: datetime, error: str, epoch: int | None) -> RefreshJob:
    """The refresh after an event; only the columns in ``_WRITES`` differ, beside state and version."""
    moved = replace(job, state=transition(REFRESH, job.state, event), version=job.version + 1)
    match event:
        case RefreshEvent.TRIGGER:
            attempt = 1 if job.last_error is None else job.attempt + 1
            return replace(moved, last_trigger_time=now, attempt=attempt)
        case RefreshEvent.STAGE_DONE | RefreshEvent.CANCEL | RefreshEvent.RESUME:
            return moved
        case RefreshEvent.PUBLISH:
            return replace(
                moved,
                last_checked_time=now,
                last_success_time=now,
                last_epoch=job.last_epoch if epoch is None else epoch,
                last_error=None,
            )
        case RefreshEvent.FAIL | RefreshEvent.RECOVER:
            return replace(moved, last_error=error)
        case _:
            assert_never(event)


def _move_sql(event: RefreshEvent) -> str:
    """Every parameter is a list with one value for each refresh; ``$ids`` gives the order."""
    columns = ("state", "version", *_WRITES[event])
    return f"""
UPDATE mv_meta.refresh_jobs SET {", ".join(f"{it} = ${it}[list_position($ids, relation_id)]" for it in columns)}
WHERE list_contains($ids, relation_id)
  AND state = $held_state[list_position($ids, relation_id)]
  AND version = $held_version[list_position($ids, relation_id)]
"""


def _move_values(
    held: Sequence[RefreshJob], moved: Sequence[RefreshJob], event: RefreshEvent
) -> dict[str, list[object]]:
    return {
        "ids": [job.relation_id for job in held],
        "held_state": [job.state for job in held],
        "held_version": [job.version for job in held],
        **{it: [_stored(getattr(job, it)) for job in moved] for it in ("state", "version", *_WRITES[event])},
    }


def _stored(value: object) -> object:
    return utc(value) if isinstance(value, datetime) else value


def _refresh_job(row: Row) -> RefreshJob:
    relation_id, schema, name, state, version, attempt, *times, last_epoch, interval_sec, last_error, is_dirty = row
    last_trigger_time, last_checked_time, last_success_time = map(aware, times)
    return RefreshJob(
        relation_id=relation_id,
        name=Name(schema=schema, name=name),
        state=RefreshState(state),
        version=version,
        attempt=attempt,
        last_trigger_time=last_trigger_time,
        last_checked_time=last_checked_time,
        last_success_time=last_success_time,
        last_epoch=last_epoch,
        interval_sec=interval_sec,
        last_error=last_error,
        is_dirty=is_dirty,
    )
