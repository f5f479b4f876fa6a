"""The maintained relations of a database, decoded: what exists, who reads whom, and which columns are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from mvengine.meta.records import StoredRelation
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
from mvengine.schema import Name


@dataclass(frozen=True, kw_only=True)
class TableDefinition:
    """A refreshable table as its fragment says it."""

    relation_id: int
    plan: MaterializeTable

    @property
    def name(self) -> Name:
        return self.plan.relation


@dataclass(frozen=True, kw_only=True)
class ViewDefinition:
    """A materialized view as its fragment says it."""

    relation_id: int
    plan: Materialize
    inputs: frozenset[Name]  # relations that it reads

    @property
    def name(self) -> Name:
        return self.plan.relation

    @property
    def maintenance(self) -> Maintenance:
        assert isinstance(self.plan.input, Maintenance)
        return self.plan.input


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
class Graph:
    """All definitions at one moment. Views stand in an order in which each comes after what it reads."""

    tables: Mapping[Name, TableDefinition]
    views: Mapping[Name, ViewDefinition]
    constrained: Mapping[Name, ConstrainedDefinition]
    fingerprint: tuple[int, int]  # count and largest id of the stored relations: what a snapshot is compared by

    def __contains__(self, name: Name) -> bool:
        return name in self.tables or name in self.views or name in self.constrained

    def get(self, name: Name) -> Definition | None:
        return self.tables.get(name) or self.views.get(name) or self.constrained.get(name)

    @cached_property
    def consumers(self) -> Mapping[Name, tuple[ViewDefinition, ...]]:
        """Views by what they read."""
        found: dict[Name, list[ViewDefinition]] = {}
        for view in self.views.values():
            for name in view.inputs:
                found.setdefault(name, []).append(view)
        return {name: tuple(views) for name, views in found.items()}

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
        return frozenset((*self.consumers, *self.tables, *self.views, *self.constrained, *self.referenced))

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

    def used_columns(self, name: Name) -> frozenset[str]:
        """The columns (in lower case) that any view reads of a relation; see ``is_read_whole``."""
        return self._used.get(delta_name(name).lower(), frozenset())

    def is_read_whole(self, name: Name) -> bool:
        """Whether some view is computed again from the relation: a change of any column may then matter."""
        return any(
            name in stage.relations
            for view in self.consumers.get(name, ())
            for stage in view.maintenance.stages
            if isinstance(stage, FullStage)
        )

    @cached_property
    def _used(self) -> Mapping[str, frozenset[str]]:
        used: dict[str, set[str]] = {}
        for view in self.views.values():
            for node in walk(view.maintenance):
                if isinstance(node, Scan):
                    columns = used.setdefault(delta_name(node.relation).lower(), set())
                    columns.update(column.name.lower() for column in node.columns)
        return {name: frozenset(columns) for name, columns in used.items()}


def decode(stored: Iterable[StoredRelation]) -> Graph:
    """The graph of what the catalog holds. Raises FormatError for a fragment that cannot be read."""
    tables: dict[Name, TableDefinition] = {}
    views: dict[Name, ViewDefinition] = {}
    constrained: dict[Name, ConstrainedDefinition] = {}
    count, largest = 0, 0
    for item in stored:
        count, largest = count + 1, max(largest, item.relation.relation_id)
        if item.fragment is None:
            continue
        root = loads(item.fragment.text).root
        if isinstance(root, MaterializeTable):
            tables[root.relation] = TableDefinition(relation_id=item.relation.relation_id, plan=root)
        elif isinstance(root, ConstrainedTable):
            constrained[root.relation] = ConstrainedDefinition(relation_id=item.relation.relation_id, plan=root)
        else:
            view = ViewDefinition(relation_id=item.relation.relation_id, plan=root, inputs=inputs_of_view(root))
            views[root.relation] = view
    return Graph(tables=tables, views=views, constrained=constrained, fingerprint=(count, largest))


def inputs_of_view(root: Materialize) -> frozenset[Name]:
    """The relations that a view's plan reads."""
    names: set[Name] = set()
    for node in walk(root):
        if isinstance(node, Scan):
            names.add(node.relation)
        elif isinstance(node, FullStage):
            names.update(node.relations)
    return frozenset(names)
