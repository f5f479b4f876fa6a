"""Reduces big relations to the rows near a change, once for all views that are maintained together.

Which reductions are worth it follows from the graph and from what has changed, and is kept with the
graph. They are made when the first of them comes to it, and only where it pays: of a big relation, by a small change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

from mvengine.engines.base import Engine
from mvengine.planner.delta import delta_name, inputs_of
from mvengine.planner.delta.around import Around
from mvengine.planner.delta.changes import Changes
from mvengine.planner.delta.near import Near, Source, Use
from mvengine.planner.logical import FullStage, Scan
from mvengine.planner.node import Node
from mvengine.refresh.around import AroundTables, Enclosures, enclosures, stage_name
from mvengine.refresh.graph import Graph, ViewDefinition
from mvengine.refresh.sizes import Sizes
from mvengine.schema import Name, quote

BIG_RELATION_ROWS = 50_000
"""A smaller relation is scanned more quickly than a reduction of it is stored."""

SMALL_PART = 20
"""The change must have at most this part of the relation's rows."""


FEW = 4
"""And at most this part of them may be near."""


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """What is worth to be reduced when certain relations change: what each is made from, and the columns of it that are
    read; and by the name of a stage, what it uses, in the order in which it is made."""

    of_stage: Mapping[str, tuple[Near, ...]]
    sources: Mapping[Near, frozenset[Source]]
    columns: Mapping[Near, tuple[str, ...]]
    enclosures: Enclosures


class NearTables:
    """The reductions made in one maintenance of the views that follow ``changes`` (with their rows), or of one that is
    deferred."""

    def __init__(
        self,
        engine: Engine,
        graph: Graph,
        sizes: Sizes,
        changes: Mapping[Name, int],
        deferred: ViewDefinition | None = None,
    ) -> None:
        self.engine = engine
        self.sizes = sizes
        self.rows = {delta_name(name): rows for name, rows in changes.items()}  # of changes, and of what was made
        self.sharing = _sharing(graph, frozenset(changes), deferred)
        self.seconds = 0.0  # that making them has taken: it is no view's own cost
        self._refused: set[Near] = set()
        self._made: dict[Near, frozenset[Source]] = {}
        self.around = AroundTables(engine, sizes, self.sharing.enclosures, dict(self.rows))

    def unneeded(self, stages: tuple[Node, ...]) -> frozenset[str]:
        """The stages of a view whose change nobody reads."""
        with self._shared():
            return self.around.unneeded(stages)

    def inputs(self, stage: Node) -> frozenset[str]:
        """The names of the changes that reach a stage."""
        way = self.around.of(stage_name(stage))
        return way.changes if way else inputs_of(stage)

    def reduce(self, stage: Node, changes: Changes) -> Changes:
        """The same changes, with what the stage can use; makes what is not there yet."""
        with self._shared():
            changes = self.around.changes(stage_name(stage), changes)
            used = [near for near in self.sharing.of_stage.get(stage_name(stage), ()) if self._is_made(near)]
        return replace(changes, made={near: self._made[near] for near in used})

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """What is made in the block serves others too."""
        started = perf_counter()
        yield
        self.seconds += perf_counter() - started

    def _is_made(self, near: Near) -> bool:
        if near not in self._made and near not in self._refused:
            self._make(near)
        return near in self._made

    def _make(self, near: Near) -> None:
        """Makes it if that pays, after what it is made from."""
        sources = sorted(self.sharing.sources[near], key=lambda source: (source.of, source.column))
        nearer = {made.name: made for made in self.sharing.sources}
        is_there = all(self._is_made(nearer[source.of]) for source in sources if source.of in nearer)
        if not is_there or not self._pays(near, sum(self.rows[source.of] for source in sources)):
            self._refused.add(near)
            return
        keys = [f"SELECT {quote(source.column)} AS k FROM {quote(source.of)}" for source in sources]
        keys += [  # what was deleted of a relation has keys too, and is not in its reduction
            f"SELECT {quote(source.column)} FROM {quote(lost)}"
            for source in sources
            if source.of in nearer and (lost := delta_name(nearer[source.of].relation)) in self.rows
        ]
        columns = ", ".join(f"r.{quote(name)}" for name in self.sharing.columns[near])
        created = self.engine.query(
            f"CREATE OR REPLACE TEMP TABLE {quote(near.name)} AS\nSELECT {columns}\nFROM {near.storage} AS r\n"
            f"SEMI JOIN ({' UNION ALL '.join(keys)}) AS near ON r.{quote(near.column)} = near.k"
        )
        self.rows[near.name] = int(created[0][0])
        self._made[near] = self.sharing.sources[near]

    def _pays(self, near: Near, keys: int) -> bool:
        """Whether the relation is big, and few of its rows have one of so many keys."""
        known = self.sizes.rows(self.engine, near.storage)
        if known < max(BIG_RELATION_ROWS, keys * SMALL_PART):
            return False
        different = self.sizes.distinct(self.engine, near.storage, near.column) or max(known, 1)
        return known >= FEW * keys * known / different

    def drop(self) -> None:
        """Removes the temporary tables."""
        for near in self._made:
            self.engine.query(f"DROP TABLE {quote(near.name)}")
        self.around.drop()


def _sharing(graph: Graph, changed: frozenset[Name], deferred: ViewDefinition | None) -> Sharing:
    known: dict[tuple[frozenset[Name], Name | None], Sharing] = graph.sharing
    key = changed, deferred.name if deferred else None
    if key not in known:
        known[key] = _find_sharing(graph, changed, [deferred] if deferred else graph.following(changed))
    return known[key]


def _find_sharing(graph: Graph, changed: frozenset[Name], views: Sequence[ViewDefinition]) -> Sharing:
    """As if every view that may change did so. Only what follows from the changes at the beginning can be made at any
    time of the maintenance: what comes from a view's own change is left alone."""
    first = frozenset(delta_name(name) for name in changed)
    found: dict[str, list[Use]] = {}
    enclosed: dict[str, tuple[Around, ...]] = {}
    for view in views:
        stages = {stage_name(stage): stage for stage in view.maintenance.stages}
        names = first | {delta_name(other.name) for other in views}
        for name, stage in stages.items():
            if not isinstance(stage, FullStage) and inputs_of(stage) & names:
                changes = Changes(names=names, made={}, stages=stages, around=None)
                enclosed[name] = tuple(way for way in changes.enclosed(stage) if _is_captured(way, first))
                uses = changes.uses(stage, has_terms=not enclosed[name])
                found[name] = [use for use in uses if use.near.relation not in graph.views]
                names |= {delta_name(name)}
    all_uses = [use for uses in found.values() for use in uses]
    made_from = _rooted(all_uses, first)
    possible = [use for use in all_uses if use.sources <= made_from.get(use.near, set())]
    times = Counter(use.near for use in possible)
    worth = {use.near for use in possible if use.pays_alone or times[use.near] > 1}
    needed = _with_nearer(worth, made_from)
    columns: dict[Near, set[str]] = {near: set() for near in needed}
    for use in (use for use in possible if use.near in needed):
        columns[use.near].update(use.columns)
    for source in (source for near in needed for source in made_from[near]):
        for nearer in (near for near in needed if near.name == source.of):
            columns[nearer].add(source.column)
    return Sharing(
        of_stage={
            name: tuple(sorted({use.near for use in uses} & needed, key=lambda near: near.steps))
            for name, uses in found.items()
        },
        sources={near: frozenset(made_from[near]) for near in needed},
        columns={near: tuple(sorted(columns[near])) for near in needed},
        enclosures=enclosures(enclosed),
    )


def _is_captured(way: Around, first: frozenset[str]) -> bool:
    """Whether its keys are those of the changes at the beginning, and no view has to be maintained before."""
    scans = {delta_name(both.leaf.relation) for both in way.reads if isinstance(both.leaf, Scan)}
    return {key.of for key in way.keys} <= first and scans & way.changes <= first


def _rooted(uses: list[Use], first: frozenset[str]) -> dict[Near, set[Source]]:
    """What each reduction is to be made from, of those that follow from the first changes alone."""
    found: dict[Near, set[Source]] = {}
    for use in sorted(uses, key=lambda use: use.near.steps):
        known = first if use.near.steps == 1 else {near.name for near in found}
        if all(source.of in known for source in use.sources):
            found.setdefault(use.near, set()).update(use.sources)
    return found


def _with_nearer(wanted: set[Near], made_from: Mapping[Near, set[Source]]) -> set[Near]:
    """And what they are made from."""
    by_name = {near.name: near for near in made_from}
    found = set(wanted)
    for near in sorted(wanted, key=lambda near: -near.steps):
        todo = [near]
        while todo:
            for source in made_from[todo.pop()]:
                if (other := by_name.get(source.of)) is not None and other not in found:
                    found.add(other)
                    todo.append(other)
    return found
