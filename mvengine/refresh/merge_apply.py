"""What both merges end in: rows leave and enter the table, and both are captured."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.engines.base import Engine
from mvengine.planner.logical import MaterializeTable
from mvengine.refresh.changes import CapturedTable, capture_rows, capture_statement


@dataclass(frozen=True, kw_only=True)
class FileOrder:
    """Files of a table after the refresh. ``ranked`` are (file id, rank by path); ``replaced`` are the ids whose rows
    the staging table replaces, removed files included. ``reads_all``: DML may have taken rows of any file."""

    ranked: tuple[tuple[int, int], ...]
    replaced: tuple[int, ...]
    is_first_load: bool
    reads_all: bool


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What publishing changed in a table. ``is_view``: its change is a view over the table, not a table."""

    inserted: int
    updated: int
    deleted: int
    is_view: bool

    @property
    def rows(self) -> int:
        """Rows in the change: an update is one deleted and one inserted."""
        return self.inserted + self.deleted + 2 * self.updated


def apply_rows(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, gone: str, insert: str) -> None:
    """Deletes the rows whose ids stand in ``gone`` (column ``stored``), inserts others, and captures both."""
    where = f"FROM {plan.storage} WHERE rowid IN (SELECT stored FROM {gone})"
    if captured is not None:
        engine.query(captured.create())
        capture_rows(engine, captured, where, -1)
    engine.query(f"DELETE {where}")
    if captured is not None:
        capture_statement(engine, captured, insert, None, 1)
    else:
        engine.query(insert)
    engine.query(f"DROP TABLE {gone}")
