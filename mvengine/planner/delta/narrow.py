"""Groups that are joined to a change are read for its keys only.

    Δ(R) ⋈_{r.k = g.k} γ_k(S)  =  Δ(R) ⋈_{r.k = g.k} (γ_k(S) ⋉ π_k(ΔR))

What a group shows is computed from its state. The engine pushes the keys of a join to the scan of a table, but not
through that computation, and so it would be done for every group.
"""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.delta import Leaf, leaf_delta
from mvengine.planner.delta.equality import equal_columns
from mvengine.planner.logical import GroupRead, Join, Version
from mvengine.planner.node import Node, rewrite
from mvengine.schema import quote


def narrowed(term: Node) -> Node:
    """The term with the groups that are joined to its change reduced to those with its keys."""

    def by_keys(node: Node) -> Node | None:
        if not isinstance(node, Join) or not any(_is_read(child) for child in node.inputs):
            return None
        inputs = tuple(_narrowed(child, node) if isinstance(child, GroupRead) else child for child in node.inputs)
        return node.with_children(inputs) if inputs != node.inputs else None

    return rewrite(term, by_keys)


def _is_read(node: Node) -> bool:
    return isinstance(node, GroupRead) and node.version is not Version.DELTA


def _narrowed(read: GroupRead, join: Join) -> GroupRead:
    if read.version is Version.DELTA:
        return read
    for leaf in join.inputs:
        if not isinstance(leaf, Leaf) or leaf.version is not Version.DELTA:
            continue
        same = []
        for key in read.keys:
            equal = equal_columns(join.predicates, (read.alias.lower(), key.lower()))
            same += [
                f"r.{quote(key)} = d.{quote(name)}" for alias, name in sorted(equal) if alias == leaf.alias.lower()
            ]
        if same:
            change = quote(leaf_delta(leaf))
            storage = f"(SELECT r.* FROM {read.storage} AS r SEMI JOIN {change} AS d ON {' AND '.join(same)})"
            return replace(read, storage=storage)
    return read
