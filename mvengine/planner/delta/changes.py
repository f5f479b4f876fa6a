"""What the change of a stage is derived from, this time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mvengine.planner.delta import delta, inputs_of
from mvengine.planner.delta.around import Around, around
from mvengine.planner.delta.lineage import Lineage
from mvengine.planner.delta.narrow import narrowed
from mvengine.planner.delta.near import Made, Use, reduced, uses_in
from mvengine.planner.delta.restrict import Affected
from mvengine.planner.delta.state import is_exact, state_columns
from mvengine.planner.emit.select import scope_of
from mvengine.planner.logical import GroupStage, Match, MatchStage, PartitionStage, RecursiveStage
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, column
from mvengine.schema import quote


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The names of the changes that are not empty, and the relations that were reduced to what is near them;
    ``stages`` are those of the view, by name; ``around``: how the stage's input is derived from what lies around the
    changes, where that was made."""

    names: frozenset[str]
    made: Made
    stages: Mapping[str, Node]
    around: Around | None

    def reach(self, node: Node) -> bool:
        """Whether a plan's rows may change."""
        return bool(inputs_of(node) & self.names)

    def terms(self, node: Node) -> tuple[Node, ...]:
        """The terms whose union is the change of a linear plan."""
        if self.around is not None and self.around.of is node:
            return (self.around.plan,)
        return tuple(narrowed(reduced(term, self.made)) for term in delta(node, self.names))

    def affected(self, stage: Node, table: str, *, is_null_safe: bool) -> Affected:
        """The affected keys of a stage, that stand in a table. A key of NULL is near nothing: a match has none among
        the keys whose sources are known, but partitions and groups may (``is_null_safe``)."""
        has_null = is_null_safe and not isinstance(stage, MatchStage)
        sources = Lineage(changed=self.names, stages=self.stages).keys(stage) if self.made and not has_null else {}
        return Affected(table=table, is_null_safe=is_null_safe, sources=sources, made=self.made, uses=[])

    def enclosed(self, stage: Node) -> tuple[Around, ...]:
        """The ways in which the change of a stage's input follows from what lies around the changed keys."""
        if isinstance(stage, RecursiveStage) or len(stage.children) != 1:
            return ()
        return around(stage.children[0], Lineage(changed=self.names, stages=self.stages))

    def uses(self, stage: Node, *, has_terms: bool) -> Iterator[Use]:
        """The reductions that could be used for a stage; where it follows by the terms of its change, in these too."""
        inputs = stage.children[0].children if isinstance(stage, MatchStage | RecursiveStage) else stage.children
        for term in (term for node in inputs for term in delta(node, self.names) if has_terms):
            yield from uses_in(term)
        sources = Lineage(changed=self.names, stages=self.stages).keys(stage)
        affected = Affected(table="", is_null_safe=False, sources=sources, made={}, uses=[])
        for plan, keys in _derived_again(stage):
            affected.restricted(plan, keys)
        yield from affected.uses


def all_changed(node: Node) -> Changes:
    """As if every input of a plan had changed: to show what may happen."""
    return Changes(names=inputs_of(node), made={}, stages={}, around=None)


def _derived_again(stage: Node) -> list[tuple[Node, Mapping[str, Expr]]]:
    """The plans of which a stage reads the rows with affected keys, and these keys."""
    match stage:
        case MatchStage(input=Match() as node):
            left = {f"k{number}": key.left for number, key in enumerate(node.keys, 1)}
            right = {f"k{number}": key.right for number, key in enumerate(node.keys, 1)}
            return [(node.left, left), (node.right, right)]
        case PartitionStage():
            return [(stage.input, {quote(key): column(scope_of(stage.input), key) for key in stage.keys})]
        case GroupStage() if any(
            state.is_extremum or not is_exact(state)
            for state in state_columns(stage.arguments, stage.aggregates, exact_floats=stage.exact_floats)
        ):
            return [(stage.input, {quote(key): column(scope_of(stage.input), key) for key in stage.keys})]
        case _:
            return []
