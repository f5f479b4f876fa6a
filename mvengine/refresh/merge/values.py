"""What a merge is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.refresh.changes import FILE_ID


@dataclass(frozen=True, kw_only=True)
class FileOrder:
    """Files of a table after the refresh. ``ranked`` are (file id, rank by path); ``replaced`` are the ids whose rows
    the staging table replaces, removed files included. ``reads_all``: DML may have taken rows of any file."""

    ranked: tuple[tuple[int, int], ...]
    replaced: tuple[int, ...]
    is_first_load: bool
    reads_all: bool

    @property
    def has_others(self) -> bool:
        """Whether there may be stored rows of files that are not replaced."""
        return not {file_id for file_id, _ in self.ranked} <= set(self.replaced)

    def is_replaced(self, qualifier: str = "") -> str:
        """The condition that a stored row gives way to staged ones: of a replaced file, or of DML's own."""
        file = f"{qualifier}{FILE_ID}"
        ids = ", ".join(str(id_) for id_ in self.replaced)
        return f"({file} IS NULL" + (f" OR {file} IN ({ids}))" if ids else ")")


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What publishing changed in a table. ``is_view``: its change is a view over the table, not a table."""

    inserted: int
    updated: int
    deleted: int
    is_view: bool = False

    @property
    def rows(self) -> int:
        """Rows in the change: an update is one deleted and one inserted."""
        return self.inserted + self.deleted + 2 * self.updated
