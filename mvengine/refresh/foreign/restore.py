"""Makes again what another program has dropped or altered."""

from __future__ import annotations

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error
from mvengine.meta.store import Store
from mvengine.refresh.changes import FILE_ID
from mvengine.refresh.definitions import create_table_storage, create_view_storage, drop_tables
from mvengine.refresh.graph import TableDefinition, ViewDefinition


def restore_view(engine: DuckDbEngine, view: ViewDefinition) -> int:
    """The stages, filled from what the view reads, and the view under its name. Returns how many rows it shows.
    Errors: those of its query; ProgrammingError where something else has its name now."""
    drop_tables(engine, view.plan)
    _free(engine, view)
    create_view_storage(engine, view.plan)
    return int(engine.query(f"SELECT count(*) FROM {view.name.sql}")[0][0])


def restore_table(engine: DuckDbEngine, store: Store, table: TableDefinition) -> None:
    """Prepares a table for the refresh that loads all its files. Where it is damaged it is made again, empty; else rows
    leave it that are of no file (those that DML inserts have none, and are known to refreshes). Errors: as above."""
    if not store.is_damaged(table.name):
        loaded = ", ".join(str(row.file_id) for row in store.source_files([table.relation_id])[table.relation_id])
        strays = f"{FILE_ID} NOT IN ({loaded})" if loaded else f"{FILE_ID} IS NOT NULL"
        for rows in (table.plan.storage, table.plan.shadow):
            engine.query(f"DELETE FROM {rows} WHERE {strays}")
        return
    drop_tables(engine, table.plan)
    _free(engine, table)
    create_table_storage(engine, table.plan)
    store.forget_files(table.relation_id)


def _free(engine: DuckDbEngine, definition: ViewDefinition | TableDefinition) -> None:
    try:
        engine.query(f"DROP VIEW IF EXISTS {definition.name.sql}")
    except Error as error:
        error.position = None
        error.hint = (
            f"another program has made something else of this name: rename that, to have {definition.name} again"
        )
        raise
