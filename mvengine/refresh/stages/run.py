"""A stage with what its readers see of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mvengine.planner.delta import delta_name
from mvengine.planner.delta.visible import seen_twins, top_read
from mvengine.planner.emit.select import columns_of, select
from mvengine.planner.logical import (
    BagRead,
    BagStage,
    FullStage,
    GroupRead,
    GroupStage,
    Maintenance,
    MatchStage,
    PartitionStage,
    RecursiveStage,
    TopStage,
    Version,
)
from mvengine.planner.node import Node
from mvengine.planner.tail import TailStage
from mvengine.schema import Columns, quote

StoredStage = GroupStage | BagStage | FullStage | PartitionStage | TopStage | RecursiveStage | TailStage
"""Stages with a table of their own."""

Stage = StoredStage | MatchStage


@dataclass(frozen=True)
class StageRun:
    """A stage with what its readers see of it."""

    stage: Stage
    visible: Node  # projections and filters over the stage's GroupRead or BagRead; the Match itself of a MatchStage
    twins: Columns  # columns of what is visible whose equal values may differ

    @property
    def change(self) -> str:
        """The quoted name of the temporary table that holds the change of what is visible."""
        return quote(delta_name(self.stage.name))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return columns_of(self.visible)

    def rows(self) -> str:
        """What readers see now, as a query."""
        return select(self.visible, weighted=False)


def runs_of(plan: Maintenance) -> tuple[StageRun, ...]:
    """The stages of a view, each with what its readers see."""
    runs = []
    for stage in plan.stages:
        assert isinstance(stage, Stage)
        is_last = stage is plan.stages[-1]
        visible, twins = (plan.visible, plan.twins) if is_last else (inner_read(stage), seen_twins(stage))
        runs.append(StageRun(stage, visible, twins))
    return tuple(runs)


def inner_read(stage: Stage) -> Node:
    """What later stages of the same view see of a stage."""
    match stage:
        case GroupStage():
            return GroupRead(
                stage=stage.name,
                storage=stage.storage,
                keys=stage.keys,
                arguments=stage.arguments,
                aggregates=stage.aggregates,
                alias="v",
                version=Version.CURRENT,
            )
        case PartitionStage():
            columns = tuple(output.name for output in stage.outputs)
            return BagRead(storage=stage.storage, columns=columns, alias="v")
        case BagStage() | FullStage() | RecursiveStage() | TailStage():
            return BagRead(storage=stage.storage, columns=stage.columns, alias="v")
        case TopStage():
            return top_read(stage, "v")
        case MatchStage():
            return stage.input
