"""The first rows of an order: kept with a reserve, and read again when deletions have used it up."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.top import TopSql
from mvengine.planner.logical import TopStage
from mvengine.refresh.stages.run import StageRun


def create(engine: Engine, stage: TopStage) -> None:
    engine.query(TopSql(stage).create())


def rebuild(engine: Engine, stage: TopStage) -> None:
    for statement in TopSql(stage).rebuild():
        engine.query(statement)


def maintain(engine: Engine, run: StageRun, stage: TopStage, changes: Changes, *, is_wanted: bool) -> int:
    sql = TopSql(stage)
    engine.query(sql.follow(changes))
    is_short, rows = engine.query(sql.shape())[0]
    if is_short:
        engine.query(sql.read_again())
    if is_short or rows:
        if is_wanted:
            difference = sql.compare(run.visible, run.columns, run.twins)
            rows = engine.query(f"CREATE OR REPLACE TEMP TABLE {run.change} AS\n{difference}")[0][0]
        for statement in sql.apply():
            engine.query(statement)
    engine.query(f"DROP TABLE {sql.fresh}")
    return int(rows)
