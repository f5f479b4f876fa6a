"""Pushes a semijoin with affected keys down to the relations that have the key.

    (R ⋈_{r.k = s.k} S) ⋉_{r.k} K  =  (R ⋉_k K) ⋈_{r.k = s.k} (S ⋉_k K)

Partitions and matches are derived again for their affected keys only. Above a big join the semijoin would come too
late; at the leaves the engine's dynamic filters reach the scans. The semijoin on top stays where it is: what is pushed
down may be a part of the key, and reduces without deciding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mvengine.planner.delta.equality import equal_columns, plain_column
from mvengine.planner.delta.lineage import Sources
from mvengine.planner.delta.near import Made, Near, Use, use_of
from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import (
    BagRead,
    Filter,
    GroupRead,
    Join,
    Match,
    MatchKind,
    Project,
    Scan,
    StageRead,
    UnionAll,
    Version,
)
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr
from mvengine.schema import quote

Wanted = Mapping[tuple[str, str], str]
"""Alias and column of a plan, in lower case → the column of the keys that it must be found in."""


@dataclass(frozen=True, kw_only=True)
class Affected:
    """The table of the affected keys, and how they are compared.

    ``sources`` says of each key where its values come from; so what was made near these can be read in the place of a
    relation. Where more could be used, it is noted in ``uses``.
    """

    table: str
    is_null_safe: bool
    sources: Mapping[str, Sources]
    made: Made
    uses: list[Use]

    def restricted(self, plan: Node, keys: Mapping[str, Expr]) -> Node:
        """The plan over smaller relations: among its rows are all whose ``keys`` (by their names in the table) are
        affected. Keys that are no plain columns are not looked at."""
        wanted = {}
        for name, expr in keys.items():
            if (ref := plain_column(expr)) is not None:
                wanted[ref] = name
        return self._push(plan, wanted)

    def _push(self, node: Node, wanted: Wanted) -> Node:
        if not wanted:
            return node
        match node:
            case Filter():
                return node.with_children((self._push(node.input, wanted),))
            case Project():
                below = {output.name.lower(): plain_column(output.expr) for output in node.outputs}
                return node.with_children((self._push(node.input, _through(below, wanted, node.alias)),))
            case UnionAll():
                own = _own(wanted, node.alias)
                legs = (self._push(leg, _renamed(own, node.columns, leg)) for leg in node.inputs)
                return node.with_children(tuple(legs))
            case Join():
                wanted = _with_equals(node, wanted)
                return node.with_children(tuple(self._push(child, wanted) for child in node.inputs))
            case Scan(version=Version.CURRENT):
                own = _own(wanted, node.alias)
                return replace(node, storage=self._semijoin(self._near(node, own), columns_of(node), own))
            case GroupRead(version=Version.CURRENT):
                return replace(node, storage=self._semijoin(node.storage, node.keys, _own(wanted, node.alias)))
            case StageRead(version=Version.CURRENT, rows=BagRead() as rows):
                storage = self._semijoin(rows.storage, rows.columns, _own(wanted, node.alias))
                return replace(node, rows=replace(rows, storage=storage))
            case StageRead(version=Version.CURRENT, rows=Match() as rows) if rows.kind is not MatchKind.FULL:
                return replace(node, rows=self._push_into(rows, _own(wanted, node.alias)))
            case _:
                return node

    def _push_into(self, node: Match, own: Mapping[str, str]) -> Match:
        """The left side decides which rows there are; of the right one only those with its keys can matter."""
        below = {output.name.lower(): plain_column(output.expr) for output in node.outputs}
        left = {ref: own[name] for name, ref in below.items() if ref is not None and name in own}
        pairs = [(plain_column(key.left), plain_column(key.right)) for key in node.keys]
        right = {other: left[one] for one, other in pairs if one in left and other is not None}
        return node.with_children((self._push(node.left, left), self._push(node.right, right)))

    def _near(self, scan: Scan, own: Mapping[str, str]) -> str:
        """What is read for a relation: the rows near the changes that its keys come from, if they are there."""
        for column in scan.columns:
            sources = self.sources.get(own.get(column.name.lower(), ""))
            if sources:
                near = Near(relation=scan.relation, storage=scan.storage, column=column.name, steps=1)
                self.uses.append(use_of(scan, near, sources, pays_alone=True))
                if sources <= self.made.get(near, frozenset()):
                    return quote(near.name)
        return scan.storage

    def _semijoin(self, storage: str, columns: tuple[str, ...], own: Mapping[str, str]) -> str:
        operator = "IS NOT DISTINCT FROM" if self.is_null_safe else "="
        same = [f"r.{quote(name)} {operator} k.{own[name.lower()]}" for name in columns if name.lower() in own]
        if not same:
            return storage
        return f"(SELECT r.* FROM {storage} AS r SEMI JOIN {self.table} AS k ON {' AND '.join(same)})"


def _own(wanted: Wanted, alias: str) -> dict[str, str]:
    """What is wanted of one alias, by column."""
    return {name: key for (relation, name), key in wanted.items() if relation == alias.lower()}


def _through(below: Mapping[str, tuple[str, str] | None], wanted: Wanted, alias: str) -> Wanted:
    own = _own(wanted, alias)
    return {ref: own[name] for name, ref in below.items() if ref is not None and name in own}


def _renamed(own: Mapping[str, str], columns: tuple[str, ...], leg: Node) -> Wanted:
    """What is wanted of a union, by the names that one of its legs has."""
    alias = scope_of(leg).lower()
    pairs = zip(columns, columns_of(leg), strict=True)
    return {(alias, theirs.lower()): own[ours.lower()] for ours, theirs in pairs if ours.lower() in own}


def _with_equals(join: Join, wanted: Wanted) -> Wanted:
    """Columns that the join equates with a wanted one are wanted too."""
    found = dict(wanted)
    for ref, key in wanted.items():
        for other in equal_columns(join.predicates, ref):
            found.setdefault(other, key)
    return found
