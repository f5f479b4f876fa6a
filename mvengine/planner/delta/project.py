"""Project is linear: Δ(π(R)) = π(ΔR). Expressions are deterministic, so a retracted row computes what it once did."""

from __future__ import annotations

from mvengine.planner.logical import Project
from mvengine.planner.node import Node


def delta(node: Project, terms: tuple[Node, ...]) -> tuple[Node, ...]:
    """The change of a projection, given that of its input."""
    return tuple(node.with_children((term,)) for term in terms)
