"""Reduces big relations to the rows near a change, once for all views that are maintained together.

Which reductions more than one stage can use follows from the graph and from what has changed, and is kept with the
graph. They are made when the first of them comes to it, and only where it pays: of a big relation, by a small change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mvengine.engines.base import Engine
from mvengine.planner.delta import delta_name
from mvengine.planner.delta.changes import Changes
from mvengine.planner.delta.near import Near, reductions
from mvengine.planner.logical import FullStage
from mvengine.planner.node import Node
from mvengine.refresh.graph import Graph
from mvengine.schema import Name, quote

BIG_RELATION_ROWS = 50_000
"""A smaller relation is scanned more quickly than a reduction of it is stored."""

SMALL_PART = 20
"""The change must have at most this part of the relation's rows."""


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """What several stages can use: by the stage's name, and for each reduction the columns that they read of it."""

    of_stage: Mapping[str, tuple[Near, ...]]
    columns: Mapping[Near, tuple[str, ...]]


class NearTables:
    """The reductions made in one maintenance. ``sizes`` are the changes with their rows: it grows as views follow."""

    def __init__(self, engine: Engine, graph: Graph, sizes: Mapping[Name, int]) -> None:
        self.engine = engine
        self.graph = graph
        self.sizes = sizes
        self.sharing = _sharing(graph, frozenset(sizes))
        self._rows: dict[str, int] = {}  # of what was made, by name
        self._refused: set[Near] = set()
        self._made: set[Near] = set()

    def changes(self, stage: Node, changed: frozenset[str]) -> Changes:
        """What a stage follows now; makes what is to be used and not there yet."""
        used: set[Near] = set()
        for near in self.sharing.of_stage.get(_name(stage), ()):
            has_source = near.of in changed or near.of in self._rows
            if has_source and (near in self._made or self._make(near, changed)):
                used.add(near)
        return Changes(names=changed, near=frozenset(used))

    def _make(self, near: Near, changed: frozenset[str]) -> bool:
        if near in self._refused:
            return False
        rows = {**{delta_name(name): rows for name, rows in self.sizes.items()}, **self._rows}[near.of]
        if rows * SMALL_PART > self._relation_rows(near) or self._relation_rows(near) < BIG_RELATION_ROWS:
            self._refused.add(near)
            return False
        sources = [near.of, *(name for made in self._made if made.name == near.of for name in _lost(made, changed))]
        keys = "\nUNION ALL ".join(f"SELECT {quote(near.of_column)} AS k FROM {quote(source)}" for source in sources)
        columns = ", ".join(f"r.{quote(name)}" for name in self.sharing.columns[near])
        created = self.engine.query(
            f"CREATE OR REPLACE TEMP TABLE {quote(near.name)} AS\nSELECT {columns}\nFROM {near.storage} AS r\n"
            f"SEMI JOIN ({keys}) AS near ON r.{quote(near.column)} = near.k"
        )
        self._rows[near.name] = int(created[0][0])
        self._made.add(near)
        return True

    def _relation_rows(self, near: Near) -> int:
        known = self.graph.row_counts
        if near.storage not in known:
            known[near.storage] = int(self.engine.query(f"SELECT count(*) FROM {near.storage}")[0][0])
        return known[near.storage]

    def drop(self) -> None:
        """Removes the temporary tables."""
        for name in self._rows:
            self.engine.query(f"DROP TABLE {quote(name)}")


def _lost(made: Near, changed: frozenset[str]) -> list[str]:
    """What was deleted of a relation has keys too, and is not in its reduction."""
    return [name for name in (delta_name(made.relation),) if name in changed]


def _name(stage: Node) -> str:
    return str(getattr(stage, "name", ""))


def _sharing(graph: Graph, changed: frozenset[Name]) -> Sharing:
    known: dict[frozenset[Name], Sharing] = graph.sharing
    if changed not in known:
        known[changed] = _find_sharing(graph, changed)
    return known[changed]


def _find_sharing(graph: Graph, changed: frozenset[Name]) -> Sharing:
    """As if every view that may change did so."""
    views = graph.following(changed)
    stages = [stage for view in views for stage in view.maintenance.stages if not isinstance(stage, FullStage)]
    names = frozenset(
        {delta_name(name) for name in changed}
        | {delta_name(view.name) for view in views}
        | {delta_name(_name(stage)) for stage in stages}
    )
    found = {_name(stage): reductions(stage, names) for stage in stages}
    uses = Counter(near for used in found.values() for near in used)
    columns: dict[Near, set[str]] = {}
    for used in found.values():
        for near, read in used.items():
            if uses[near] > 1 and near.relation not in graph.views:
                columns.setdefault(near, set()).update(read)
    return Sharing(
        of_stage={name: tuple(near for near in used if near in columns) for name, used in found.items()},
        columns={near: tuple(sorted(read)) for near, read in columns.items()},
    )
