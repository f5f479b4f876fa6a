"""``Filter(R LEFT JOIN S, p)  =>  Filter(R JOIN S, p)``, where p is true for no row padded with NULL.

    Filter(R FULL JOIN S, p)  =>  Filter(R LEFT JOIN S, p)    p rejects rows padded on the left
    Filter(R FULL JOIN S, p)  =>  Filter(S LEFT JOIN R, p)    p rejects rows padded on the right

An inner join is linear: it needs no affected keys. The predicates of an inner join above count as p does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mvengine.planner.emit.select import key_sql, scope_of
from mvengine.planner.logical import Filter, Join, Match, MatchKey, MatchKind, Project
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr
from mvengine.planner.scopes import mapped
from mvengine.planner.strictness import rejects_nulls


def simplify_outer_match(node: Node) -> Node | None:
    """``Filter(R LEFT JOIN S, p)  =>  Filter(R JOIN S, p)``, where p is true for no row padded with NULL."""
    if not isinstance(node, Filter | Join):
        return None
    children = tuple(_simplified(child, node.predicates) for child in node.children)
    is_same = all(new is old for new, old in zip(children, node.children, strict=True))
    return None if is_same else node.with_children(children)


def _simplified(node: Node, predicates: Sequence[Expr]) -> Node:
    if not isinstance(node, Match) or node.kind not in (MatchKind.LEFT, MatchKind.FULL):
        return node
    found = mapped(node.alias, node.outputs)
    inside = [expr for p in predicates if (expr := p.substituted(found)) is not None]
    is_right_padding_gone = any(rejects_nulls(p, scope_of(node.right)) for p in inside)
    is_left_padding_gone = node.kind is MatchKind.LEFT or any(rejects_nulls(p, scope_of(node.left)) for p in inside)
    if is_right_padding_gone and is_left_padding_gone:
        return inner_join(node)
    if node.kind is MatchKind.FULL and is_left_padding_gone:
        return replace(node, kind=MatchKind.LEFT)
    if node.kind is MatchKind.FULL and is_right_padding_gone:
        keys = tuple(replace(key, left=key.right, right=key.left) for key in node.keys)
        return replace(node, kind=MatchKind.LEFT, left=node.right, right=node.left, keys=keys)
    return node


def inner_join(node: Match) -> Project:
    """The rows of both sides that match, with the match's outputs."""
    keys = tuple(_condition(key) for key in node.keys)
    join = Join(inputs=(node.left, node.right), predicates=(*keys, *node.predicates))
    return Project(input=join, outputs=node.outputs, alias=node.alias)


def _condition(key: MatchKey) -> Expr:
    columns = tuple(dict.fromkeys((*key.left.columns, *key.right.columns)))
    return Expr(sql=key_sql(key), columns=columns)
