"""Makes the tables of what lies around a change, as it is and as it was: once for all views maintained together.

Which plans can be enclosed, and by which keys, follows from the graph and from what has changed, and is kept with the
graph. Whether it pays follows from the sizes: where the keys of the change are shared by a large part of a relation,
its stages follow by the terms of their change instead (see planner/delta/around.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mvengine.engines.base import Engine
from mvengine.planner.delta import delta_name, inputs_of, leaf_delta
from mvengine.planner.delta.around import Around, Both
from mvengine.planner.delta.changes import Changes
from mvengine.planner.delta.near import Source
from mvengine.planner.delta.visible import seen_twins
from mvengine.planner.emit.both import create
from mvengine.planner.emit.select import columns_of
from mvengine.planner.logical import BagRead, GroupRead, MatchStage, Scan, StageRead
from mvengine.planner.node import Node
from mvengine.planner.twins import twins_of
from mvengine.refresh.sizes import Sizes
from mvengine.schema import Column, Columns, quote

SMALL_ROWS = 10_000
"""So many rows may lie around a change whatever the size of their relation."""

SMALL_PART = 60
"""Else at most this part of it."""


@dataclass(frozen=True, kw_only=True)
class Enclosures:
    """What can be enclosed when certain relations change: by the name of a stage, in which ways; and of the tables that
    several stages read, by their name, the columns that all of them need."""

    of_stage: Mapping[str, tuple[Around, ...]]
    columns: Mapping[str, Columns]


def enclosures(found: Mapping[str, tuple[Around, ...]]) -> Enclosures:
    """``found``: the ways for each stage; their keys are columns of captured changes."""
    ways = [way for of_stage in found.values() for way in of_stage]
    columns: dict[str, dict[str, Column]] = {}
    for leaf, name in ((both.leaf, both.name) for way in ways for both in way.reads):
        if isinstance(leaf, Scan):
            columns.setdefault(name, {}).update((column.name, column) for column in leaf.columns)
    keys = _keys_together(ways)
    return Enclosures(
        of_stage={
            stage: tuple(
                replace(way, keys=way.keys.union(*(keys[name] for name in _shared_by(way)))) for way in of_stage
            )
            for stage, of_stage in found.items()
        },
        columns={name: tuple(of[column] for column in sorted(of)) for name, of in columns.items()},
    )


def _keys_together(ways: Sequence[Around]) -> dict[str, frozenset[Source]]:
    """The keys of each shared table. Tables that are read together hold the rows of the same keys: with a key of one of
    them only, its rows would have no matches, and what the query makes of such rows may even fail."""
    keys = {name: frozenset[Source]() for way in ways for name in _shared_by(way)}
    for _ in range(len(keys)):  # so far at most a key has to go, from table to table
        for way in ways:
            together = way.keys.union(*(keys[name] for name in _shared_by(way)))
            keys.update(dict.fromkeys(_shared_by(way), together))
    return keys


def _shared_by(way: Around) -> list[str]:
    return [both.name for both in way.reads if isinstance(both.leaf, Scan)]


class AroundTables:
    """The tables made in one maintenance; ``rows`` are those of each captured change, by its name."""

    def __init__(self, engine: Engine, sizes: Sizes, enclosures: Enclosures, rows: Mapping[str, int]) -> None:
        self.engine = engine
        self.sizes = sizes
        self.enclosures = enclosures
        self.rows = rows
        self._chosen: dict[str, Around | None] = {}
        self._made: set[str] = set()

    def of(self, name: str) -> Around | None:
        """How a stage is derived from what lies around the change; None where it is not. Makes what it shares."""
        if name not in self._chosen:
            self._chosen[name] = self._choose(self.enclosures.of_stage.get(name, ()))
        return self._chosen[name]

    def unneeded(self, stages: tuple[Node, ...]) -> frozenset[str]:
        """The stages whose change nobody reads: matches that are evaluated with what lies above them."""
        read: set[str] = set()
        unneeded = set()
        for stage in reversed(stages):
            if isinstance(stage, MatchStage) and delta_name(stage.name) not in read:
                unneeded.add(stage.name)
            elif self.of(stage_name(stage)) is None:
                read |= inputs_of(stage)
        return frozenset(unneeded)

    def changes(self, name: str, changes: Changes) -> Changes:
        """The changes of a stage, with what lies around them; makes what is its own: by its own keys, and anew."""
        way = self.of(name)
        if way is None or not way.changes & changes.names:
            return changes
        for both in {both.name: both for both in way.reads if not isinstance(both.leaf, Scan)}.values():
            assert isinstance(both.leaf, GroupRead | StageRead)
            twins = seen_twins(changes.stages[both.leaf.stage])
            has_changed = leaf_delta(both.leaf) in changes.names
            self._make(both, columns_of(both.leaf), twins, way.keys, has_changed=has_changed)
        return replace(changes, around=way)

    def drop(self) -> None:
        """Removes the temporary tables."""
        for name in sorted(self._made):
            self.engine.query(f"DROP TABLE {quote(name)}")

    def _choose(self, ways: tuple[Around, ...]) -> Around | None:
        """The way with the fewest rows, if these are few."""
        sized = [(self._rows_around(way), number) for number, way in enumerate(ways)]
        possible = [(rows, number) for rows, number in sized if rows is not None]
        if not possible:
            return None
        way = ways[min(possible)[1]]
        for both in way.reads:
            if isinstance(both.leaf, Scan) and both.name not in self._made:
                columns, has_changed = self.enclosures.columns[both.name], leaf_delta(both.leaf) in self.rows
                self._make(both, tuple(c.name for c in columns), twins_of(columns), way.keys, has_changed=has_changed)
        return way

    def _rows_around(self, way: Around) -> int | None:
        """How many rows there may be in all; None: too many in one of the tables."""
        total, keys = 0, sum(self.rows[key.of] for key in way.keys if key.of in self.rows)
        for both in way.reads:
            rows, found = self.sizes.rows(self.engine, _storage(both)), self._per_key(both)
            if keys * found > max(SMALL_ROWS, rows / SMALL_PART):
                return None
            total += round(keys * found)
        return total

    def _per_key(self, both: Both) -> float:
        """How many rows have the same key, about."""
        storage = _storage(both)
        rows = self.sizes.rows(self.engine, storage)
        if rows <= SMALL_ROWS:
            return 1.0
        return rows / (self.sizes.distinct(self.engine, storage, both.column) or 1)

    def _make(
        self, both: Both, columns: tuple[str, ...], twins: Columns, keys: frozenset[Source], *, has_changed: bool
    ) -> None:
        there = [key for key in keys if key.of in self.rows]
        self.engine.query(create(both, columns, twins, there, has_changed=has_changed))
        self._made.add(both.name)


def _storage(both: Both) -> str:
    """The table that the leaf's rows are stored in."""
    leaf = both.leaf
    if isinstance(leaf, StageRead):
        assert isinstance(leaf.rows, BagRead)
        return leaf.rows.storage
    return leaf.storage


def stage_name(stage: Node) -> str:
    """The name of a stage."""
    return str(getattr(stage, "name", ""))
