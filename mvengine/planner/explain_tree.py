"""A view's maintenance plan as a tree for people: from what is read down to the tables, each stage with its strategy,
its reason and its state. (``explain`` is the exact dump, every field of every node.)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mvengine.planner.describe import describe
from mvengine.planner.logical import (
    BagRead,
    BagStage,
    FullStage,
    GroupRead,
    GroupStage,
    Maintenance,
    Materialize,
    PartitionStage,
    Project,
    StageRead,
)
from mvengine.planner.node import Node
from mvengine.planner.tail import TailStage

Notes = Mapping[str, str]
"""By the name of a stage: what is to be said of its state."""


def explain_tree(plan: Materialize, notes: Notes) -> list[str]:
    """The lines of the tree. A stage that is read twice stands where it is read first."""
    assert isinstance(plan.input, Maintenance)
    return list(_Tree(plan, plan.input, notes).lines())


class _Tree:
    def __init__(self, plan: Materialize, maintenance: Maintenance, notes: Notes) -> None:
        self.plan = plan
        self.maintenance = maintenance
        self.notes = notes
        self.shown: set[str] = set()

    def lines(self) -> Iterator[str]:
        yield from self._node(self._visible(), "", "")

    def _visible(self) -> Node:
        """What is above the last stage; a projection that changes nothing is left out."""
        return self.maintenance.visible

    def _node(self, node: Node, first: str, rest: str) -> Iterator[str]:
        """``first`` stands before its own line, ``rest`` before those below."""
        stage = self._stage_of(node)
        if stage is not None and stage is not node:
            name = str(getattr(stage, "name", ""))
            if name in self.shown:
                yield f"{first}{describe(stage, full_reason=self.plan.reason).what} (as above)"
                return
            self.shown.add(name)
            node = stage
        found = describe(node, full_reason=self.plan.reason)
        strategy = f"  [{found.strategy}: {found.why}]" if found.strategy is not None else ""
        yield f"{first}{found.what}{strategy}"
        inputs = self._inputs(node)
        bar = "│" if inputs else " "
        for note in self._notes(node):
            yield f"{rest}{bar} {note}"
        for number, child in enumerate(inputs, 1):
            is_last = number == len(inputs)
            yield from self._node(child, rest + ("└─ " if is_last else "├─ "), rest + ("   " if is_last else "│  "))

    def _notes(self, node: Node) -> Iterator[str]:
        if isinstance(node, GroupStage | BagStage | FullStage | PartitionStage | TailStage):
            note = self.notes.get(node.name)
            yield f"state {node.storage}" + (f": {note}" if note else "")

    def _stage_of(self, node: Node) -> Node | None:
        """The stage that a leaf reads."""
        stages = self.maintenance.stages
        match node:
            case GroupRead() | StageRead():
                return next((stage for stage in stages if getattr(stage, "name", None) == node.stage), None)
            case BagRead():
                return next((stage for stage in stages if getattr(stage, "storage", None) == node.storage), None)
            case _:
                return None

    def _inputs(self, node: Node) -> tuple[Node, ...]:
        """The nodes below, without a group's own projection: its keys and arguments are said already."""
        match node:
            case GroupStage(input=Project() as project):
                return (project.input,)
            case _ if len(node.children) == 1 and self._is_same(node, node.children[0]):
                return self._inputs(node.children[0])
            case _:
                return node.children

    @staticmethod
    def _is_same(node: Node, child: Node) -> bool:
        """A MatchStage is its Match."""
        return type(node).__name__ == f"{type(child).__name__}Stage"
