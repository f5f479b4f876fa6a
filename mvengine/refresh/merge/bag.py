"""Merging a table without a key: of each different row, as many copies as each file holds."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.emit import bag
from mvengine.planner.logical import WEIGHT, MaterializeTable
from mvengine.planner.twins import grouping, telling, twins_of
from mvengine.refresh.changes import FILE_ID, CapturedTable
from mvengine.refresh.merge.values import FileOrder, Merged
from mvengine.schema import Columns, quote

CHANGE = "mv_changed_rows"


def merge_bag(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, order: FileOrder) -> Merged:
    """Returns rows inserted, 0, rows deleted, as the table's readers see them: a renamed file changes nothing.

    The change has the columns that are captured, and more: whole rows, with their files.
    """
    change = captured.change if captured is not None else CHANGE
    stored = (*plan.stored_columns, FILE_ID)
    generated = [column for column in captured.used if column not in stored] if captured is not None else []
    columns = (*stored, *generated)
    twins = tuple(column for column in twins_of(plan.columns) if column.name in columns)
    names = ", ".join(quote(column) for column in columns)
    files = (
        f"SELECT {names}, CAST(1 AS BIGINT) AS {WEIGHT} FROM {plan.staging}\n"
        f"UNION ALL\nSELECT {names}, CAST(-1 AS BIGINT) AS {WEIGHT} FROM {plan.storage} WHERE {order.is_replaced()}"
    )
    rows = int(engine.query(bag.consolidate(files, columns, twins, change))[0][0])
    inserted, deleted = _visible_change(engine, plan, change) if rows else (0, 0)
    if rows:
        engine.query(_delete(plan, order, change, stored))
        engine.query(bag.insert(plan.storage, change, stored))
    if captured is None:
        engine.query(f"DROP TABLE {change}")
    return Merged(inserted=inserted, updated=0, deleted=deleted)


def _visible_change(engine: Engine, plan: MaterializeTable, change: str) -> tuple[int, int]:
    """Rows in and out when files are left out of account."""
    names = grouping(plan.stored_columns, _stored_twins(plan))
    inserted, deleted = engine.query(
        f"SELECT coalesce(sum(n) FILTER (n > 0), 0), coalesce(-sum(n) FILTER (n < 0), 0) "
        f"FROM (SELECT sum({WEIGHT}) AS n FROM {change} GROUP BY {names})"
    )[0]
    return int(inserted), int(deleted)


def _stored_twins(plan: MaterializeTable) -> Columns:
    return tuple(column for column in twins_of(plan.columns) if column.name in plan.stored_columns)


def _delete(plan: MaterializeTable, order: FileOrder, change: str, columns: tuple[str, ...]) -> str:
    """Deletes as many copies of each row as its file has lost."""
    twins = _stored_twins(plan)
    pairs = [f"s.{quote(column)} IS NOT DISTINCT FROM d.{quote(column)}" for column in columns]
    pairs += [f"{telling(column, 's')} IS NOT DISTINCT FROM {telling(column, 'd')}" for column in twins]
    same = " AND ".join(pairs)
    partition = ", ".join([*(f"s.{quote(column)}" for column in columns), *(telling(column, "s") for column in twins)])
    return (
        f"DELETE FROM {plan.storage} WHERE rowid IN (SELECT stored FROM (\n"
        f"  SELECT s.rowid AS stored, -d.{WEIGHT} AS copies, row_number() OVER (PARTITION BY {partition}) AS rank\n"
        f"  FROM {plan.storage} AS s JOIN {change} AS d ON {same} AND d.{WEIGHT} < 0 "
        f"WHERE {order.is_replaced('s.')}\n"
        f") WHERE rank <= copies)"
    )
