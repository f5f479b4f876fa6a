"""A term at the change of an input that has one row: the rows for which its predicates switch.

    π(R ⋈_p ΔL),  ΔL = {−old, +new}   =   π(σ_{p(new)} R) ⊎ −π(σ_{p(old)} R)   =   π(σ_{p(new) ≠ p(old)} R), ±1

where the outputs do not read L: of ``ts > now() - INTERVAL 1 DAY``, or of a comparison with an aggregate of everything,
only what crosses the bound is left. R is read once, and rows that stay do not have to cancel each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mvengine.planner.clock import CLOCK
from mvengine.planner.delta import leaf_delta
from mvengine.planner.logical import WEIGHT, Filter, GroupRead, Join, Project, Scan, Version
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr
from mvengine.schema import quote

_STRING = re.compile(r"('(?:[^']|'')*')")


def switching(node: Node) -> tuple[Scan | GroupRead, list[Node], list[Expr], list[Expr]] | None:
    """Of a term at the change of one row that only its predicates read: that leaf, the other inputs, the predicates
    that read it, and the others. None for other terms."""
    if not isinstance(node, Project):
        return None
    inputs, predicates = _parts(node.input)
    changed = [leaf for leaf in inputs if _is_change_of_one_row(leaf)]
    if len(changed) != 1:
        return None
    leaf = changed[0]
    assert isinstance(leaf, Scan | GroupRead)
    own = [predicate for predicate in predicates if _reads(predicate, leaf.alias)]
    if not own or any(_reads(output.expr, leaf.alias) for output in node.outputs):
        return None
    others = [predicate for predicate in predicates if predicate not in own]
    return leaf, [other for other in inputs if other is not leaf], own, others


def both_rows(leaf: Scan | GroupRead, predicates: Iterable[Expr]) -> str:
    """An item of FROM: the row after the change, and beside it the one before."""
    names = dict.fromkeys(
        ref.name for predicate in predicates for ref in predicate.columns if _is_of(ref.relation, leaf.alias)
    )
    columns = [
        f"any_value({quote(name)}) FILTER (WHERE {WEIGHT} {sign} 0) AS {quote(prefix + name)}"
        for name in names
        for sign, prefix in ((">", ""), ("<", _BEFORE))
    ]
    return f"(SELECT {', '.join(columns)} FROM {quote(leaf_delta(leaf))}) AS {quote(leaf.alias)}"


_BEFORE = "_mv_before_"


def before(predicate: Expr, alias: str) -> str:
    """The predicate over the row before."""
    refs = [ref for ref in predicate.columns if _is_of(ref.relation, alias)]
    parts = _STRING.split(predicate.sql)
    for ref in refs:
        written = re.compile(rf'(?<![\w".]){re.escape(ref.sql)}(?![\w"])')
        instead = f"{quote(ref.relation)}.{quote(_BEFORE + ref.name)}"
        parts = [part if i % 2 else written.sub(lambda _, to=instead: to, part) for i, part in enumerate(parts)]
    return "".join(parts)


def _parts(node: Node) -> tuple[list[Node], list[Expr]]:
    """The inputs and predicates of filters and joins."""
    if not isinstance(node, Filter | Join):
        return [node], []
    below = [_parts(child) for child in node.children]
    inputs = [leaf for leaves, _ in below for leaf in leaves]
    return inputs, [*node.predicates, *(predicate for _, predicates in below for predicate in predicates)]


def _is_change_of_one_row(leaf: Node) -> bool:
    match leaf:
        case Scan(version=Version.DELTA):
            return leaf.relation == CLOCK
        case GroupRead(version=Version.DELTA):
            return not leaf.keys
        case _:
            return False


def _reads(expr: Expr, alias: str) -> bool:
    return any(_is_of(ref.relation, alias) for ref in expr.columns)


def _is_of(relation: str, alias: str) -> bool:
    return relation.lower() == alias.lower()
