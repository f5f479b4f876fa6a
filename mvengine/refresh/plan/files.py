"""Which files of a table a refresh reads: what its source holds against what was loaded and what is staged. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mvengine.meta.records import SourceFileRow, StagedFileRow
from mvengine.refresh.graph import TableDefinition
from mvengine.sources import Split

IGNORE, FAIL, ADD_COLUMNS, WIDEN = "ignore", "fail", "add_columns", "widen"
"""What is done where files have other columns than their table (``on_schema_change``)."""


@dataclass(frozen=True, kw_only=True)
class FileTask:
    """A split to load: ``file_id`` is its number in the table, ``staged`` its parts that lie in the staging table."""

    split: Split
    file_id: int
    staged: tuple[StagedFileRow, ...]

    @property
    def is_staged(self) -> bool:
        """Whether all of it lies in the staging table."""
        return bool(self.staged) and len(self.staged) == self.staged[0].parts


@dataclass(frozen=True, kw_only=True)
class TableTask:
    """What a refresh does to one table."""

    table: TableDefinition
    loads: tuple[FileTask, ...]
    kept: tuple[SourceFileRow, ...]  # unchanged: not read
    removed: tuple[SourceFileRow, ...]
    replaced: tuple[int, ...]  # ids of loaded files whose rows go or are loaded anew
    reads_all: bool  # unchanged files too: asked for, or DML has touched the table
    reason: str  # why these files
    has_staged: bool  # something lies in the staging table, whether it fits or not
    has_strays: bool  # some of that is of no file that is to be loaded
    on_schema_change: str  # the table's setting, where there are files to load

    @property
    def has_work(self) -> bool:
        """What DML has put into a table must go although there may be no file."""
        return bool(self.loads or self.removed or self.reads_all)

    @property
    def bytes_waiting(self) -> int:
        """Bytes of the files that are not wholly staged."""
        return sum(load.split.size for load in self.loads if not load.is_staged)

    @property
    def is_first_load(self) -> bool:
        return not self.kept and not self.replaced

    def ranked(self) -> tuple[tuple[int, int], ...]:
        """(file id, rank) of every file that the table has afterwards, by path."""
        files = [(row.path, row.file_id) for row in self.kept] + [(f.split.path, f.file_id) for f in self.loads]
        return tuple((file_id, rank) for rank, (_, file_id) in enumerate(sorted(files)))


def plan_table(
    table: TableDefinition,
    splits: Sequence[Split],
    loaded: Sequence[SourceFileRow],
    staged: Sequence[StagedFileRow],
    *,
    trusted: Sequence[StagedFileRow],
    reads_all: bool,
    reason: str,
) -> TableTask:
    """Compares what is there with what was loaded: by path, size, mtime and etag. Pure.

    ``trusted`` are those of the staged files that may be used: what has not changed since is not read again.
    """
    by_path = {row.path: row for row in loaded}
    staged_by_path: dict[str, list[StagedFileRow]] = {}
    for waiting_row in trusted:
        staged_by_path.setdefault(waiting_row.path, []).append(waiting_row)
    next_id = max([row.file_id for row in loaded] + [row.file_id for row in staged], default=0) + 1
    loads: list[FileTask] = []
    kept: list[SourceFileRow] = []
    replaced: list[int] = []
    for split in splits:
        known = by_path.get(split.path)
        waiting = tuple(row for row in staged_by_path.get(split.path, ()) if _same(split, row))
        if known is not None and not reads_all and _same(split, known):
            kept.append(known)
            continue
        if known is not None:
            replaced.append(known.file_id)
        if waiting:
            file_id = waiting[0].file_id
        elif known is not None:
            file_id = known.file_id
        else:
            file_id, next_id = next_id, next_id + 1
        loads.append(FileTask(split=split, file_id=file_id, staged=waiting))
    present = {split.path for split in splits}
    fitting = {row for load in loads for row in load.staged}
    removed = tuple(row for row in loaded if row.path not in present)
    replaced.extend(row.file_id for row in removed)
    return TableTask(
        table=table,
        loads=tuple(loads),
        kept=tuple(kept),
        removed=removed,
        replaced=tuple(replaced),
        reads_all=reads_all,
        reason=reason,
        has_staged=bool(staged),
        has_strays=any(row not in fitting for row in staged),
        on_schema_change=IGNORE,
    )


def _same(split: Split, row: SourceFileRow | StagedFileRow) -> bool:
    return (split.size, split.mtime_ns, split.etag) == (row.size, row.mtime_ns, row.etag)
