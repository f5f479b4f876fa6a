"""How each operator is maintained: one operator a file, dispatched here.

``delta`` maps a linear plan and the set of changed leaves to the terms of its change: plans whose leaves say which
version of their relation they read. It is a pure function of the plan; which leaves changed is known per refresh only.
All other operators are no part of these plans: ``stages`` has cut them out and left a read in their place.
"""

from __future__ import annotations

from mvengine.planner.delta import filter as filter_rule
from mvengine.planner.delta import join as join_rule
from mvengine.planner.delta import project as project_rule
from mvengine.planner.delta import scan as scan_rule
from mvengine.planner.delta import union_all as union_all_rule
from mvengine.planner.logical import (
    BagRead,
    Constant,
    Filter,
    GroupRead,
    Join,
    Project,
    RecursionRead,
    Scan,
    StageRead,
    UnionAll,
)
from mvengine.planner.node import Node
from mvengine.schema import Name

Leaf = Scan | GroupRead | StageRead
"""What a linear plan reads: it knows a change of it, and contents before and after."""


def delta_name(relation: Name | str) -> str:
    """The name under which the change of a relation, or of an inner stage, is known while it is passed on."""
    return f"mv_delta_{relation}"


def leaf_delta(leaf: Leaf) -> str:
    """The name of the change that a leaf reads."""
    return delta_name(leaf.relation if isinstance(leaf, Scan) else leaf.stage)


def leaves(node: Node) -> tuple[Leaf, ...]:
    """The leaves of a plan whose contents change, from left to right. What a read of a stage consists of is not
    looked into: its change is known by itself."""
    if isinstance(node, Leaf):
        return (node,)
    return tuple(leaf for child in node.children for leaf in leaves(child))


def inputs_of(node: Node) -> frozenset[str]:
    """The names of all changes that can reach a plan."""
    return frozenset(leaf_delta(leaf) for leaf in leaves(node))


def delta(node: Node, changed: frozenset[str]) -> tuple[Node, ...]:
    """The terms whose union is the change of ``node``, when the named changes are not empty."""
    match node:
        case Scan() | GroupRead() | StageRead():
            return (scan_rule.delta(node),) if leaf_delta(node) in changed else ()
        case Constant() | BagRead() | RecursionRead():
            return ()
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
    if isinstance(node, Leaf):
        return scan_rule.previous(node) if leaf_delta(node) in changed else node
    return node.with_children(tuple(previous(child, changed) for child in node.children)) if node.children else node
