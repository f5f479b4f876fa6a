"""``Project(R AS a, a.c1, …, a.cN) AS b  =>  R AS b``, where c1 … cN are all columns of R in their order."""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.logical import Aggregate, Distinct, Project, Scan, UnionAll
from mvengine.planner.node import Node
from mvengine.planner.scalar import Output, column
from mvengine.planner.verify import output_names


def drop_identity_projection(node: Node) -> Node | None:
    """``Project(R AS a, a.c1, …, a.cN) AS b  =>  R AS b``, where c1 … cN are all columns of R in their order.

    Nothing below R names ``a``, and nothing above the projection could see it: R can take the other alias.
    """
    match node:
        case Project(input=(Aggregate() | Distinct() | Project() | Scan() | UnionAll()) as relation):
            same = tuple(Output(name=name, expr=column(relation.alias, name)) for name in output_names(relation) or ())
            return replace(relation, alias=node.alias) if node.outputs == same else None
        case _:
            return None
