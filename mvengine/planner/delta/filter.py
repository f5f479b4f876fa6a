"""Filter is linear: Δ(σ_p(R)) = σ_p(ΔR)."""

from __future__ import annotations

from mvengine.planner.logical import Filter
from mvengine.planner.node import Node


def delta(node: Filter, terms: tuple[Node, ...]) -> tuple[Node, ...]:
    """The change of a filter, given that of its input."""
    return tuple(node.with_children((term,)) for term in terms)
