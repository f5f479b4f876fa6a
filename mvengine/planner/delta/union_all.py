"""UNION ALL is linear: Δ(R ⊎ S) = ΔR ⊎ ΔS. Inputs that did not change are left out."""

from __future__ import annotations

from mvengine.planner.logical import UnionAll
from mvengine.planner.node import Node


def delta(node: UnionAll, terms: tuple[tuple[Node, ...], ...]) -> tuple[Node, ...]:
    """The change of a union, given those of its inputs: one term, in the union's scope."""
    legs = tuple(leg for leg_terms in terms for leg in leg_terms)
    return (node.with_children(legs),) if legs else ()
