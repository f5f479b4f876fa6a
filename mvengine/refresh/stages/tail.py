"""Window functions without partitions that look backwards: rows from the first changed one on are derived again."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.bag import consolidate
from mvengine.planner.emit.tail import TailSql
from mvengine.planner.tail import TailStage
from mvengine.refresh.stages import bag
from mvengine.refresh.stages.run import StageRun


def create(engine: Engine, stage: TailStage) -> None:
    engine.query(TailSql(stage).create())


def rebuild(engine: Engine, stage: TailStage) -> None:
    for statement in TailSql(stage).rebuild():
        engine.query(statement)


def maintain(engine: Engine, run: StageRun, stage: TailStage, changes: Changes, *, is_wanted: bool) -> int:
    sql = TailSql(stage)
    engine.query(sql.find_start(changes))
    if not engine.query(sql.shape())[0][0]:
        engine.query(f"DROP TABLE {sql.start}")
        return 0
    engine.query(sql.derive())
    engine.query(sql.copy_stored())
    engine.query(sql.compare())
    rows = bag.apply(engine, stage.storage, sql.change, stage.columns, stage.twins, among=sql.stored)
    if is_wanted:
        query = sql.visible_change(run.visible)
        rows = int(engine.query(consolidate(query, run.columns, run.twins, run.change))[0][0])
    for table in (sql.start, sql.fresh, sql.stored, sql.change):
        engine.query(f"DROP TABLE {table}")
    return rows
