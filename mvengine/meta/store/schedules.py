"""What the scheduler knows: read with what it decides from, written by it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from mvengine.meta.states import RefreshState
from mvengine.meta.store.base import Row, StoreBase, aware, utc
from mvengine.schema import Name


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a table is refreshed next: ``delay_ms`` milliseconds after its source was looked at last."""

    relation_id: int
    delay_ms: int
    failures: int  # in a row
    runs: int  # that the scheduler has started
    ended_at: datetime | None  # the last of them
    reason: str


@dataclass(frozen=True, kw_only=True)
class ScheduledTable:
    """A table with an interval, and what has become of its refreshes, whoever started them."""

    relation_id: int
    name: Name
    interval_sec: int
    is_idle: bool
    created_at: datetime
    triggered_at: datetime | None
    checked_at: datetime | None  # found equal to its source, or made so
    last_error: str | None
    schedule: Schedule | None  # None: the scheduler has not seen it yet

    @property
    def seen_at(self) -> datetime:
        """The last look at its source; its creation where there was none."""
        ended_at = self.schedule.ended_at if self.schedule is not None else None
        looks = (self.created_at, self.triggered_at, self.checked_at, ended_at)
        return max(look for look in looks if look is not None)


@dataclass(frozen=True, kw_only=True)
class ScheduledView:
    """A view with a target_lag, and since when something waits for it (None: nothing does)."""

    relation_id: int
    name: Name
    target_lag: str
    waits_since: datetime | None
    schedule: Schedule | None  # None: the scheduler has not seen it yet

    @property
    def seen_at(self) -> datetime | None:
        """From when its delay counts: since something waits, or since the last run, which failed."""
        held = self.schedule
        if self.waits_since is None or held is None or not held.failures or held.ended_at is None:
            return self.waits_since
        return max(self.waits_since, held.ended_at)


_TYPES = {
    "relation_id": "BIGINT",
    "delay_ms": "BIGINT",
    "failures": "BIGINT",
    "runs": "BIGINT",
    "ended_at": "TIMESTAMP",
    "reason": "VARCHAR",
}

_READ = """
SELECT j.relation_id, j.schema_name, j.name, j.interval_sec, j.state, r.created_at, j.last_trigger_time,
       j.last_checked_time, j.last_error, s.delay_ms, s.failures, s.runs, s.ended_at, s.reason
FROM mv_meta.refresh_jobs AS j
JOIN mv_meta.relations AS r USING (relation_id)
LEFT JOIN mv_meta.schedules AS s USING (relation_id)
WHERE j.interval_sec IS NOT NULL
"""

_READ_VIEWS = """
SELECT r.relation_id, r.schema_name, r.name, t.target_lag, e.committed_at, s.delay_ms, s.failures, s.runs, s.ended_at,
       s.reason
FROM mv_meta.view_settings AS t
JOIN mv_meta.relations AS r USING (relation_id)
LEFT JOIN mv_meta.behind AS b USING (relation_id)
LEFT JOIN mv_meta.epochs AS e ON e.epoch = b.epoch
LEFT JOIN mv_meta.schedules AS s USING (relation_id)
WHERE t.target_lag IS NOT NULL
"""

_SCHEDULED = """
SELECT relation_id, 1000 * interval_sec AS delay_ms FROM mv_meta.refresh_jobs WHERE interval_sec IS NOT NULL
UNION ALL
SELECT relation_id, 0 FROM mv_meta.settings WHERE name = 'target_lag'
"""

_NOTE = f"""
INSERT INTO mv_meta.schedules
SELECT relation_id, delay_ms, 0, 0, NULL, $1 FROM ({_SCHEDULED})
WHERE relation_id NOT IN (SELECT relation_id FROM mv_meta.schedules)
"""


class ScheduleStore(StoreBase):
    def scheduled_tables(self) -> tuple[ScheduledTable, ...]:
        """Every table with an interval, in the order of their ids."""
        return tuple(_scheduled(row) for row in sorted(self._rows(_READ), key=lambda row: int(row[0])))

    def scheduled_views(self) -> tuple[ScheduledView, ...]:
        """Every view with a target_lag, in the order of their ids."""
        return tuple(_scheduled_view(row) for row in sorted(self._rows(_READ_VIEWS), key=lambda row: int(row[0])))

    def put_schedules(self, schedules: Sequence[Schedule]) -> None:
        """Records schedules in place of those before, and forgets those of tables and views without one. In a
        transaction."""
        ids = [schedule.relation_id for schedule in schedules]
        self._rows(
            f"""DELETE FROM mv_meta.schedules WHERE list_contains($1::BIGINT[], relation_id)
            OR relation_id NOT IN (SELECT relation_id FROM ({_SCHEDULED}))""",
            [ids],
        )
        self._insert("schedules", _TYPES, [_row(schedule) for schedule in schedules])

    def note_scheduler_failure(self, reason: str) -> None:
        """Shows for everything with a schedule that the scheduler itself has failed. In a transaction."""
        self._rows("UPDATE mv_meta.schedules SET reason = ?", [reason])
        self._rows(_NOTE, [reason])

    def clear_schedules(self) -> None:
        """No scheduler is running."""
        self._rows("DELETE FROM mv_meta.schedules")


def _row(schedule: Schedule) -> Row:
    values = (getattr(schedule, field.name) for field in fields(Schedule))
    return tuple(utc(value) if isinstance(value, datetime) else value for value in values)


def _scheduled(row: Row) -> ScheduledTable:
    relation_id, schema, name, interval_sec, state, created_at, triggered_at, checked_at, last_error, *rest = row
    return ScheduledTable(
        relation_id=relation_id,
        name=Name(schema=schema, name=name),
        interval_sec=interval_sec,
        is_idle=state == RefreshState.IDLE,
        created_at=aware(created_at),
        triggered_at=aware(triggered_at),
        checked_at=aware(checked_at),
        last_error=last_error,
        schedule=_schedule(relation_id, rest),
    )


def _scheduled_view(row: Row) -> ScheduledView:
    relation_id, schema, name, target_lag, waits_since, *rest = row
    return ScheduledView(
        relation_id=relation_id,
        name=Name(schema=schema, name=name),
        target_lag=target_lag,
        waits_since=aware(waits_since),
        schedule=_schedule(relation_id, rest),
    )


def _schedule(relation_id: int, row: Sequence[Any]) -> Schedule | None:
    delay_ms, failures, runs, ended_at, reason = row
    if delay_ms is None:
        return None
    return Schedule(
        relation_id=relation_id,
        delay_ms=delay_ms,
        failures=failures,
        runs=runs,
        ended_at=aware(ended_at),
        reason=reason,
    )
