"""``Aggregate(R, g; f(DISTINCT x), h(a))  =>  Aggregate(Aggregate(R, g and x; h(a)), g; f(x), h merged)``"""

from __future__ import annotations

from mvengine.planner.delta.state import DISTINCT
from mvengine.planner.logical import Aggregate, AggregateCall, AggregateFunction, Project
from mvengine.planner.node import Node
from mvengine.planner.regroup import Regrouping, is_mergeable
from mvengine.planner.scalar import Output, column

_PLAIN = {
    AggregateFunction.COUNT_DISTINCT: AggregateFunction.COUNT,
    AggregateFunction.SUM_DISTINCT: AggregateFunction.SUM,
    AggregateFunction.AVG_DISTINCT: AggregateFunction.AVG,
}


def distinct_argument_to_finer_group(node: Node) -> Node | None:
    """``Aggregate(R, g; f(DISTINCT x), h(a))  =>  Aggregate(Aggregate(R, g and x; h(a)), g; f(x), h merged)``

    Within a group of g and x there is one x. Only for one x, and where all other aggregates can be merged.
    """
    if not isinstance(node, Aggregate):
        return None
    distinct = [call for call in node.aggregates if call.function in DISTINCT]
    others = [call for call in node.aggregates if call.function not in DISTINCT]
    if len({call.argument for call in distinct}) != 1 or not all(is_mergeable(call) for call in others):
        return None
    value = distinct[0].argument
    assert value is not None
    finer, coarser = "by_value", "by_group"  # each is seen by the node above it only
    names = {key.name.lower() for key in node.keys}
    name = next(n for n in ("value", *(f"value_{i}" for i in range(2, 10_000))) if n not in names)
    merging = Regrouping(others, [*names, name])
    values = Regrouping(
        [_plain(call, finer, name) for call in distinct],
        [*names, name, *(part.name for part in merging.parts)],
        may_share=False,
    )
    inner = Aggregate(
        input=node.input,
        keys=(*node.keys, Output(name=name, expr=value)),
        aggregates=merging.parts,
        alias=finer,
    )
    outer = Aggregate(
        input=inner,
        keys=tuple(Output(name=key.name, expr=column(finer, key.name)) for key in node.keys),
        aggregates=(*merging.merged(finer), *values.parts),
        alias=coarser,
    )
    outputs = {key.name: Output(name=key.name, expr=column(coarser, key.name)) for key in node.keys}
    for output in (*merging.outputs(coarser, is_merged=True), *values.outputs(coarser, is_merged=False)):
        outputs[output.name] = output
    ordered = (*(key.name for key in node.keys), *(call.name for call in node.aggregates))
    return Project(input=outer, outputs=tuple(outputs[name] for name in ordered), alias=node.alias)


def _plain(call: AggregateCall, finer: str, name: str) -> AggregateCall:
    """The aggregate over the different values."""
    return AggregateCall(
        name=call.name,
        function=_PLAIN[call.function],
        argument=column(finer, name),
        argument_type=call.argument_type,
    )
