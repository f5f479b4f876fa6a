"""Publishing a refreshable table: makes it equal to its files by what was staged, and captures the difference.

Three ways, from the cheapest: the staging table *becomes* the table where that was empty; rows are compared by key
(``merge_keyed``); without a key they are compared as a bag (``merge_bag``).
"""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.logical import WEIGHT, MaterializeTable
from mvengine.refresh.changes import FILE_ID, CapturedTable
from mvengine.refresh.merge_apply import FileOrder, Merged
from mvengine.refresh.merge_bag import merge_bag
from mvengine.refresh.merge_keyed import merge_keyed
from mvengine.schema import quote
from mvengine.testing.faults import fault_point


def create_table_sql(plan: MaterializeTable, table: str) -> str:
    """The DDL that the table, its staging and its shadow share."""
    checks = "".join(f", CHECK ({check})" for check in plan.checks)
    return f"CREATE TABLE {table} ({', '.join(plan.column_definitions)}{checks}, {FILE_ID} INTEGER)"


def merge(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, order: FileOrder) -> Merged:
    """Brings the table to what its files hold. Errors: KeyViolation, IntegrityError."""
    if captured is not None:
        engine.query(f"DROP TABLE IF EXISTS {captured.change}")
    if order.is_first_load and not _has_rows(engine, plan.storage):
        merged = _adopt(engine, plan, captured, order)
    elif plan.primary_key:
        merged = merge_keyed(engine, plan, plan.primary_key, captured, order)
    else:
        merged = merge_bag(engine, plan, captured, order)
    fault_point("refresh.after_merge")
    return merged


def _has_rows(engine: Engine, table: str) -> bool:
    return bool(engine.query(f"SELECT 1 FROM {table} LIMIT 1"))


def _adopt(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, order: FileOrder) -> Merged:
    """The staging table takes the table's place: copying would double the time and the file."""
    key = plan.primary_key
    if key and _has_rivals(engine, plan, key):
        return merge_keyed(engine, plan, key, captured, order)
    name = plan.storage.partition(".")[2]
    engine.query(f"DROP TABLE {plan.storage}")
    engine.query(f"ALTER TABLE {plan.staging} RENAME TO {name}")
    engine.query(create_table_sql(plan, plan.staging))
    if captured is not None:
        weight = f"CAST(1 AS BIGINT) AS {WEIGHT}"
        rows = f"SELECT {captured.selected}{weight} FROM {plan.storage}"
        engine.query(f"CREATE OR REPLACE TEMP VIEW {captured.change} AS {rows}")
    loaded = int(engine.query(f"SELECT count(*) FROM {plan.storage}")[0][0])
    return Merged(inserted=loaded, updated=0, deleted=0, is_view=captured is not None)


def _has_rivals(engine: Engine, plan: MaterializeTable, key: tuple[str, ...]) -> bool:
    columns = ", ".join(quote(column) for column in key)
    return _has_rows(engine, f"(SELECT 1 FROM {plan.staging} GROUP BY {columns} HAVING count(*) > 1)")
