"""Each operator and stage of a maintenance plan in words, for people: what it does, how it is maintained, and why so.

A new class of nodes needs one case here; until it has one, its name stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mvengine.planner.logical import (
    AggregateCall,
    BagStage,
    Constant,
    Distinct,
    Filter,
    FullStage,
    GroupStage,
    Join,
    Match,
    MatchStage,
    PartitionStage,
    Project,
    Scan,
    Strategy,
    UnionAll,
    Window,
)
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output
from mvengine.planner.tail import TailStage

LABEL_MAX = 100  # characters of a line's text: a query in it may be long


@dataclass(frozen=True, kw_only=True)
class Description:
    """``what`` is one line. Where ``why`` is empty, the strategy is that of the stage above."""

    what: str
    strategy: Strategy | None
    why: str


def describe(node: Node, *, full_reason: str) -> Description:
    """``full_reason``: of the view's root, why its query is not taken apart, where that is so."""
    from mvengine.planner.compile import stage_strategy

    if isinstance(node, GroupStage | BagStage | FullStage | PartitionStage | TailStage | MatchStage):
        strategy, why = stage_strategy(node, full_reason)
        return Description(what=_shortened(_stage(node)), strategy=strategy, why=why)
    return Description(what=_shortened(_operator(node)), strategy=None, why="")


def _stage(stage: Node) -> str:
    match stage:
        case GroupStage(aggregates=()):
            return f"Distinct {', '.join(stage.keys)}"
        case GroupStage():
            calls = ", ".join(_call(call, stage.input) for call in stage.aggregates)
            return f"Group by {', '.join(_keys(stage))}: {calls}" if stage.keys else f"Aggregate {calls}"
        case PartitionStage():
            computed = [_output(output) for output in stage.outputs if output.name not in stage.keys]
            verb = "Group by" if stage.is_grouped else "Partition by"
            return f"{verb} {', '.join(stage.keys) or 'nothing'}: {', '.join(computed)}"
        case TailStage():
            return f"Follow the order: {', '.join(f'{call.name} = {call.call.sql}' for call in stage.calls)}"
        case MatchStage():
            return _operator(stage.input)
        case FullStage():
            return f"Query {' '.join(stage.query.split())}"
        case _:
            return "Rows"


def _operator(node: Node) -> str:
    match node:
        case Scan():
            return f"Scan {node.relation} ({', '.join(column.name for column in node.columns)})"
        case Filter():
            return f"Filter {_all(node.predicates)}"
        case Project():
            return f"Project {', '.join(_output(output) for output in node.outputs)}"
        case Join(predicates=()):
            return "Cross join"
        case Join():
            return f"Join {_all(node.predicates)}"
        case Match():
            keys = (f"{key.left.sql} {_OPERATORS[key.is_null_safe]} {key.right.sql}" for key in node.keys)
            conditions = [*keys, *(predicate.sql for predicate in node.predicates)]
            return f"{node.kind.capitalize()} join {' AND '.join(conditions) or 'of all rows'}"
        case Window():
            partition = f" partition by {', '.join(node.partition_by)}" if node.partition_by else ""
            return f"Window{partition}: {', '.join(_output(call) for call in node.calls)}"
        case UnionAll():
            return f"Union all of {len(node.inputs)} inputs"
        case Distinct():
            return f"Distinct {', '.join(node.columns)}"
        case Constant():
            return "Constant rows"
        case _:
            return type(node).__name__


_OPERATORS = {False: "=", True: "IS NOT DISTINCT FROM"}


def _keys(stage: GroupStage) -> list[str]:
    computed = _computed(stage.input)
    return [computed.get(key, key) for key in stage.keys]


def _call(call: AggregateCall, source: Node) -> str:
    """The aggregate over what its argument is computed by."""
    if call.argument is None:
        return "count(*)"
    return f"{call.function}({_computed(source).get(call.argument.columns[0].name, call.argument.sql)})"


def _computed(source: Node) -> dict[str, str]:
    return {output.name: output.expr.sql for output in source.outputs} if isinstance(source, Project) else {}


def _output(output: Output) -> str:
    sql = output.expr.sql
    return sql if sql.rpartition(".")[2].strip('"') == output.name else f"{sql} AS {output.name}"


def _all(predicates: Iterable[Expr]) -> str:
    return " AND ".join(predicate.sql for predicate in predicates)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LABEL_MAX else text[: LABEL_MAX - 1] + "…"
