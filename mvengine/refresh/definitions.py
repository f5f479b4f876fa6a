"""Makes and removes what relations consist of in the database: tables of rows and state, and the views over them."""

from __future__ import annotations

from collections.abc import Callable

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import DataError, Error, InternalError
from mvengine.planner.emit.select import select
from mvengine.planner.fragment import loads
from mvengine.planner.logical import (
    ConstrainedTable,
    Maintenance,
    Materialize,
    MaterializeTable,
    Root,
)
from mvengine.planner.node import walk
from mvengine.refresh.merge import create_table_sql
from mvengine.refresh.settings import settings_of
from mvengine.refresh.stages import StoredStage, create_stage, runs_of
from mvengine.schema import quote


def create_table_storage(engine: DuckDbEngine, plan: MaterializeTable) -> None:
    """The table, its staging and its shadow, all empty, and the view under the user's name that hides ``_file_id``."""
    for table in (plan.storage, plan.staging, plan.shadow):
        engine.query(create_table_sql(plan, table))
    create_visible_table(engine, plan)


def create_visible_table(engine: DuckDbEngine, plan: MaterializeTable) -> None:
    """The view under the user's name."""
    columns = ", ".join(quote(column.name) for column in plan.columns)
    engine.query(f"CREATE VIEW {plan.relation.sql} AS SELECT {columns} FROM {plan.storage}")


def create_view_storage(engine: DuckDbEngine, plan: Materialize) -> None:
    """The stages, filled, and the view under the user's name."""
    create_stages(engine, plan)
    create_visible(engine, plan)


def create_stages(engine: DuckDbEngine, plan: Materialize, on_stage: Callable[[int, int], None] | None = None) -> None:
    """The stages, filled from the inputs as they are. ``on_stage`` is told how many are done, of how many."""
    maintenance = plan.input
    assert isinstance(maintenance, Maintenance)
    types = {column.name: column.type for column in plan.columns}
    with settings_of(engine, plan.settings):
        for done, run in enumerate(runs_of(maintenance), start=1):
            try:
                create_stage(engine, run, types)
            except Error as error:
                error.position = None  # it is one in the statement that we made, not in the user's
                if isinstance(error, DataError):
                    error.hint = "correct the rows, or let the query take them, as by TRY_CAST or NULLIF"
                raise
            if isinstance(run.stage, StoredStage):
                _settle_if_empty(engine, run.stage.storage)
            if on_stage is not None:
                on_stage(done, len(maintenance.stages))
    _check_types(engine, plan)


def _settle_if_empty(engine: DuckDbEngine, table: str) -> None:
    """What the same transaction inserts into a table that was filled with nothing may be lost (see ``no_rows``); a row
    that comes and goes prevents that."""
    if not engine.query(f"SELECT 1 FROM {table} LIMIT 1"):
        engine.query(f"INSERT INTO {table} DEFAULT VALUES")
        engine.query(f"DELETE FROM {table}")


def create_visible(engine: DuckDbEngine, plan: Materialize) -> None:
    """The view under the user's name."""
    order = f"\nORDER BY {', '.join(plan.order_by)}" if plan.order_by else ""
    engine.query(f"CREATE VIEW {plan.relation.sql} AS {_visible(plan)}{order}")


def _visible(plan: Materialize) -> str:
    assert isinstance(plan.input, Maintenance)
    return select(plan.input.visible, weighted=False)


def _check_types(engine: DuckDbEngine, plan: Materialize) -> None:
    """A maintained view has the types of its query, or it is not created. (DESCRIBE may fold the case of a name.)"""
    found = [(row[0].lower(), row[1]) for row in engine.query(f"DESCRIBE SELECT * FROM (\n{_visible(plan)}\n)")]
    wanted = [(column.name.lower(), column.type) for column in plan.columns]
    if found != wanted:
        raise InternalError(
            f"view {plan.relation} would have columns {found}, its query has {wanted}",
            hint="create it WITH (policy = 'full'), and report this",
        )


def drop_storage(engine: DuckDbEngine, fragment: str, database: str) -> None:
    """Removes what ``create_…_storage`` made, as far as it is there. ``database`` is DuckDB's name of ours: without it,
    DuckDB would take a session's temporary view, or table, for what is dropped."""
    root = loads(fragment).root
    if isinstance(root, ConstrainedTable):
        engine.query(f"DROP TABLE IF EXISTS {quote(database)}.{root.relation.sql}")
        return
    engine.query(f"DROP VIEW IF EXISTS {quote(database)}.{root.relation.sql}")
    drop_tables(engine, root)


def drop_tables(engine: DuckDbEngine, plan: Root) -> None:
    """Removes the tables of rows and state, as far as they are there; the user's name is left alone."""
    if isinstance(plan, MaterializeTable):
        tables = [plan.storage, plan.staging, plan.shadow]
    else:
        stages = [node for node in walk(plan) if isinstance(node, StoredStage)]
        tables = [stage.storage for stage in stages]
    for table in tables:
        engine.query(f"DROP TABLE IF EXISTS {table}")
