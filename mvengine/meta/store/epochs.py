"""Epochs, and what each of them did to every relation. Append-only."""

from __future__ import annotations

from collections.abc import Sequence

from mvengine.meta.records import Maintenance, MaintenanceMode, MaintenanceRun
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
    "input_rows": "BIGINT",
    "predicted_ms": "DOUBLE",
}
_FIRST = {"relation_id": "BIGINT", "input_rows": "BIGINT", "ms": "DOUBLE"}

_EPOCHS_LEARNT = 1000

_RUNS = f"""
SELECT relation_id, mode, delta_rows, input_rows, ms FROM (
    SELECT relation_id, 'full' AS mode, 0 AS delta_rows, input_rows, ms, 0 AS epoch FROM mv_meta.first_derivations
    UNION ALL
    SELECT relation_id, mode, delta_rows, input_rows, ms, epoch FROM mv_meta.maintenance_history
    WHERE strategy <> 'load' AND epoch > (SELECT coalesce(max(epoch), 0) FROM mv_meta.epochs) - {_EPOCHS_LEARNT}
)
ORDER BY epoch
"""


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
                it.input_rows,
                it.predicted_ms,
            )
            for it in entries
        ]
        self._insert("maintenance_history", _MAINTENANCE_TYPES, rows)

    def add_first_derivation(self, run: MaintenanceRun) -> None:
        """Record what the CREATE of a view took."""
        self._insert("first_derivations", _FIRST, [(run.relation_id, run.input_rows, run.ms)])

    def maintenance_runs(self) -> tuple[MaintenanceRun, ...]:
        """What maintenance of views took, in its order: their CREATE and the latest epochs."""
        return tuple(
            MaintenanceRun(
                relation_id=relation_id,
                mode=MaintenanceMode(mode),
                delta_rows=delta_rows,
                input_rows=input_rows,
                ms=ms,
            )
            for relation_id, mode, delta_rows, input_rows, ms in self._rows(_RUNS)
        )
