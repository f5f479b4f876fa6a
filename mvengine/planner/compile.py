"""A bound view → its fragment: rules, maintenance plan, strategy. Pure."""

from __future__ import annotations

from dataclasses import replace

from mvengine.errors import NotSupportedError
from mvengine.planner.delta.stages import Describe, maintenance_plan
from mvengine.planner.delta.state import state_columns, strategy_of
from mvengine.planner.logical import (
    BagStage,
    FullStage,
    GroupStage,
    Maintenance,
    Match,
    MatchStage,
    Materialize,
    PartitionStage,
    RecursiveStage,
    Strategy,
    TopStage,
)
from mvengine.planner.node import Node
from mvengine.planner.rules import optimize
from mvengine.planner.tail import TailStage
from mvengine.sql.statements import Policy

_ORDER = list(Strategy)


def compile_view(bound: Materialize, describe: Describe) -> Materialize:
    """The root with a Maintenance plan below it and the strategy that its stages need.

    Error: NotSupportedError where that is ``full`` under policy ``strict``.
    """
    optimized = optimize(bound)
    assert isinstance(optimized, Materialize)
    planned = maintenance_plan(optimized, describe)
    assert isinstance(planned.input, Maintenance)
    strategy, reason = _strategy(planned.input, bound.reason)
    if strategy is Strategy.FULL and planned.policy == Policy.STRICT:
        raise NotSupportedError(
            f"cannot maintain {planned.relation} incrementally under policy 'strict': {reason}",
            hint="use policy 'auto', or write the query without it",
        )
    return replace(planned, strategy=strategy, reason=reason)


def _strategy(plan: Maintenance, full_reason: str) -> tuple[Strategy, str]:
    """The worst of the stages' strategies, with the reason of the first stage that needs it."""
    found = [stage_strategy(stage, full_reason) for stage in plan.stages]
    return max(found, key=lambda pair: _ORDER.index(pair[0]))


def stage_strategy(stage: Node, full_reason: str) -> tuple[Strategy, str]:
    """How a stage is maintained, and why so; ``full_reason`` is that of a query that is not taken apart."""
    match stage:
        case FullStage():
            return Strategy.FULL, full_reason
        case GroupStage():
            states = state_columns(stage.arguments, stage.aggregates, exact_floats=stage.exact_floats)
            return strategy_of(states, stage.aggregates, stage.twins, exact_floats=stage.exact_floats)
        case MatchStage():
            assert isinstance(stage.input, Match)
            if not stage.input.keys:
                return Strategy.AFFECTED, f"{_named(stage.input)} without an equality derives the touched rows again"
            return Strategy.AFFECTED, f"{_named(stage.input)} derives the touched keys again"
        case PartitionStage():
            what = "groups" if stage.is_grouped else "partitions"
            if not stage.keys:
                return Strategy.FULL, f"there is one partition: {stage.outputs[-1].expr.sql} reads all rows"
            return Strategy.AFFECTED, f"touched {what} are derived again"
        case TailStage():
            return Strategy.AFFECTED, "no partitions: rows from the first changed one on are derived again"
        case RecursiveStage(is_linear=True):
            follows = "insertions" if stage.recursion.is_distinct else "what only inserts or only deletes"
            return Strategy.AUXILIARY, f"a recursion follows {follows}; after other changes it is computed again"
        case RecursiveStage():
            return Strategy.FULL, "a recursion whose step is more than joins, projections and filters"
        case TopStage():
            return Strategy.AUXILIARY, "LIMIT keeps a reserve of rows, and reads its input again when that is used up"
        case BagStage():
            return Strategy.ALGEBRAIC, "projections, filters, joins and unions are linear"
        case _:
            raise AssertionError(type(stage).__name__)


def _named(match: Match) -> str:
    """``a left join``, ``an anti join``, ``an ASOF left join``."""
    kind = match.kind.value.replace("asof", "ASOF")
    return f"{'an' if kind[0] in 'aA' else 'a'} {kind} join"
