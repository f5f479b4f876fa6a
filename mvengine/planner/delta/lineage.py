"""Where the values of a column come from in the rows of a change: of which changes of relations, and of which column.

    in Δ(O ⋈_{o.k = l.k} L) the values of k are among those of ΔO.k and ΔL.k

So the keys that a change affects are known to be among those of a few columns of captured changes before it is derived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mvengine.planner.delta import inputs_of, leaf_delta
from mvengine.planner.delta.equality import equal_columns, plain_column
from mvengine.planner.delta.near import Source
from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import (
    Filter,
    GroupRead,
    GroupStage,
    Join,
    Match,
    MatchStage,
    PartitionStage,
    Project,
    Scan,
    StageRead,
    UnionAll,
)
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr
from mvengine.schema import quote

Sources = frozenset[Source] | None
"""None: they may come from anywhere."""


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """``changed`` names the changes that are not empty; ``stages`` are those of the view, by name."""

    changed: frozenset[str]
    stages: Mapping[str, Node]

    def keys(self, stage: Node) -> dict[str, Sources]:
        """Where the affected keys of a stage come from, by the names that they have in its statements."""
        match stage:
            case MatchStage(input=Match() as node):
                return {f"k{number}": self._match_key(node, number - 1) for number in range(1, len(node.keys) + 1)}
            case PartitionStage() | GroupStage():
                return {quote(key): self.of(stage.input, scope_of(stage.input), key) for key in stage.keys}
            case _:
                return {}

    def _match_key(self, node: Match, number: int) -> Sources:
        key = node.keys[number]
        if key.is_null_safe:
            return None
        return _either(self._of_expr(node.left, key.left), self._of_expr(node.right, key.right))

    def _of_expr(self, node: Node, expr: Expr) -> Sources:
        ref = plain_column(expr)
        return (None if inputs_of(node) & self.changed else frozenset()) if ref is None else self.of(node, *ref)

    def of(self, node: Node, alias: str, name: str) -> Sources:
        """The sources of ``alias.name`` in the change of a linear plan."""
        if not inputs_of(node) & self.changed:
            return frozenset()
        match node:
            case Scan():
                column = next(column for column in node.columns if column.name.lower() == name.lower())
                if "UNION(" in column.type:
                    return None  # a UNION with a NULL inside is not NULL, and equal to nothing: no key finds it
                return frozenset({Source(of=leaf_delta(node), column=column.name)})
            case Filter():
                return self.of(node.input, alias, name)
            case Project():
                output = next(output for output in node.outputs if output.name.lower() == name.lower())
                return self._of_expr(node.input, output.expr)
            case UnionAll():
                place = [column.lower() for column in node.columns].index(name.lower())
                return _either(*(self.of(leg, scope_of(leg), columns_of(leg)[place]) for leg in node.inputs))
            case Join():
                equal = equal_columns(node.predicates, (alias.lower(), name.lower()))
                return _either(*(self._of_term(child, equal) for child in node.inputs))
            case GroupRead() | StageRead():
                return self._of_stage(self.stages.get(node.stage), name)
            case _:
                return None

    def _of_term(self, child: Node, equal: frozenset[tuple[str, str]]) -> Sources:
        """In the term of a join that begins at this input."""
        if not inputs_of(child) & self.changed:
            return frozenset()
        own = [ref for ref in sorted(equal) if ref[0] in _aliases(child)]
        return self.of(child, *own[0]) if own else None

    def _of_stage(self, stage: Node | None, name: str) -> Sources:
        """A stage's change has rows of affected keys only."""
        match stage:
            case MatchStage(input=Match() as node):
                output = next((o for o in node.outputs if o.name.lower() == name.lower()), None)
                ref = output and plain_column(output.expr)
                places = [
                    i for i, key in enumerate(node.keys) if ref in (plain_column(key.left), plain_column(key.right))
                ]
                return self._match_key(node, places[0]) if ref and places else None
            case PartitionStage() | GroupStage():
                key = next((key for key in stage.keys if key.lower() == name.lower()), None)
                return self.of(stage.input, scope_of(stage.input), key) if key else None
            case _:
                return None


def _either(*found: Sources) -> Sources:
    known = [sources for sources in found if sources is not None]
    return frozenset().union(*known) if len(known) == len(found) else None


def _aliases(node: Node) -> set[str]:
    if isinstance(node, Filter | Join):
        return {alias for child in node.children for alias in _aliases(child)}
    return {scope_of(node).lower()}
