"""The plan of a refresh: what has to be done for each table, as values, before anything is done.

A side-effect-free description that the executor carries out and EXPLAIN REFRESH shows. A later version gives each task
a durable state; the matrices for that belong to ``meta.states``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mvengine.meta.records import SourceFileRow, StagedFileRow
from mvengine.refresh.graph import TableDefinition
from mvengine.sources import Split


@dataclass(frozen=True, kw_only=True)
class FileTask:
    """A split to load: ``file_id`` is its number in the table; ``is_staged``: it lies in the staging table already."""

    split: Split
    file_id: int
    is_staged: bool


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

    @property
    def has_work(self) -> bool:
        """What DML has put into a table must go although there may be no file."""
        return bool(self.loads or self.removed or self.reads_all)

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
    reads_all: bool,
    reason: str,
) -> TableTask:
    """Compares what is there with what was loaded: by path, size, mtime and etag. Pure."""
    by_path = {row.path: row for row in loaded}
    staged_by_path = {row.path: row for row in staged}
    next_id = max([row.file_id for row in loaded] + [row.file_id for row in staged], default=0) + 1
    loads: list[FileTask] = []
    kept: list[SourceFileRow] = []
    replaced: list[int] = []
    for split in splits:
        known, waiting = by_path.get(split.path), staged_by_path.get(split.path)
        if known is not None and not reads_all and _same(split, known):
            kept.append(known)
            continue
        if known is not None:
            replaced.append(known.file_id)
        is_staged = waiting is not None and _same(split, waiting)
        if is_staged and waiting is not None:
            file_id = waiting.file_id
        elif known is not None:
            file_id = known.file_id
        else:
            file_id, next_id = next_id, next_id + 1
        loads.append(FileTask(split=split, file_id=file_id, is_staged=is_staged))
    present = {split.path for split in splits}
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
    )


def _same(split: Split, row: SourceFileRow | StagedFileRow) -> bool:
    return (split.size, split.mtime_ns, split.etag) == (row.size, row.mtime_ns, row.etag)
