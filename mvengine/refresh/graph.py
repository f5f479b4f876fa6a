"""The maintained relations of a database, decoded: what exists, who reads whom, and which columns are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mvengine.meta.records import StoredFragment, StoredRelation
from mvengine.planner.delta import delta_name
from mvengine.planner.fragment import loads
from mvengine.planner.logical import (
    ConstrainedTable,
    ForeignKeyConstraint,
    FullStage,
    Maintenance,
    Materialize,
    MaterializeTable,
    Scan,
)
from mvengine.planner.node import walk
from mvengine.planner.twins import twins_of
from mvengine.schema import Column, Columns, Name

FINGERPRINT = (
    "(SELECT count(*) FROM mv_meta.relations), (SELECT coalesce(max(relation_id), 0) FROM mv_meta.relations), "
    "(SELECT count(*) FROM mv_meta.jobs WHERE status <> 'CREATED'), "
    "(SELECT coalesce(sum(DISTINCT consumer_id), 0) FROM mv_meta.consumers WHERE kind = 'deferred')::BIGINT, "
    "(SELECT coalesce(sum(state_id), 0) FROM mv_meta.view_states WHERE state = 'suspended')::BIGINT, "
    "(SELECT coalesce(bit_xor(('0x' || digest[1:15])::BIGINT), 0) FROM mv_meta.fragments)"
)
"""How many relations are stored, the largest id of one, how many of them are not CREATED yet, which views are deferred
or suspended, and how all of them are defined."""


@dataclass(frozen=True, kw_only=True)
class TableDefinition:
    """A refreshable table as its fragment says it; ``digest`` is the stored fragment's."""

    relation_id: int
    plan: MaterializeTable
    digest: str

    @property
    def name(self) -> Name:
        return self.plan.relation


@dataclass(frozen=True, kw_only=True)
class ViewDefinition:
    """A materialized view as its fragment says it."""

    relation_id: int
    plan: Materialize
    inputs: frozenset[Name]  # relations that it reads
    is_deferred: bool  # it follows at a refresh of it, from the change logs; others follow at commit
    is_suspended: bool  # its query has failed: it follows nothing until it can be derived again
    suspends: bool  # what is done when its query fails: it is suspended, or whatever changed its inputs fails

    @property
    def name(self) -> Name:
        return self.plan.relation

    @property
    def maintenance(self) -> Maintenance:
        assert isinstance(self.plan.input, Maintenance)
        return self.plan.input

    @property
    def is_recomputed(self) -> bool:
        """Whether it is maintained by computing its query again: that it must is all that it has to know."""
        return isinstance(self.maintenance.stages[-1], FullStage)

    def columns_of(self, name: Name) -> Columns:
        """The columns of an input whose changes it follows."""
        scans = (node for node in walk(self.maintenance) if isinstance(node, Scan) and node.relation == name)
        return tuple({column.name.lower(): column for scan in scans for column in scan.columns}.values())


@dataclass(frozen=True, kw_only=True)
class ConstrainedDefinition:
    """A plain table whose foreign keys the engine checks."""

    relation_id: int
    plan: ConstrainedTable

    @property
    def name(self) -> Name:
        return self.plan.relation


Definition = TableDefinition | ViewDefinition | ConstrainedDefinition


@dataclass(frozen=True, kw_only=True)
class Building:
    """A table or view that a job makes: it cannot be read yet, and is not maintained."""

    job_id: int
    definition: Definition

    @property
    def name(self) -> Name:
        return self.definition.name

    def reads(self, names: Set[Name]) -> bool:
        """Whether one of these relations is needed by it."""
        definition = self.definition
        if isinstance(definition, ViewDefinition):
            return bool(definition.inputs & names)
        return any(key.references in names for key in definition.plan.foreign_keys)


@dataclass(frozen=True, kw_only=True)
class Graph:
    """All definitions at one moment. Views stand in an order in which each comes after what it reads."""

    tables: Mapping[Name, TableDefinition]
    views: Mapping[Name, ViewDefinition]
    constrained: Mapping[Name, ConstrainedDefinition]
    building: Mapping[Name, Building]  # in none of the others
    fingerprint: tuple[int, ...]  # of what is stored, as in FINGERPRINT: what a snapshot is compared by

    def __contains__(self, name: Name) -> bool:
        return name in self.tables or name in self.views or name in self.constrained

    def get(self, name: Name) -> Definition | None:
        return self.tables.get(name) or self.views.get(name) or self.constrained.get(name)

    @cached_property
    def views_being_built(self) -> tuple[ViewDefinition, ...]:
        """What changes its inputs see is logged for these: they follow it later."""
        definitions = (building.definition for building in self.building.values())
        return tuple(definition for definition in definitions if isinstance(definition, ViewDefinition))

    @cached_property
    def deferred(self) -> tuple[ViewDefinition, ...]:
        """Views that follow later, from the change logs."""
        return tuple(view for view in self.views.values() if view.is_deferred)

    @cached_property
    def suspended(self) -> tuple[ViewDefinition, ...]:
        """Views whose query has failed."""
        return tuple(view for view in self.views.values() if view.is_suspended)

    @cached_property
    def readers(self) -> tuple[ViewDefinition, ...]:
        """All views whose inputs' changes are captured, those that are being built included."""
        return (*self.views.values(), *self.views_being_built)

    @cached_property
    def consumers(self) -> Mapping[Name, tuple[ViewDefinition, ...]]:
        """Views by what they read."""
        found: dict[Name, list[ViewDefinition]] = {}
        for view in self.readers:
            for name in view.inputs:
                found.setdefault(name, []).append(view)
        return {name: tuple(views) for name, views in found.items()}

    @cached_property
    def logged(self) -> Mapping[Name, Columns]:
        """Relations whose changes are kept in a log, and the columns of these that its consumers read."""
        found: dict[Name, dict[str, Column]] = {}
        for view in (*self.views_being_built, *self.deferred):
            for name in view.inputs:
                columns = {column.name.lower(): column for column in view.columns_of(name)}
                found[name] = {**found.get(name, {}), **columns}
        return {name: tuple(columns.values()) for name, columns in found.items()}

    def builds_over(self, names: Set[Name]) -> tuple[Building, ...]:
        """What is being built and needs one of these relations."""
        return tuple(building for building in self.building.values() if building.reads(names))

    @cached_property
    def storages(self) -> Mapping[Name, frozenset[str]]:
        """The SQL names by which views read the rows of a relation."""
        found: dict[Name, frozenset[str]] = {}
        for scan in (node for view in self.views.values() for node in walk(view.maintenance) if isinstance(node, Scan)):
            found[scan.relation] = found.get(scan.relation, frozenset()) | {scan.storage}
        return found

    @cached_property
    def sharing(self) -> dict[tuple[frozenset[Name], Name | None], Any]:
        """What views can share when these relations change, and what a deferred view can use: filled by
        ``refresh.near``, as long as the graph lives."""
        return {}

    @cached_property
    def referenced(self) -> frozenset[Name]:
        """What foreign keys refer to: a row that is deleted there may be missed here."""
        return frozenset(key.references for _, key in self.foreign_keys)

    @cached_property
    def foreign_keys(self) -> tuple[tuple[TableDefinition | ConstrainedDefinition, ForeignKeyConstraint], ...]:
        """The foreign keys that the engine checks, each with the table that has it."""
        tables: list[TableDefinition | ConstrainedDefinition] = [*self.tables.values(), *self.constrained.values()]
        return tuple((table, key) for table in tables for key in table.plan.foreign_keys)

    @cached_property
    def watched(self) -> frozenset[Name]:
        """Relations whose changes concern others, or that are maintained themselves."""
        kept = (*self.tables, *self.views, *self.constrained, *self.building)
        return frozenset((*self.consumers, *kept, *self.referenced))

    def is_maintained(self, name: Name) -> bool:
        """Whether a write to this relation is the engine's to carry out and to check."""
        return name in self.watched

    def downstream(self, names: Iterable[Name]) -> tuple[ViewDefinition, ...]:
        """Every view that reads one of these, directly or through others, in the order of maintenance."""
        reached = set(names)
        found = []
        for view in self.views.values():
            if view.inputs & reached:
                reached.add(view.name)
                found.append(view)
        return tuple(found)

    def following(self, names: Iterable[Name]) -> tuple[ViewDefinition, ...]:
        """Those of ``downstream`` that follow at commit: not those that are deferred, nor what only they hand on to."""
        reached = set(names)
        found = []
        for view in self.views.values():
            if view.inputs & reached and not view.is_deferred:
                reached.add(view.name)
                found.append(view)
        return tuple(found)

    def upstream(self, names: Iterable[Name]) -> tuple[ViewDefinition, ...]:
        """These views and every view that one of them reads, directly or through others, in order of maintenance."""
        reached = set(names)
        found = []
        for view in reversed(tuple(self.views.values())):
            if view.name in reached:
                reached |= view.inputs
                found.append(view)
        return tuple(reversed(found))

    def used_columns(self, name: Name) -> frozenset[str]:
        """The columns (in lower case) that any view reads of a relation; see ``is_read_whole``."""
        return frozenset(self._used.get(delta_name(name).lower(), {}))

    def twins(self, name: Name) -> Columns:
        """Those of them whose equal values may differ."""
        return twins_of(tuple(self._used.get(delta_name(name).lower(), {}).values()))

    def is_read_whole(self, name: Name) -> bool:
        """Whether some view is computed again from the relation: a change of any column may then matter."""
        return any(
            name in stage.relations
            for view in self.consumers.get(name, ())
            for stage in view.maintenance.stages
            if isinstance(stage, FullStage)
        )

    @cached_property
    def _used(self) -> Mapping[str, Mapping[str, Column]]:
        """By the name of a change, the columns that are read of it, by their names in lower case."""
        used: dict[str, dict[str, Column]] = {}
        for view in self.readers:
            for node in walk(view.maintenance):
                if isinstance(node, Scan):
                    columns = used.setdefault(delta_name(node.relation).lower(), {})
                    columns.update((column.name.lower(), column) for column in node.columns)
        return used


def decode(stored: Iterable[StoredRelation]) -> Graph:
    """The graph of what the catalog holds. Raises FormatError for a fragment that cannot be read."""
    tables: dict[Name, TableDefinition] = {}
    views: dict[Name, ViewDefinition] = {}
    constrained: dict[Name, ConstrainedDefinition] = {}
    building: dict[Name, Building] = {}
    count, largest, deferred, suspended, digests = 0, 0, 0, 0, 0
    for item in stored:
        count, largest = count + 1, max(largest, item.relation.relation_id)
        deferred, suspended = deferred + (item.deferred_by or 0), suspended + (item.suspended_by or 0)
        if item.fragment is None:
            continue
        digests ^= int(item.fragment.digest[:15], 16)
        definition = _definition(item, item.fragment)
        if item.building_job is not None:
            building[definition.name] = Building(job_id=item.building_job, definition=definition)
        elif isinstance(definition, TableDefinition):
            tables[definition.name] = definition
        elif isinstance(definition, ViewDefinition):
            views[definition.name] = definition
        else:
            constrained[definition.name] = definition
    return Graph(
        tables=tables,
        views=_in_order(views),
        constrained=constrained,
        building=building,
        fingerprint=(count, largest, len(building), deferred, suspended, digests),
    )


def _in_order(views: Mapping[Name, ViewDefinition]) -> dict[Name, ViewDefinition]:
    """Each view after the views that it reads, else in the order of their creation: a view that was replaced may read
    one that was created after it."""
    ordered: dict[Name, ViewDefinition] = {}
    waiting = list(views.values())[::-1]
    while waiting:
        view = waiting.pop()
        if view.name in ordered:
            continue
        missing = [views[name] for name in sorted(view.inputs, key=_key) if name in views and name not in ordered]
        if missing:
            waiting.extend((view, *missing))
        else:
            ordered[view.name] = view
    return ordered


def _key(name: Name) -> tuple[str, str]:
    return name.key


def _definition(item: StoredRelation, fragment: StoredFragment) -> Definition:
    relation_id = item.relation.relation_id
    root = loads(fragment.text).root
    if isinstance(root, MaterializeTable):
        return TableDefinition(relation_id=relation_id, plan=root, digest=fragment.digest)
    if isinstance(root, ConstrainedTable):
        return ConstrainedDefinition(relation_id=relation_id, plan=root)
    return ViewDefinition(
        relation_id=relation_id,
        plan=root,
        inputs=inputs_of_view(root),
        is_deferred=item.deferred_by is not None,
        is_suspended=item.suspended_by is not None,
        suspends=item.on_error == "suspend",
    )


def inputs_of_view(root: Materialize) -> frozenset[Name]:
    """The relations that a view's plan reads."""
    names: set[Name] = set()
    for node in walk(root):
        if isinstance(node, Scan):
            names.add(node.relation)
        elif isinstance(node, FullStage):
            names.update(node.relations)
    return frozenset(names)
