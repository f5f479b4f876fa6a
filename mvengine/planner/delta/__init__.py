"""How each operator is maintained: one operator a file, dispatched here.

``delta`` maps a linear plan and the set of changed leaves to the terms of its change: plans whose leaves say which
version of their relation they read. It is a pure function of the plan; which leaves changed is known per refresh only.
Operators with state (Aggregate, Distinct) are no part of these plans: ``stages`` has cut them out.
"""

from __future__ import annotations

from mvengine.planner.delta import filter as filter_rule
from mvengine.planner.delta import join as join_rule
from mvengine.planner.delta import project as project_rule
from mvengine.planner.delta import scan as scan_rule
from mvengine.planner.delta import union_all as union_all_rule
from mvengine.planner.logical import Filter, GroupRead, Join, Project, Scan, UnionAll
from mvengine.planner.node import Node, rewrite, walk
from mvengine.schema import Name


def delta_name(relation: Name | str) -> str:
    """The name under which the change of a relation, or of an inner stage, is known while it is passed on."""
    return f"mv_delta_{relation}"


def leaf_delta(leaf: Scan | GroupRead) -> str:
    """The name of the change that a leaf reads."""
    return delta_name(leaf.relation if isinstance(leaf, Scan) else leaf.stage)


def inputs_of(node: Node) -> frozenset[str]:
    """The names of all changes that can reach a plan."""
    return frozenset(leaf_delta(leaf) for leaf in walk(node) if isinstance(leaf, Scan | GroupRead))


def delta(node: Node, changed: frozenset[str]) -> tuple[Node, ...]:
    """The terms whose union is the change of ``node``, when the named changes are not empty."""
    match node:
        case Scan() | GroupRead():
            return (scan_rule.delta(node),) if leaf_delta(node) in changed else ()
        case Filter():
            return filter_rule.delta(node, delta(node.input, changed))
        case Project():
            return project_rule.delta(node, delta(node.input, changed))
        case UnionAll():
            return union_all_rule.delta(node, tuple(delta(child, changed) for child in node.inputs))
        case Join():
            terms = tuple(delta(child, changed) for child in node.inputs)
            return join_rule.delta(node, terms, tuple(previous(child, changed) for child in node.inputs))
        case _:
            raise AssertionError(f"{type(node).__name__} has no delta rule: it must be a stage of its own")


def previous(node: Node, changed: frozenset[str]) -> Node:
    """A linear plan over the contents before the change: the same plan over the old leaves."""

    def old_leaf(candidate: Node) -> Node | None:
        if isinstance(candidate, Scan | GroupRead) and leaf_delta(candidate) in changed:
            return scan_rule.previous(candidate)
        return None

    return rewrite(node, old_leaf)
