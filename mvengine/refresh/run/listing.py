"""Looks at the sources: what a refresh of some tables would read now. Reads no file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error
from mvengine.meta.records import RefreshJob
from mvengine.planner.logical import Load
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.options import settings_in_force
from mvengine.refresh.plan.files import TableTask, plan_table
from mvengine.sources import list_source


def list_table_tasks(
    database: Database,
    engine: DuckDbEngine,
    tables: Sequence[TableDefinition],
    states: Mapping[int, RefreshJob],
    *,
    reads_all: bool,
    own: Collection[int] = (),
) -> dict[int, TableTask | Error]:
    """By relation id, what is to be done for each table, whose refresh is in ``states``, or why its source cannot be
    listed.

    ``own``: tables of which this refresh itself has staged something. What others have staged is used, too, but not
    where all is to be read; and nothing that is older than ``checkpoint_age_max``.
    """
    store = database.store(engine)
    oldest = database.clock() - timedelta(seconds=database.config.checkpoint_age_max)
    ids = [table.relation_id for table in tables]
    loaded, staged = store.source_files(ids), store.staged_files(ids)
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
        old = {row.path for row in staged[id_] if row.staged_at < oldest}
        is_trusted = id_ in own or not reads_all
        found[id_] = plan_table(
            table,
            splits,
            loaded[id_],
            staged[id_],
            trusted=[row for row in staged[id_] if is_trusted and row.path not in old],
            reads_all=reads_all or is_dirty,
            reason=reason,
        )
    loading = {id_: task for id_, task in found.items() if isinstance(task, TableTask) and task.loads}
    if loading:
        settings = settings_in_force(store, list(loading), database.config)
        for id_, task in loading.items():
            found[id_] = replace(task, on_schema_change=settings[id_].on_schema_change)
    return found


def plan_refresh(
    database: Database, engine: DuckDbEngine, tables: Sequence[TableDefinition], *, reads_all: bool
) -> tuple[TableTask, ...]:
    """What a refresh of these tables would do now. Errors: SourceError."""
    states = database.store(engine).refresh_states([table.relation_id for table in tables])
    found = list_table_tasks(database, engine, tables, states, reads_all=reads_all)
    tasks = []
    for task in found.values():
        if isinstance(task, Error):
            raise task
        tasks.append(task)
    return tuple(tasks)
