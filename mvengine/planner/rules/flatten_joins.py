"""``Join(Join(R, S; p), Filter(Join(T, U; q), r); s)  =>  Join(R, S, T, U; s AND p AND q AND r)``

One join of N inputs has N terms in its delta, each over base relations; nested joins would have to derive the old
contents of a whole inner join.
"""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.logical import Filter, Join
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr
from mvengine.planner.scopes import aliases


def flatten_joins(node: Node) -> Node | None:
    """``Join(Join(R, S; p), Filter(Join(T, U; q), r); s)  =>  Join(R, S, T, U; s AND p AND q AND r)``

    Only where every input keeps an alias of its own. Inputs stay in their order.
    """
    if not isinstance(node, Join) or not any(_joined(child) for child in node.inputs):
        return None
    inputs: list[Node] = []
    predicates: list[Expr] = list(node.predicates)
    for child in node.inputs:
        inner = _joined(child)
        inputs.extend(inner.inputs if inner else (child,))
        predicates.extend(inner.predicates if inner else ())
    names = [alias.lower() for child in inputs for alias in aliases(child)]
    if len(set(names)) != len(names):
        return None
    return replace(node, inputs=tuple(inputs), predicates=tuple(predicates))


def _joined(node: Node) -> Join | None:
    """The join that an input is, filters above it taken in; None for other inputs."""
    match node:
        case Join():
            return node
        case Filter(input=child):
            join = _joined(child)
            return join and replace(join, predicates=(*join.predicates, *node.predicates))
        case _:
            return None
