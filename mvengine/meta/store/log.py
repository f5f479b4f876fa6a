"""Consumers of change logs: who reads which relation's log, and up to which epoch it has read."""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.meta.records import Consumer
from mvengine.meta.store.base import StoreBase
from mvengine.schema import Name

_TYPES = {
    "consumer_id": "BIGINT",
    "kind": "VARCHAR",
    "relation_id": "BIGINT",
    "schema_name": "VARCHAR",
    "name": "VARCHAR",
    "cursor_epoch": "BIGINT",
    "has_snapshot": "BOOLEAN",
}


class LogStore(StoreBase):
    def add_consumer(self, kind: str, relation_id: int, inputs: Iterable[Name], epoch: int) -> None:
        """A new consumer, owned by a relation, that has no snapshot yet: epochs after ``epoch`` are logged for it."""
        consumer_id = int(self._rows("SELECT nextval('mv_meta.consumer_ids')")[0][0])
        rows = [(consumer_id, kind, relation_id, name.schema, name.name, epoch, False) for name in inputs]
        self._insert("consumers", _TYPES, rows)

    def consumer(self, relation_id: int) -> Consumer | None:
        """The consumer that a relation owns; None where it reads no log."""
        rows = self._rows(
            "SELECT consumer_id, kind, min(cursor_epoch), bool_and(has_snapshot), "
            "list({'schema': schema_name, 'name': name} ORDER BY schema_name, name) "
            "FROM mv_meta.consumers WHERE relation_id = ? GROUP BY ALL",
            [relation_id],
        )
        if not rows:
            return None
        consumer_id, kind, epoch, has_snapshot, names = rows[0]
        return Consumer(
            consumer_id=consumer_id,
            kind=kind,
            inputs=tuple(Name(**name) for name in names),
            epoch=epoch,
            has_snapshot=has_snapshot,
        )

    def move_cursor(self, consumer_id: int, epoch: int) -> None:
        """Record that a consumer holds what follows from the state at ``epoch``. In the transaction that made it so."""
        self._rows(
            "UPDATE mv_meta.consumers SET cursor_epoch = ?, has_snapshot = true WHERE consumer_id = ?",
            [epoch, consumer_id],
        )

    def remove_consumer(self, relation_id: int) -> None:
        self._rows("DELETE FROM mv_meta.consumers WHERE relation_id = ?", [relation_id])

    def slowest_cursors(self) -> dict[Name, int]:
        """Relation → the epoch up to which all consumers have read its log. Others have no consumer."""
        rows = self._rows("SELECT schema_name, name, min(cursor_epoch) FROM mv_meta.consumers GROUP BY ALL")
        return {Name(schema=schema, name=name): epoch for schema, name, epoch in rows}
