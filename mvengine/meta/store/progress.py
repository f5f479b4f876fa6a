"""Progress of what runs: one row for each, overwritten as it goes on, gone when it is over."""

from __future__ import annotations

from mvengine.meta.progress import Progress
from mvengine.meta.store.base import StoreBase

_COLUMNS = """kind, id, phase, current, splits_done, splits_total, rows, bytes_done, bytes_total,
    tasks_done, tasks_total, percentage, elapsed_seconds, eta_seconds, updated_at"""

_UPDATE = """
UPDATE mv_meta.progress
SET phase = $3, current = $4, splits_done = $5, splits_total = $6, rows = $7, bytes_done = $8, bytes_total = $9,
    tasks_done = $10, tasks_total = $11, percentage = $12, elapsed_seconds = $13, eta_seconds = $14, updated_at = $15
WHERE kind = $1 AND id = $2
"""


class ProgressStore(StoreBase):
    def set_progress(self, progress: Progress) -> None:
        """Records how far a refresh or job is that has a number."""
        values = [
            progress.kind,
            progress.id,
            progress.phase,
            progress.current,
            progress.splits_done,
            progress.splits_total,
            progress.rows_done,
            progress.bytes_done,
            progress.bytes_total,
            progress.tasks_done,
            progress.tasks_total,
            progress.percentage,
            progress.elapsed_seconds,
            progress.eta_seconds,
            self._now(),
        ]
        ((updated,),) = self._rows(_UPDATE, values)
        if not updated:
            places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
            self._rows(f"INSERT INTO mv_meta.progress ({_COLUMNS}) VALUES ({places})", values)

    def clear_progress(self, kind: str, number: int) -> None:
        """It is over, or stands still: what remains is said by its plan or job."""
        self._rows("DELETE FROM mv_meta.progress WHERE kind = ? AND id = ?", [kind, number])

    def clear_all_progress(self) -> None:
        """Nothing runs: what is there was left by a process that ended."""
        self._rows("DELETE FROM mv_meta.progress")
