"""Runs one stage of a view: from the changes of its inputs to its own. One kind of stage a file.

``maintain`` returns the number of rows in the change that the stage hands on. That change stands afterwards in the
temporary table ``delta_name(stage)`` if it was wanted or is needed.
"""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.logical import (
    BagStage,
    FullStage,
    GroupStage,
    MatchStage,
    PartitionStage,
    RecursiveStage,
    TopStage,
)
from mvengine.planner.tail import TailStage
from mvengine.refresh.sizes import Sizes
from mvengine.refresh.stages import bag, full, group, limited, match, partition, recursive, tail, top
from mvengine.refresh.stages.run import Stage, StageRun, StoredStage, runs_of

__all__ = ["Stage", "StageRun", "StoredStage", "create_stage", "maintain_stage", "rebuild_stage", "runs_of"]


def create_stage(engine: Engine, run: StageRun, column_types: dict[str, str]) -> None:
    """Makes a stage's table and fills it from the current inputs."""
    stage = run.stage
    match stage:
        case GroupStage():
            group.create(engine, stage)
        case PartitionStage():
            partition.create(engine, stage)
        case TailStage():
            tail.create(engine, stage)
        case TopStage():
            top.create(engine, stage)
        case RecursiveStage():
            recursive.create(engine, stage)
        case BagStage():
            bag.create(engine, stage)
        case FullStage():
            full.create(engine, stage, column_types)
        case MatchStage():
            pass  # nothing is stored


def rebuild_stage(engine: Engine, stage: Stage) -> None:
    """Derives a stage's rows again from the current inputs."""
    match stage:
        case GroupStage():
            group.rebuild(engine, stage)
        case PartitionStage():
            partition.rebuild(engine, stage)
        case TailStage():
            tail.rebuild(engine, stage)
        case TopStage():
            top.rebuild(engine, stage)
        case RecursiveStage():
            recursive.rebuild(engine, stage)
        case BagStage():
            bag.rebuild(engine, stage)
        case FullStage():
            full.rebuild(engine, stage)
        case MatchStage():
            pass


def maintain_stage(engine: Engine, run: StageRun, changes: Changes, sizes: Sizes, *, is_wanted: bool) -> int:
    """Brings a stage up to date. ``changes`` are those of its inputs; ``is_wanted``: somebody reads its own."""
    if is_wanted and limited.is_limited(run):
        return limited.maintain(engine, run, lambda: maintain_stage(engine, run, changes, sizes, is_wanted=False))
    stage = run.stage
    match stage:
        case GroupStage():
            return group.maintain(engine, run, stage, changes, sizes, is_wanted=is_wanted)
        case PartitionStage():
            return partition.maintain(engine, run, stage, changes, is_wanted=is_wanted)
        case TailStage():
            return tail.maintain(engine, run, stage, changes, is_wanted=is_wanted)
        case TopStage():
            return top.maintain(engine, run, stage, changes, is_wanted=is_wanted)
        case RecursiveStage():
            return recursive.maintain(engine, run, stage, changes, is_wanted=is_wanted)
        case MatchStage():
            return match.maintain(engine, run, stage, changes)
        case BagStage():
            return bag.maintain(engine, run, stage, changes)
        case FullStage():
            return full.maintain(engine, run, stage)
