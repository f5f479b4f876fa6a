"""What the change of a stage is derived from, this time."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.planner.delta import delta, inputs_of
from mvengine.planner.delta.near import Near, reduced
from mvengine.planner.node import Node


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The names of the changes that are not empty, and the relations that were reduced to what is near them."""

    names: frozenset[str]
    near: frozenset[Near]

    def reach(self, node: Node) -> bool:
        """Whether a plan's rows may change."""
        return bool(inputs_of(node) & self.names)

    def terms(self, node: Node) -> tuple[Node, ...]:
        """The terms whose union is the change of a linear plan."""
        return tuple(reduced(term, self.near) for term in delta(node, self.names))


def all_changed(node: Node) -> Changes:
    """As if every input of a plan had changed: to show what may happen."""
    return Changes(names=inputs_of(node), near=frozenset())
