"""Loading splits into a staging table, in steps that are durable by themselves.

A step is one transaction: as many files as make up a batch, with a row of meta for each. A crash or a failure that may
pass by itself leaves what was staged; the next refresh takes the files that have not changed since and loads the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.records import RejectedRowRecord, StagedFileRow
from mvengine.meta.store import Store
from mvengine.planner.logical import Load
from mvengine.refresh.changes import FILE_ID
from mvengine.refresh.database import Database
from mvengine.refresh.tasks import FileTask, TableTask
from mvengine.schema import Columns
from mvengine.sources import LoadedSplit, load_split, open_source
from mvengine.testing.faults import fault_point


def stage(engine: DuckDbEngine, store: Store, database: Database, task: TableTask) -> None:
    """Loads what is not staged yet. Errors: LoadError, SourceError; files staged before stay staged."""
    _discard_stale(engine, store, task)
    waiting = [load for load in task.loads if not load.is_staged]
    probe = engine.fork()
    try:
        for batch in _batches(waiting, database.config.staging_batch_bytes):
            _stage_batch(engine, store, database, task, batch, probe)
            fault_point("refresh.after_split")
    finally:
        probe.close()


def _batches(loads: Sequence[FileTask], bytes_max: int) -> Iterator[list[FileTask]]:
    batch: list[FileTask] = []
    size = 0
    for load in loads:
        if batch and size + load.split.size > bytes_max:
            yield batch
            batch, size = [], 0
        batch.append(load)
        size += load.split.size
    if batch:
        yield batch


def _discard_stale(engine: DuckDbEngine, store: Store, task: TableTask) -> None:
    """Staged rows of files that have changed or gone since do not count."""
    relation_id, staging = task.table.relation_id, task.table.plan.staging
    staged = store.staged_files([relation_id])[relation_id]
    good = {load.split.path for load in task.loads if load.is_staged}
    if all(row.path in good for row in staged):
        return
    kept = [row for row in staged if row.path in good]
    engine.begin()
    try:
        ids = ", ".join(str(row.file_id) for row in kept) or "NULL"
        engine.query(f"DELETE FROM {staging} WHERE {FILE_ID} NOT IN ({ids}) OR {bool(not kept)}")
        store.clear_staged_files([relation_id])
        store.add_staged_files(relation_id, kept)
        engine.commit()
    except BaseException:
        engine.rollback()
        raise


def _stage_batch(
    engine: DuckDbEngine,
    store: Store,
    database: Database,
    task: TableTask,
    batch: Sequence[FileTask],
    probe: DuckDbEngine,
) -> None:
    engine.begin()
    try:
        loaded = [(load, _load(engine, task, load, probe)) for load in batch]
        store.add_staged_files(task.table.relation_id, [_row(database, load, result) for load, result in loaded])
        rejected = [
            RejectedRowRecord(path=row.path, line=row.line, reason=row.reason, text=row.text)
            for _, result in loaded
            for row in result.rejected
        ]
        if rejected:
            store.add_rejected_rows(task.table.relation_id, rejected, None)
        engine.commit()
    except BaseException:
        engine.rollback()
        raise


def _load(engine: DuckDbEngine, task: TableTask, load: FileTask, probe: DuckDbEngine) -> LoadedSplit:
    plan = task.table.plan
    assert isinstance(plan.input, Load)
    stored = set(plan.stored_columns)
    columns: Columns = tuple(column for column in plan.columns if column.name in stored)
    return load_split(
        engine,
        source=plan.input.source,
        columns=columns,
        key=plan.primary_key,
        split=load.split,
        reader=open_source(plan.input.source),
        file_id=load.file_id,
        into=plan.staging,
        probe=probe,
    )


def _row(database: Database, load: FileTask, result: LoadedSplit) -> StagedFileRow:
    return StagedFileRow(
        file_id=load.file_id,
        path=load.split.path,
        size=load.split.size,
        mtime_ns=load.split.mtime_ns,
        etag=load.split.etag,
        rows=result.rows,
        rejected=len(result.rejected),
        staged_at=database.clock(),
        part=1,
        parts=1,
    )
