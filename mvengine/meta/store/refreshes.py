"""Refresh states of refreshable tables. A transition and its history are one compare-and-set statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mvengine.errors import UnknownRelation
from mvengine.meta.records import RefreshJob
from mvengine.meta.states import REFRESH, RefreshEvent, RefreshState, transition
from mvengine.meta.store.base import Row, StoreBase, aware, utc
from mvengine.meta.store.conflict import lost_race, raising_conflict
from mvengine.schema import Name

_COLUMNS = """relation_id, schema_name, name, state, version, attempt, last_trigger_time, last_checked_time,
       last_success_time, last_epoch, interval_sec, last_error, is_dirty"""

# What each event changes beside the state. An event writes no other column: DuckDB calls two updates of one column a
# conflict, and a DML transaction that marks a table dirty must not collide with a refresh that loads beside it.
_EFFECTS: Mapping[RefreshEvent, str] = {
    RefreshEvent.TRIGGER: (
        ", last_trigger_time = $now, attempt = CASE WHEN last_error IS NULL THEN 1 ELSE attempt + 1 END"
    ),
    RefreshEvent.STAGE_DONE: "",
    RefreshEvent.PUBLISH: (
        ", last_success_time = $now, last_checked_time = $now, last_epoch = coalesce($epoch, last_epoch)"
        ", last_error = NULL, is_dirty = false"
    ),
    RefreshEvent.FAIL: ", last_error = coalesce($error, $cause)",
    RefreshEvent.RECOVER: ", last_error = coalesce($error, $cause)",
}


def _move_sql(event: RefreshEvent) -> str:
    # The k-th of $ids is expected in the k-th of $froms with the k-th of $versions, and goes to the k-th of $targets.
    return f"""
WITH moved AS (
    UPDATE mv_meta.refresh_jobs
    SET state = $targets[list_position($ids, relation_id)], version = version + 1{_EFFECTS[event]}
    WHERE list_contains($ids, relation_id) AND state = $froms[list_position($ids, relation_id)]
      AND version = $versions[list_position($ids, relation_id)]
    RETURNING *
), noted AS (
    INSERT INTO mv_meta.state_history
    SELECT nextval('mv_meta.history_seq'), 'refresh', relation_id, schema_name, name,
           $froms[list_position($ids, relation_id)], $event, state, $cause, attempt, $now
    FROM moved
)
SELECT {_COLUMNS} FROM moved ORDER BY list_position($ids, relation_id)
"""


class RefreshStore(StoreBase):
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
        sql = f"SELECT {_COLUMNS} FROM mv_meta.refresh_jobs {where} ORDER BY relation_id"
        rows = self._rows(sql, [] if relation_ids is None else [list(relation_ids)])
        return {row[0]: _refresh_job(row) for row in rows}

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
        which also clears ``is_dirty``. ``StateError``: a state does not allow the event; nothing is written.
        ``ConflictError``: somebody else moved one first; roll back, since others may have been moved.
        """
        if not held:
            return ()
        targets = [transition(REFRESH, job.state, event) for job in held]
        values: dict[str, object] = {
            "ids": [job.relation_id for job in held],
            "froms": [job.state for job in held],
            "versions": [job.version for job in held],
            "targets": targets,
            "event": event,
            "cause": cause,
            "now": self._now(),
        }
        optional = {"error": error, "epoch": epoch}
        values |= {name: value for name, value in optional.items() if f"${name}" in _EFFECTS[event]}
        subject = "the refresh of " + ", ".join(str(job.name) for job in held)
        with raising_conflict(subject):
            rows = self._rows(_move_sql(event), values)
        if len(rows) != len(held):
            raise lost_race(subject)
        return tuple(_refresh_job(row) for row in rows)

    def set_dirty(self, relation_ids: Sequence[int], is_dirty: bool) -> None:
        """Mark tables that DML has touched, or clear the mark. What is marked so already is not written."""
        self._rows(
            """UPDATE mv_meta.refresh_jobs SET is_dirty = $1
            WHERE is_dirty <> $1 AND list_contains($2::BIGINT[], relation_id)""",
            [is_dirty, list(relation_ids)],
        )

    def touch_checked(self, relation_ids: Sequence[int], at: datetime) -> None:
        """Record when the sources of these tables were looked at."""
        self._rows(
            "UPDATE mv_meta.refresh_jobs SET last_checked_time = $1 WHERE list_contains($2::BIGINT[], relation_id)",
            [utc(at), list(relation_ids)],
        )


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
