"""Recursions: their rows follow from the inputs' changes where these only insert or delete, else are computed again."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.bag import consolidate, visible_change
from mvengine.planner.emit.recursion import RecursionSql
from mvengine.planner.logical import RecursiveStage
from mvengine.refresh.stages import bag
from mvengine.refresh.stages.run import StageRun


def create(engine: Engine, stage: RecursiveStage) -> None:
    engine.query(RecursionSql(stage).create())


def rebuild(engine: Engine, stage: RecursiveStage) -> None:
    for statement in RecursionSql(stage).rebuild():
        engine.query(statement)


def maintain(engine: Engine, run: StageRun, stage: RecursiveStage, changes: Changes, *, is_wanted: bool) -> int:
    sql = RecursionSql(stage)
    engine.query(sql.follow(changes) if _can_follow(engine, stage, changes) else sql.compare())
    rows = bag.apply(engine, stage.storage, sql.change, stage.columns, stage.twins)
    if is_wanted and rows:
        query = visible_change(sql.rows_name, run.visible)
        rows = int(engine.query(consolidate(query, run.columns, run.twins, run.change))[0][0])
    engine.query(f"DROP TABLE {sql.change}")
    return rows


def _can_follow(engine: Engine, stage: RecursiveStage, changes: Changes) -> bool:
    if not stage.is_linear:
        return False
    inserts, deletes = engine.query(RecursionSql(stage).shape(changes))[0]
    return not deletes or not (inserts or stage.recursion.is_distinct)
