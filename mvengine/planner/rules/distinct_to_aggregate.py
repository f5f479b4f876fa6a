"""``Distinct(R)  =>  Aggregate(R, keys = all columns)``: a group's row count is how often the row is there."""

from __future__ import annotations

from mvengine.planner.logical import Aggregate, Distinct, Project, Scan, UnionAll
from mvengine.planner.node import Node
from mvengine.planner.scalar import Output, column


def distinct_to_aggregate(node: Node) -> Node | None:
    """``Distinct(R)  =>  Aggregate(R, keys = all columns)``, where R gives a name scope."""
    match node:
        case Distinct(input=(Aggregate() | Distinct() | Project() | Scan() | UnionAll()) as relation):
            keys = tuple(Output(name=name, expr=column(relation.alias, name)) for name in node.columns)
            return Aggregate(input=relation, keys=keys, aggregates=(), alias=node.alias)
        case _:
            return None
