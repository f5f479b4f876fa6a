"""Partitions derived again: window functions, and aggregates that no state can follow."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.bag import consolidate
from mvengine.planner.emit.partition import PartitionSql
from mvengine.planner.logical import PartitionStage
from mvengine.refresh.stages import bag
from mvengine.refresh.stages.run import StageRun


def create(engine: Engine, stage: PartitionStage) -> None:
    engine.query(PartitionSql(stage, is_null_safe=False).create())


def rebuild(engine: Engine, stage: PartitionStage) -> None:
    for statement in PartitionSql(stage, is_null_safe=False).rebuild():
        engine.query(statement)


def maintain(engine: Engine, run: StageRun, stage: PartitionStage, changes: Changes, *, is_wanted: bool) -> int:
    sql = PartitionSql(stage, is_null_safe=False)
    engine.query(sql.find_touched(changes))
    partitions, null_keys = engine.query(sql.shape())[0]
    if not partitions:
        engine.query(f"DROP TABLE {sql.touched}")
        return 0
    sql = PartitionSql(stage, is_null_safe=null_keys > 0)
    engine.query(sql.derive(changes))
    engine.query(sql.copy_stored())
    engine.query(sql.compare())
    rows = bag.apply(engine, stage.storage, sql.change, sql.columns, stage.twins, among=sql.stored)
    if is_wanted:
        query = sql.visible_change(run.visible)
        rows = int(engine.query(consolidate(query, run.columns, run.twins, run.change))[0][0])
    for table in (sql.touched, sql.fresh, sql.stored, sql.change):
        engine.query(f"DROP TABLE {table}")
    return rows
