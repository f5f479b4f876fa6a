"""A join that is not an inner one: nothing is stored, its change is derived from the affected keys."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.match import change
from mvengine.planner.logical import MatchStage
from mvengine.refresh.stages.run import StageRun


def maintain(engine: Engine, run: StageRun, stage: MatchStage, changes: Changes) -> int:
    created = engine.query(f"CREATE OR REPLACE TEMP TABLE {run.change} AS\n{change(stage, changes)}")
    if rows := int(created[0][0]):
        return rows
    engine.query(f"DROP TABLE {run.change}")
    return 0
