"""Semi-join reduction by delta keys: the few rows of a big relation that can meet a change.

    Δ(O) ⋈_{o.k = l.k} L  =  Δ(O) ⋈_{o.k = l.k} (L ⋉ π_k(ΔO))

A term of a join's change begins at one delta. Who is joined to it by equal columns can be reduced to the rows with its
keys, and who is joined to these likewise. Such a reduction does not depend on the view: it is made once, and serves all
terms of all views that are maintained together. That is worth it, since scanning the big relation is what they cost.
Source: Bernstein and Chiu, "Using Semi-Joins to Solve Relational Queries" (1981); shared as in Mistry et al.,
"Materialized View Selection and Maintenance Using Multi-Query Optimization" (2001).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeGuard

from mvengine.planner.delta import delta, leaf_delta
from mvengine.planner.logical import Constant, GroupRead, Join, MatchStage, RecursiveStage, Scan, StageRead, Version
from mvengine.planner.node import Node, rewrite, walk
from mvengine.planner.scalar import Expr
from mvengine.schema import Name, quote


@dataclass(frozen=True, kw_only=True)
class Near:
    """R ⋉ of: the rows of a relation (as it is now) whose ``column`` stands in ``of_column`` of a change, or of what is
    near one."""

    relation: Name
    storage: str
    column: str
    of: str  # the name of a change, or of another Near
    of_column: str

    @property
    def name(self) -> str:
        """The name of the temporary table that holds them."""
        return f"mv_near_{self.relation.name}.{self.column}={self.of.removeprefix('mv_')}.{self.of_column}"


def reductions(stage: Node, changed: frozenset[str]) -> Mapping[Near, frozenset[str]]:
    """What can be reduced in the terms of a stage's change, in the order in which it can be made; each with the columns
    that are read of it."""
    found: dict[Near, frozenset[str]] = {}
    inputs = stage.children[0].children if isinstance(stage, MatchStage | RecursiveStage) else stage.children
    for term in [term for node in inputs for term in delta(node, changed)]:
        for join in (node for node in walk(term) if isinstance(node, Join)):
            for near, scan in _near(join).items():
                columns = frozenset(column.name for column in scan.columns)
                found[near] = found.get(near, frozenset()) | columns
    return found


def reduced(term: Node, made: Collection[Near]) -> Node:
    """The term with what has been made in the place of whole relations."""

    def by_near(node: Node) -> Node | None:
        if not isinstance(node, Join):
            return None
        storages: dict[Node, str] = {scan: quote(near.name) for near, scan in _near(node).items() if near in made}
        if not storages:
            return None
        inputs = (
            replace(child, storage=storages[child]) if isinstance(child, Scan) and child in storages else child
            for child in node.inputs
        )
        return node.with_children(tuple(inputs))

    return rewrite(term, by_near) if made else term


def _near(join: Join) -> dict[Near, Scan]:
    """The reductions of one join, outwards from its delta."""
    reached = {_alias(leaf): leaf_delta(leaf) for leaf in join.inputs if _is_delta(leaf)}
    waiting = {
        leaf.alias.lower(): leaf for leaf in join.inputs if isinstance(leaf, Scan) and leaf.version is not Version.DELTA
    }
    found: dict[Near, Scan] = {}
    equalities = [pair for predicate in join.predicates if (pair := equality(predicate))]
    for _ in range(len(waiting)):
        step = next(
            (
                (one, other)
                for pair in equalities
                for one, other in (pair, pair[::-1])
                if one[0] in reached and other[0] in waiting
            ),
            None,
        )
        if step is None:
            break
        (source, of_column), (alias, column) = step
        scan = waiting.pop(alias)
        near = Near(
            relation=scan.relation, storage=scan.storage, column=column, of=reached[source], of_column=of_column
        )
        reached[alias] = near.name
        found[near] = scan
    return found


def _is_delta(leaf: Node) -> TypeGuard[Scan]:
    return isinstance(leaf, Scan) and leaf.version is Version.DELTA


def _alias(leaf: Node) -> str:
    assert isinstance(leaf, Scan | GroupRead | StageRead | Constant)
    return leaf.alias.lower()


def equality(predicate: Expr) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """(alias, column) = (alias, column), where the predicate says just that of two inputs."""
    if len(predicate.columns) != 2:
        return None
    one, other = predicate.columns
    if predicate.sql not in (f"{one.sql} = {other.sql}", f"{other.sql} = {one.sql}"):
        return None
    return (one.relation.lower(), one.name), (other.relation.lower(), other.name)
