"""Merging a table without a key: of each different row, as many copies as each file holds."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.emit.bag import consolidate
from mvengine.planner.logical import WEIGHT, MaterializeTable
from mvengine.refresh.changes import FILE_ID, CapturedTable
from mvengine.refresh.merge_apply import FileOrder, Merged, apply_rows
from mvengine.schema import quote

CHANGE = "mv_file_rows"
GONE = "mv_gone_rows"


def merge_bag(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, order: FileOrder) -> Merged:
    """Returns rows inserted, 0, rows deleted, as the table's readers see them: a renamed file changes nothing."""
    columns = (*plan.stored_columns, FILE_ID)
    names = ", ".join(quote(column) for column in columns)
    replaced = ", ".join(str(id_) for id_ in order.replaced)
    of_files = f"{FILE_ID} IS NULL" + (f" OR {FILE_ID} IN ({replaced})" if replaced else "")
    files = (
        f"SELECT {names}, CAST(1 AS BIGINT) AS {WEIGHT} FROM {plan.staging}\n"
        f"UNION ALL\nSELECT {names}, CAST(-1 AS BIGINT) AS {WEIGHT} FROM {plan.storage} WHERE {of_files}"
    )
    engine.query(consolidate(files, columns, CHANGE))
    inserted, deleted = _visible_change(engine, plan.stored_columns)
    same = " AND ".join(f"s.{quote(column)} IS NOT DISTINCT FROM d.{quote(column)}" for column in columns)
    partition = ", ".join(f"s.{quote(column)}" for column in columns)
    engine.query(
        f"CREATE OR REPLACE TEMP TABLE {GONE} AS SELECT stored FROM (\n"
        f"  SELECT s.rowid AS stored, -d.{WEIGHT} AS copies, row_number() OVER (PARTITION BY {partition}) AS rank\n"
        f"  FROM {plan.storage} AS s JOIN {CHANGE} AS d ON {same} AND d.{WEIGHT} < 0 WHERE {_qualified(of_files)}\n"
        f") WHERE rank <= copies"
    )
    insert = (
        f"INSERT INTO {plan.storage} ({names}) SELECT {names} FROM "
        f"(SELECT {names}, unnest(range({WEIGHT})) FROM {CHANGE} WHERE {WEIGHT} > 0)"
    )
    apply_rows(engine, plan, captured, GONE, insert)
    engine.query(f"DROP TABLE {CHANGE}")
    return Merged(inserted=inserted, updated=0, deleted=deleted, is_view=False)


def _qualified(condition: str) -> str:
    return condition.replace(FILE_ID, f"s.{FILE_ID}")


def _visible_change(engine: Engine, columns: tuple[str, ...]) -> tuple[int, int]:
    """Rows in and out when files are left out of account."""
    names = ", ".join(quote(column) for column in columns)
    inserted, deleted = engine.query(
        f"SELECT coalesce(sum(n) FILTER (n > 0), 0), coalesce(-sum(n) FILTER (n < 0), 0) "
        f"FROM (SELECT sum({WEIGHT}) AS n FROM {CHANGE} GROUP BY {names})"
    )[0]
    return int(inserted), int(deleted)
