"""Loading splits into a staging table, in stages: steps that are durable by themselves.

A stage is one transaction: as many files as make up a batch, or a part of a large one, with a row of meta for each and
the task's checkpoint. Whatever ends a refresh leaves the stages that were committed; what has not changed since is not
loaded again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import StateError
from mvengine.meta.records import RejectedRowRecord, StagedFileRow
from mvengine.meta.store import Store
from mvengine.planner.logical import Load
from mvengine.refresh.changes import FILE_ID
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.merge import create_table_sql, optional_columns
from mvengine.refresh.plan.files import ADD_COLUMNS, WIDEN, FileTask, TableTask
from mvengine.refresh.run.progress import LiveProgress
from mvengine.schema import Columns
from mvengine.sources import LoadedSplit, Part, load_split, open_source, stages_of


@dataclass(frozen=True, kw_only=True)
class StagePart:
    """A part of a file, of ``parts`` in all."""

    load: FileTask
    part: Part
    parts: int


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is loaded in one transaction."""

    parts: tuple[StagePart, ...]

    @property
    def bytes(self) -> int:
        return sum(it.part.size for it in self.parts)

    @property
    def name(self) -> str:
        """For people: the file, or the first of several."""
        first, more = self.parts[0], len(self.parts) - 1
        part = f" part {first.part.index + 1}/{first.parts}" if first.parts > 1 else ""
        return f"{first.load.split.path}{part}" + (f" and {more} more" if more else "")


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a stage has put into the staging table: ``staged`` and ``rejected`` are what is to be recorded of it."""

    staged: tuple[StagedFileRow, ...]
    rejected: tuple[RejectedRowRecord, ...]
    rows: int
    bytes: int
    splits: int  # files that are complete with it


def plan_stages(engine: DuckDbEngine, task: TableTask, bytes_max: int) -> tuple[Stage, ...]:
    """The stages that are left of a table. Reads the footers of large Parquet files. Errors: LoadError, SourceError."""
    assert isinstance(task.table.plan.input, Load)
    source = task.table.plan.input.source
    reader = open_source(source)
    waiting: list[StagePart] = []
    for load in task.loads:
        if not load.is_staged:
            parts = stages_of(engine, source=source, split=load.split, reader=reader, bytes_max=bytes_max)
            done = {row.part for row in load.staged if row.parts == len(parts)}
            waiting += [
                StagePart(load=load, part=part, parts=len(parts)) for part in parts if part.index + 1 not in done
            ]
    return tuple(Stage(parts=tuple(batch)) for batch in _batches(waiting, bytes_max))


def _batches(parts: Sequence[StagePart], bytes_max: int) -> Iterator[list[StagePart]]:
    batch: list[StagePart] = []
    size = 0
    for part in parts:
        if batch and size + part.part.size > bytes_max:
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += part.part.size
    if batch:
        yield batch


def discard_stale(engine: DuckDbEngine, store: Store, task: TableTask, stages: Sequence[Stage]) -> str | None:
    """Removes what is staged and does not fit: files that have changed or gone since, or are cut into other parts.
    Why, or None where all fits. In the caller's transaction."""
    relation_id, staging = task.table.relation_id, task.table.plan.staging
    staged = store.staged_files([relation_id])[relation_id]
    if not staged:
        return None
    cuts = {it.load.split.path: it.parts for stage in stages for it in stage.parts}
    good = {
        row for load in task.loads for row in load.staged if row.parts == cuts.get(row.path, row.parts)
    }  # a file of which all is staged has no stage
    gone = [row for row in staged if row not in good]
    if not gone:
        return None
    kept = [row for row in staged if row in good]
    partly = {row.file_id for row in gone} & {row.file_id for row in kept}
    assert not partly, "parts of one file are cut alike, or they are of another state of it"
    ids = ", ".join(str(id_) for id_ in {row.file_id for row in kept}) or "NULL"
    engine.query(f"DELETE FROM {staging} WHERE {FILE_ID} NOT IN ({ids}) OR {not kept}")
    store.clear_staged_files([relation_id])
    store.add_staged_files(relation_id, kept)
    paths = sorted({row.path for row in gone})
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more} changed since it was staged, was staged too long ago, or is asked for anew"


def require_tables(store: Store, tables: Sequence[TableDefinition]) -> None:
    """Asks the caller's transaction whether it sees these tables. The names of their staging tables may be those of
    others meanwhile: dropped tables are created again. Errors: StateError."""
    kept = store.existing([table.relation_id for table in tables])
    gone = next((table.name for table in tables if table.relation_id not in kept), None)
    if gone is not None:
        raise StateError(f"{gone} was dropped while it was being refreshed", hint="nothing was published")


def discard_staged(engine: DuckDbEngine, store: Store, tables: Sequence[TableDefinition]) -> None:
    """Removes all that is staged for these tables, as far as they are there. In the caller's transaction."""
    kept = store.existing([table.relation_id for table in tables])
    for table in tables:
        if table.relation_id in kept:
            engine.query(f"DROP TABLE IF EXISTS {table.plan.staging}")
            engine.query(create_table_sql(table.plan, table.plan.staging))
    store.clear_staged_files([table.relation_id for table in tables])


def load_stage(
    engine: DuckDbEngine,
    clock: Callable[[], datetime],
    task: TableTask,
    stage: Stage,
    rejected_before: Mapping[str, int],
    probe: DuckDbEngine,
    progress: LiveProgress,
) -> Loaded:
    """Loads one stage, in the transaction of the caller, who also records it. Errors: LoadError, SourceError.

    ``rejected_before``: rejected rows of each file in earlier stages; ``probe``: a connection outside of the
    transaction, to find bad rows with.
    """
    rejected = Counter(rejected_before)
    loaded: list[tuple[StagePart, LoadedSplit]] = []
    with progress.watch(engine, stage.bytes) as watched:
        for it in stage.parts:
            watched.begin(it.part.size)
            result = _load(engine, task, it, rejected[it.load.split.path], probe)
            rejected[it.load.split.path] += len(result.rejected)
            loaded.append((it, result))
    return Loaded(
        staged=tuple(_row(clock, it, result) for it, result in loaded),
        rejected=tuple(
            RejectedRowRecord(path=row.path, line=row.line, reason=row.reason, text=row.text)
            for _, result in loaded
            for row in result.rejected
        ),
        rows=sum(result.rows for _, result in loaded),
        bytes=stage.bytes,
        splits=sum(it.part.index + 1 == it.parts for it in stage.parts),
    )


def record(store: Store, loaded: Mapping[int, Sequence[Loaded]]) -> None:
    """Records what stages have loaded, by relation id, in the transaction in which they did."""
    store.add_all_staged_files({id_: [row for it in stages for row in it.staged] for id_, stages in loaded.items()})
    for id_, stages in loaded.items():
        store.add_rejected_rows(id_, [row for it in stages for row in it.rejected], None)


def rejected_of(task: TableTask) -> Counter[str]:
    """Rows that were rejected of each file in what is staged already."""
    found: Counter[str] = Counter()
    for load in task.loads:
        for row in load.staged:
            found[row.path] += row.rejected
    return found


def _load(
    engine: DuckDbEngine, task: TableTask, it: StagePart, rejected_before: int, probe: DuckDbEngine
) -> LoadedSplit:
    plan = task.table.plan
    assert isinstance(plan.input, Load)
    stored = set(plan.stored_columns)
    columns: Columns = tuple(column for column in plan.columns if column.name in stored)
    return load_split(
        engine,
        source=plan.input.source,
        columns=columns,
        key=plan.primary_key,
        split=it.load.split,
        reader=open_source(plan.input.source),
        file_id=it.load.file_id,
        into=plan.staging,
        probe=probe,
        part=it.part,
        rejected_before=rejected_before,
        optional=_optional(task),
    )


def _optional(task: TableTask) -> frozenset[str]:
    """Columns that a file need not have."""
    plan = task.table.plan
    if task.on_schema_change not in (ADD_COLUMNS, WIDEN):
        return optional_columns(plan)
    return frozenset(column.name for column in plan.columns if column.name not in plan.primary_key)


def _row(clock: Callable[[], datetime], it: StagePart, result: LoadedSplit) -> StagedFileRow:
    return StagedFileRow(
        file_id=it.load.file_id,
        path=it.load.split.path,
        size=it.load.split.size,
        mtime_ns=it.load.split.mtime_ns,
        etag=it.load.split.etag,
        rows=result.rows,
        rejected=len(result.rejected),
        staged_at=clock(),
        part=it.part.index + 1,
        parts=it.parts,
    )
