"""Semijoin reduction by delta keys: the few rows of a big relation that can meet a change.

    Δ(O) ⋈_{o.k = l.k} L  =  Δ(O) ⋈_{o.k = l.k} (L ⋉ π_k(ΔO))

A term of a join's change begins at one delta. Who is joined to it by equal columns can be reduced to the rows with its
keys, and who is joined to these likewise, one step further away. What is derived again for affected keys (matches,
partitions, lost groups) can be reduced by the changes that these keys come from. A reduction may hold more than a term
needs: so one for each relation, column and distance serves all terms of all views that are maintained together. That is
worth it, since scanning the big relation is what they cost.
Source: Bernstein and Chiu, "Using Semi-Joins to Solve Relational Queries" (1981); shared as in Mistry et al.,
"Materialized View Selection and Maintenance Using Multi-Query Optimization" (2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mvengine.planner.delta import leaf_delta
from mvengine.planner.delta.equality import equality
from mvengine.planner.logical import Join, Scan, Version
from mvengine.planner.node import Node, rewrite, walk
from mvengine.schema import Name, quote


@dataclass(frozen=True, kw_only=True)
class Near:
    """The rows of a relation, as it is now, whose ``column`` stands in one of several sources."""

    relation: Name
    storage: str
    column: str
    steps: int  # 1: the sources are changes; 2: what is near changes; …

    @property
    def name(self) -> str:
        """The name of the temporary table that holds them."""
        away = f" ({self.steps} steps away)" if self.steps > 1 else ""
        return f"mv_near_{self.relation}.{self.column}{away}"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A column of a change, or of a Near: of which one, by its name."""

    of: str
    column: str


Made = Mapping[Near, frozenset[Source]]
"""The reductions that are there, and what each was made from."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """One place where a reduction could stand for the relation, and what it must hold there.

    ``pays_alone``: also if it is the only place. The engine computes filters before a semijoin with affected keys, and
    so for every row of the relation.
    """

    near: Near
    sources: frozenset[Source]
    columns: frozenset[str]
    pays_alone: bool


def uses_in(term: Node) -> Iterator[Use]:
    """The reductions that a term of a change can use."""
    for join in (node for node in walk(term) if isinstance(node, Join)):
        for scan, (near, source) in _near(join).items():
            yield use_of(scan, near, frozenset({source}), pays_alone=False)


def use_of(scan: Scan, near: Near, sources: frozenset[Source], *, pays_alone: bool) -> Use:
    columns = frozenset({near.column, *(column.name for column in scan.columns)})
    return Use(near=near, sources=sources, columns=columns, pays_alone=pays_alone)


def reduced(term: Node, made: Made) -> Node:
    """The term with what has been made in the place of whole relations."""

    def by_near(node: Node) -> Node | None:
        if not isinstance(node, Join):
            return None
        found = {scan: near for scan, (near, source) in _near(node).items() if source in made.get(near, ())}
        if not found:
            return None
        inputs = (
            replace(child, storage=quote(found[child].name)) if isinstance(child, Scan) and child in found else child
            for child in node.inputs
        )
        return node.with_children(tuple(inputs))

    return rewrite(term, by_near) if made else term


def _near(join: Join) -> dict[Scan, tuple[Near, Source]]:
    """The reductions of one join, outwards from its delta."""
    reached: dict[str, tuple[str, int]] = {}  # alias -> what its rows are among, and how far away
    waiting: dict[str, Scan] = {}
    for leaf in join.inputs:
        if isinstance(leaf, Scan) and leaf.version is Version.DELTA:
            reached[leaf.alias.lower()] = leaf_delta(leaf), 0
        elif isinstance(leaf, Scan):
            waiting[leaf.alias.lower()] = leaf
    found: dict[Scan, tuple[Near, Source]] = {}
    equalities = [pair for predicate in join.predicates if (pair := equality(predicate))]
    steps = [pair for both in equalities for pair in (both, both[::-1])]
    for _ in range(len(waiting)):
        step = next(((one, other) for one, other in steps if one[0] in reached and other[0] in waiting), None)
        if step is None:
            break
        (alias, of_column), (other, column) = step
        of, distance = reached[alias]
        scan = waiting.pop(other)
        near = Near(relation=scan.relation, storage=scan.storage, column=column, steps=distance + 1)
        found[scan] = near, Source(of=of, column=of_column)
        reached[other] = near.name, near.steps
    return found
