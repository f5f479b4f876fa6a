"""``Filter(Join(R LEFT JOIN S, T), p(R))  =>  Join(Filter(R, p) LEFT JOIN S, T)``, and likewise below other operators.

What a predicate lets go below, beside joins: projections (their expressions put in), the left side of LEFT, SEMI, ANTI,
MARK, SINGLE and ASOF joins, window functions (a predicate on partition keys: it keeps or drops whole partitions),
aggregates (on keys: whole groups), each input of a union. Then fewer rows are derived, and fewer are stored.

An operator that stands in the plan more than once is computed once: a filter that only one of its readers has stays
above it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import Aggregate, Filter, Join, Match, MatchKind, Materialize, Project, UnionAll, Window
from mvengine.planner.node import Node, rewrite, walk
from mvengine.planner.scalar import Expr, column
from mvengine.planner.scopes import (
    Stateful,
    aliases,
    below,
    filtered,
    identity,
    is_general,
    mapped,
    reads_only,
)


def push_filter_down(node: Node) -> Node | None:
    """``Filter(Join(R LEFT JOIN S, T), p(R))  =>  Join(Filter(R, p) LEFT JOIN S, T)``"""
    if not isinstance(node, Materialize):
        return None
    pusher = _Pusher(Counter(replace(part, alias="") for part in walk(node) if isinstance(part, Stateful)))
    after = rewrite(node.input, pusher.pushed)
    return None if after is node.input else node.with_children((after,))


class _Pusher:
    """``uses``: how often each operator that becomes a stage stands in the plan, whatever it is called there."""

    def __init__(self, uses: Counter[Stateful]) -> None:
        self.uses = uses

    def pushed(self, node: Node) -> Node | None:
        """A filter or a join without the predicates that one input can take; None where there are none."""
        if not isinstance(node, Filter | Join):
            return None
        inputs = list(node.children)
        kept: list[Expr] = []
        for predicate in node.predicates:
            at = next((i for i, child in enumerate(inputs) if reads_only(predicate, aliases(child))), None)
            sunk = None if at is None else self._sunk(inputs[at], predicate)
            if at is None or sunk is None:
                kept.append(predicate)
            else:
                inputs[at] = sunk
        if len(kept) == len(node.predicates):
            return None
        if isinstance(node, Filter) and not kept:
            return inputs[0]
        return replace(node.with_children(tuple(inputs)), predicates=tuple(kept))

    def _sunk(self, node: Node, predicate: Expr) -> Node | None:
        """The node with a predicate over its columns applied inside it; None where it cannot be."""
        if isinstance(node, Stateful) and self.uses[replace(node, alias="")] > 1:
            return None
        match node:
            case Filter() | Join():
                return filtered(node, (predicate,))
            case UnionAll():
                return _into_legs(node, predicate)
            case Project():
                inside = below(predicate, mapped(node.alias, node.outputs))
                return None if inside is None else replace(node, input=filtered(node.input, (inside,)))
            case Match():
                inside = below(predicate, mapped(node.alias, node.outputs))
                if inside is None or node.kind is MatchKind.FULL or not reads_only(inside, aliases(node.left)):
                    return None
                return replace(node, left=_scoped(node.left, inside))
            case Window():
                own = scope_of(node.input)
                keys = {(node.alias.lower(), key.lower()): column(own, key) for key in node.partition_by}
                inside = below(predicate, keys)
                return None if inside is None else replace(node, input=_scoped(node.input, inside))
            case Aggregate():
                inside = below(predicate, mapped(node.alias, node.keys))
                if inside is None:
                    return None
                is_scoped = is_general(node)
                source = _scoped(node.input, inside) if is_scoped else filtered(node.input, (inside,))
                return replace(node, input=source)
            case _:
                return None


def _into_legs(node: UnionAll, predicate: Expr) -> UnionAll | None:
    legs = []
    for leg in node.inputs:
        pairs = zip(node.columns, columns_of(leg), strict=True)
        inside = below(
            predicate, {(node.alias.lower(), ours.lower()): column(scope_of(leg), own) for ours, own in pairs}
        )
        if inside is None:
            return None
        legs.append(_scoped(leg, inside))
    return replace(node, inputs=tuple(legs))


def _scoped(node: Node, predicate: Expr) -> Node:
    """The rows that satisfy the predicate, under the node's own alias."""
    alias = scope_of(node)
    if isinstance(node, Project):
        inside = below(predicate, mapped(alias, node.outputs))
        if inside is not None:
            return replace(node, input=filtered(node.input, (inside,)))
    return Project(input=Filter(input=node, predicates=(predicate,)), outputs=identity(node, alias), alias=alias)
