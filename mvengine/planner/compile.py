"""A bound view → its fragment: rules, maintenance plan, strategy. Pure."""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.delta.stages import maintenance_plan
from mvengine.planner.delta.state import state_columns, strategy_of
from mvengine.planner.logical import BagStage, FullStage, GroupStage, Maintenance, Materialize, Strategy
from mvengine.planner.node import Node
from mvengine.planner.rules import optimize

_ORDER = list(Strategy)


def compile_view(bound: Materialize) -> Materialize:
    """The root with a Maintenance plan below it and the strategy that its stages need."""
    optimized = optimize(bound)
    assert isinstance(optimized, Materialize)
    planned = maintenance_plan(optimized)
    assert isinstance(planned.input, Maintenance)
    strategy, reason = _strategy(planned.input, bound.reason)
    return replace(planned, strategy=strategy, reason=reason)


def _strategy(plan: Maintenance, full_reason: str) -> tuple[Strategy, str]:
    """The worst of the stages' strategies, with the reason of the first stage that needs it."""
    found = [_stage_strategy(stage, full_reason) for stage in plan.stages]
    return max(found, key=lambda pair: _ORDER.index(pair[0]))


def _stage_strategy(stage: Node, full_reason: str) -> tuple[Strategy, str]:
    match stage:
        case FullStage():
            return Strategy.FULL, full_reason
        case GroupStage():
            return strategy_of(state_columns(stage.arguments, stage.aggregates), stage.aggregates)
        case BagStage():
            return Strategy.ALGEBRAIC, "projections, filters, joins and unions are linear"
        case _:
            raise AssertionError(type(stage).__name__)
