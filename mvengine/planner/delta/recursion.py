"""What can be said of a recursion's step before anything runs."""

from __future__ import annotations

from mvengine.planner.logical import Filter, Join, Project, RecursionRead, UnionAll
from mvengine.planner.node import Node, walk


def is_linear(step: Node) -> bool:
    """Whether a step reads the recursion's rows once, and by operators that are linear in them."""
    return sum(isinstance(node, RecursionRead) for node in walk(step)) == 1 and _is_path_linear(step)


def reads_recursion(node: Node) -> bool:
    """Whether a plan reads the rows that come last."""
    return any(isinstance(inner, RecursionRead) for inner in walk(node))


def _is_path_linear(node: Node) -> bool:
    """Whether all operators between this one and the read are linear."""
    if isinstance(node, RecursionRead) or not reads_recursion(node):
        return True
    return isinstance(node, Filter | Join | Project | UnionAll) and all(map(_is_path_linear, node.children))
