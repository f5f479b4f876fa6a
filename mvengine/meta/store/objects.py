"""What is no relation of the engine's own: sources, declared indexes, and what stands expanded in a view's query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mvengine.meta.store.base import StoreBase
from mvengine.schema import Name


@dataclass(frozen=True, kw_only=True)
class Source:
    """Files that are queried where they are. ``definition`` and ``location`` hold no secrets."""

    name: Name
    definition: str
    location: str
    encoding: str


@dataclass(frozen=True, kw_only=True)
class DeclaredIndex:
    """An index on what DuckDB takes for a view. It stands in the schema of ``relation``."""

    name: Name
    relation: Name
    columns: str


class ObjectStore(StoreBase):
    def sources(self) -> tuple[Source, ...]:
        """All sources, in the order of their creation."""
        rows = self._rows(
            "SELECT schema_name, name, definition, location, encoding FROM mv_meta.sources ORDER BY created_at, rowid"
        )
        return tuple(
            Source(name=Name(schema=schema, name=name), definition=definition, location=location, encoding=encoding)
            for schema, name, definition, location, encoding in rows
        )

    def add_source(self, source: Source) -> None:
        """Records a source, in the place of one of its name."""
        self.forget_source(source.name)
        values = (source.name.schema, source.name.name, source.definition, source.location, source.encoding)
        self._rows("INSERT INTO mv_meta.sources VALUES (?, ?, ?, ?, ?, ?)", (*values, self._now()))

    def forget_source(self, name: Name) -> None:
        """Forgets a source, if there is one of this name."""
        self._rows("DELETE FROM mv_meta.sources WHERE lower(schema_name) = ? AND lower(name) = ?", name.key)

    def declared_indexes(self) -> tuple[DeclaredIndex, ...]:
        """All declared indexes, in the order of their creation."""
        rows = self._rows(
            "SELECT schema_name, name, relation, columns FROM mv_meta.declared_indexes ORDER BY created_at, rowid"
        )
        return tuple(
            DeclaredIndex(
                name=Name(schema=schema, name=name), relation=Name(schema=schema, name=relation), columns=columns
            )
            for schema, name, relation, columns in rows
        )

    def add_index(self, index: DeclaredIndex) -> None:
        """Records an index."""
        values = (index.relation.schema, index.name.name, index.relation.name, index.columns, self._now())
        self._rows("INSERT INTO mv_meta.declared_indexes VALUES (?, ?, ?, ?, ?)", values)

    def forget_index(self, name: Name) -> None:
        """Forgets an index, if there is one of this name."""
        self._rows("DELETE FROM mv_meta.declared_indexes WHERE lower(schema_name) = ? AND lower(name) = ?", name.key)

    def forget_indexes_on(self, relation: Name) -> None:
        """Forgets the indexes on a relation."""
        sql = "DELETE FROM mv_meta.declared_indexes WHERE lower(schema_name) = ? AND lower(relation) = ?"
        self._rows(sql, relation.key)

    def note_expanded(self, relation_id: int, objects: Iterable[tuple[str, Name]]) -> None:
        """Records the plain views and functions (kind, name) that a materialized view's query is made of."""
        self._rows("DELETE FROM mv_meta.expanded WHERE relation_id = ?", [relation_id])
        types = {"relation_id": "BIGINT", "kind": "VARCHAR", "schema_name": "VARCHAR", "name": "VARCHAR"}
        self._insert("expanded", types, [(relation_id, kind, name.schema, name.name) for kind, name in objects])
