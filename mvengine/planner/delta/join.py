"""Inner join of N inputs: N-term telescoping instead of 2^N − 1 terms.

    Δ(R1 ⋈ … ⋈ RN) = ⊎_i  R1 ⋈ … ⋈ R(i−1) ⋈ ΔRi ⋈ R(i+1)_old ⋈ … ⋈ RN_old

Inputs left of the change are read after it, those right of it before; so simultaneous changes on any number of inputs,
deletes on both sides and self-joins included, are exact. Terms of unchanged inputs are empty and left out.
Source: Griffin and Libkin, "Incremental Maintenance of Views with Duplicates" (1995), telescoped.
"""

from __future__ import annotations

from mvengine.planner.logical import Join
from mvengine.planner.node import Node


def delta(node: Join, terms: tuple[tuple[Node, ...], ...], previous: tuple[Node, ...]) -> tuple[Node, ...]:
    """The change of a join, given those of its inputs and the inputs as they were before."""
    return tuple(
        node.with_children((*node.inputs[:i], term, *previous[i + 1 :]))
        for i, input_terms in enumerate(terms)
        for term in input_terms
    )
