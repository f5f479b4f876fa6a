"""Epochs, and what each of them did to every relation. Append-only."""

from __future__ import annotations

from collections.abc import Sequence

from mvengine.meta.records import Maintenance
from mvengine.meta.store.base import StoreBase

_MAINTENANCE_TYPES = {
    "relation_id": "BIGINT",
    "schema_name": "VARCHAR",
    "name": "VARCHAR",
    "epoch": "BIGINT",
    "strategy": "VARCHAR",
    "mode": "VARCHAR",
    "reason": "VARCHAR",
    "delta_rows": "BIGINT",
    "output_rows": "BIGINT",
    "ms": "DOUBLE",
    "occurred_at": "TIMESTAMP",
}


class EpochStore(StoreBase):
    def latest_epoch(self) -> int:
        """The latest epoch that this transaction sees; 0 before the first."""
        return int(self._rows("SELECT coalesce(max(epoch), 0) FROM mv_meta.epochs")[0][0])

    def append_epoch(self, epoch: int, cause: str) -> None:
        """Record a new epoch. Its number is drawn by the caller, under the writer lock."""
        self._rows("INSERT INTO mv_meta.epochs VALUES (?, ?, ?)", [epoch, self._now(), cause])

    def append_maintenance(self, entries: Sequence[Maintenance]) -> None:
        """Record what was done to relations, by one statement."""
        now = self._now()
        rows = [
            (
                it.relation_id,
                it.name.schema,
                it.name.name,
                it.epoch,
                it.strategy,
                it.mode,
                it.reason,
                it.delta_rows,
                it.output_rows,
                it.ms,
                now,
            )
            for it in entries
        ]
        self._insert("maintenance_history", _MAINTENANCE_TYPES, rows)
