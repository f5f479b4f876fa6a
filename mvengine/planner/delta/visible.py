"""What readers of a view see of its last stage: projections, filters and a limit, computed on reading."""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.delta.state import group_twins
from mvengine.planner.logical import (
    BagRead,
    BagStage,
    Filter,
    FullStage,
    GroupRead,
    GroupStage,
    Limit,
    MatchStage,
    PartitionStage,
    Project,
    RecursiveStage,
    StageRead,
    TopRead,
    TopStage,
)
from mvengine.planner.node import Node
from mvengine.planner.tail import TailStage
from mvengine.schema import Columns


def is_chain_over_state(plan: Node) -> bool:
    """Whether nothing but projections and filters stand above what a stage stores: they are computed on reading."""
    while isinstance(plan, Project | Filter | Limit):
        plan = plan.input
    return isinstance(plan, GroupRead) or (isinstance(plan, StageRead) and isinstance(plan.rows, BagRead | TopRead))


def rename_storage(plan: Node, stage: Node) -> Node:
    """The visible chain over the last stage, which took the view's own storage."""
    match plan, stage:
        case GroupRead(), GroupStage():
            return replace(plan, stage=stage.name, storage=stage.storage)
        case StageRead(
            rows=BagRead() | TopRead() as rows
        ), PartitionStage() | TopStage() | RecursiveStage() | TailStage():
            return replace(rows, storage=stage.storage, alias=plan.alias)
        case _:
            return plan.with_children(tuple(rename_storage(child, stage) for child in plan.children))


def under_chain(plan: Node) -> Node:
    """What is read by projections and filters."""
    while isinstance(plan, Project | Filter):
        plan = plan.input
    return plan.rows if isinstance(plan, StageRead) else plan


def seen_twins(stage: Node) -> Columns:
    """Of what is seen of an inner stage: the columns whose equal values may differ (see twins.py)."""
    match stage:
        case GroupStage():
            return group_twins(stage)
        case MatchStage() | PartitionStage() | TopStage() | RecursiveStage() | TailStage() | BagStage() | FullStage():
            return stage.twins
        case _:
            raise AssertionError(type(stage).__name__)


def top_read(stage: TopStage, alias: str) -> TopRead:
    """The visible rows of a stage."""
    return TopRead(
        storage=stage.storage,
        columns=stage.columns,
        order_by=stage.order_by,
        limit=stage.limit,
        offset=stage.offset,
        alias=alias,
    )
