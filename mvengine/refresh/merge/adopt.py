"""A first load: the staging table takes the table's place. Copying would double the time and the file."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.logical import WEIGHT, MaterializeTable
from mvengine.refresh.changes import CapturedTable
from mvengine.refresh.merge.table import create_table_sql
from mvengine.refresh.merge.values import Merged


def adopt(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None) -> Merged:
    """Of an empty table, and a staging table in which no key stands twice. The change is a view over the table."""
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
