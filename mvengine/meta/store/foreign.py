"""Seals, and what other programs were found to have done to the file."""

from __future__ import annotations

from collections.abc import Sequence

from mvengine.meta.records import Seal, SealedObject
from mvengine.meta.store.base import StoreBase
from mvengine.schema import Name

_OBJECT_TYPES = {
    "owner_schema": "VARCHAR",
    "owner_name": "VARCHAR",
    "schema_name": "VARCHAR",
    "name": "VARCHAR",
    "sql": "VARCHAR",
    "rows": "BIGINT",
    "fingerprint": "VARCHAR",
}
_FORGET_SETTLED = "DELETE FROM mv_meta.foreign_changes WHERE table_id IS NULL AND len(view_ids) = 0"


class ForeignStore(StoreBase):
    def sealed_iteration(self) -> int | None:
        """The number of the checkpoint that the last close has made; None where it was broken, or there was none."""
        rows = self._rows("SELECT iteration FROM mv_meta.seal")
        return int(rows[0][0]) if rows else None

    def sealed(self) -> Seal | None:
        """What the last close has left; None where it was broken, or there was none."""
        rows = self._rows("SELECT duckdb_version FROM mv_meta.seal")
        if not rows:
            return None
        columns = ", ".join(_OBJECT_TYPES)
        return Seal(
            duckdb_version=rows[0][0],
            objects=tuple(
                SealedObject(
                    owner=Name(schema=owner_schema, name=owner),
                    name=Name(schema=schema, name=name),
                    sql=sql,
                    rows=count,
                    fingerprint=fingerprint,
                )
                for owner_schema, owner, schema, name, sql, count, fingerprint in self._rows(
                    f"SELECT {columns} FROM mv_meta.sealed_objects"
                )
            ),
        )

    def seal(self, iteration: int, duckdb_version: str, objects: Sequence[SealedObject]) -> None:
        """Records what a close leaves, in place of what the last one left."""
        self.break_seal()
        self._rows("DELETE FROM mv_meta.sealed_objects")
        values = (iteration, duckdb_version, self._now())
        self._rows("INSERT INTO mv_meta.seal VALUES (?, ?, ?)", values)
        rows = [
            (it.owner.schema, it.owner.name, it.name.schema, it.name.name, it.sql, it.rows, it.fingerprint)
            for it in objects
        ]
        self._insert("sealed_objects", _OBJECT_TYPES, rows)

    def break_seal(self) -> None:
        """What follows is mvengine's own work, until the next close seals it."""
        self._rows("DELETE FROM mv_meta.seal")

    def add_foreign_change(
        self, found: SealedObject, what: str, *, is_damage: bool, table_id: int | None, view_ids: Sequence[int]
    ) -> None:
        """Records what was found. It stays until these views are derived again, and the table is loaded again."""
        owner, name = found.owner, found.name
        self._rows("DELETE FROM mv_meta.foreign_changes WHERE schema_name = ? AND name = ?", [name.schema, name.name])
        values = (
            owner.schema,
            owner.name,
            name.schema,
            name.name,
            what,
            is_damage,
            table_id,
            list(view_ids),
            self._now(),
        )
        self._rows("INSERT INTO mv_meta.foreign_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def is_damaged(self, name: Name) -> bool:
        """Whether a part of this table or view was found to be gone, or to have another shape."""
        sql = """SELECT 1 FROM mv_meta.foreign_changes
                 WHERE is_damage AND lower(owner_schema) = lower(?) AND lower(owner_name) = lower(?)"""
        return bool(self._rows(sql, [name.schema, name.name]))

    def unsettled_views(self) -> frozenset[int]:
        """The relation ids of views that have to be derived again because of what was found."""
        rows = self._rows("SELECT DISTINCT unnest(view_ids) FROM mv_meta.foreign_changes")
        return frozenset(int(id_) for (id_,) in rows)

    def unsettled_tables(self) -> frozenset[int]:
        """The relation ids of refreshable tables that have to be loaded again because of what was found."""
        rows = self._rows("SELECT DISTINCT table_id FROM mv_meta.foreign_changes WHERE table_id IS NOT NULL")
        return frozenset(int(id_) for (id_,) in rows)

    def settle_view(self, relation_id: int) -> None:
        """A view was derived again, or dropped."""
        self._rows(
            """UPDATE mv_meta.foreign_changes SET view_ids = list_filter(view_ids, lambda id: id <> $1)
            WHERE list_contains(view_ids, $1)""",
            [relation_id],
        )
        self._rows(_FORGET_SETTLED)

    def settle_tables(self, relation_ids: Sequence[int]) -> None:
        """Refreshable tables were loaded again as a whole, or dropped."""
        self._rows(
            "UPDATE mv_meta.foreign_changes SET table_id = NULL WHERE list_contains($1::BIGINT[], table_id)",
            [list(relation_ids)],
        )
        self._rows(_FORGET_SETTLED)
