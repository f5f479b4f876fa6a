"""Looks at the sources: what a refresh of some tables would read now. Reads no file."""

from __future__ import annotations

from collections.abc import Sequence

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error
from mvengine.planner.logical import Load
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.plan.files import TableTask, plan_table
from mvengine.sources import list_source


def list_table_tasks(
    database: Database,
    engine: DuckDbEngine,
    tables: Sequence[TableDefinition],
    *,
    reads_all: bool,
    trusts_staging: bool,
) -> dict[int, TableTask | Error]:
    """By relation id, what is to be done for each table, or why its source cannot be listed.

    ``trusts_staging``: what is staged and has not changed since is not read again.
    """
    store = database.store(engine)
    ids = [table.relation_id for table in tables]
    states, loaded, staged = store.refresh_states(ids), store.source_files(ids), store.staged_files(ids)
    found: dict[int, TableTask | Error] = {}
    for table in tables:
        id_ = table.relation_id
        is_dirty = states[id_].is_dirty if id_ in states else False
        reason = "FULL" if reads_all else "DML has touched the table" if is_dirty else "changed files only"
        assert isinstance(table.plan.input, Load)
        try:
            splits = list_source(table.plan.input.source, [row.path for row in loaded[id_]])
        except Error as error:
            found[id_] = error
            continue
        found[id_] = plan_table(
            table,
            splits,
            loaded[id_],
            staged[id_],
            reads_all=reads_all or is_dirty,
            trusts_staging=trusts_staging,
            reason=reason,
        )
    return found


def plan_refresh(
    database: Database, engine: DuckDbEngine, tables: Sequence[TableDefinition], *, reads_all: bool
) -> tuple[TableTask, ...]:
    """What a refresh of these tables would do now. Errors: SourceError."""
    found = list_table_tasks(database, engine, tables, reads_all=reads_all, trusts_staging=not reads_all)
    tasks = []
    for task in found.values():
        if isinstance(task, Error):
            raise task
        tasks.append(task)
    return tuple(tasks)
