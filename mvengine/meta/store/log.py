"""Consumers of change logs: who reads which relation's log, and up to which epoch it has read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
_LOGGED = {"schema_name": "VARCHAR", "name": "VARCHAR", "epoch": "BIGINT"}


class LogStore(StoreBase):
    def add_consumer(
        self, kind: str, relation_id: int, inputs: Iterable[Name], epoch: int, *, has_snapshot: bool = False
    ) -> None:
        """A new consumer, owned by a relation: epochs after ``epoch`` are logged for it. ``has_snapshot``: the owner
        holds what follows from the state at ``epoch``."""
        consumer_id = int(self._rows("SELECT nextval('mv_meta.consumer_ids')")[0][0])
        rows = [(consumer_id, kind, relation_id, name.schema, name.name, epoch, has_snapshot) for name in inputs]
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

    def defer_consumer(self, relation_id: int) -> None:
        """A view that has been built stays a consumer of what it reads: a deferred view."""
        self._rows("UPDATE mv_meta.consumers SET kind = 'deferred' WHERE relation_id = ?", [relation_id])

    def note_logged(self, names: Iterable[Name], epoch: int) -> None:
        """Records that the logs of these relations have changes of an epoch."""
        self._insert("logged_changes", _LOGGED, [(name.schema, name.name, epoch) for name in names])

    def forget_logged(self, cursors: Mapping[Name, int]) -> None:
        """Forgets the epochs that nobody will read again: up to the slowest cursor of each relation, and all those of
        relations without a consumer."""
        rows = self._rows("SELECT DISTINCT schema_name, name FROM mv_meta.logged_changes")
        for schema, name in rows:
            read = cursors.get(Name(schema=schema, name=name))
            behind = "" if read is None else f" AND epoch <= {read}"
            self._rows(f"DELETE FROM mv_meta.logged_changes WHERE schema_name = ? AND name = ?{behind}", [schema, name])

    def remove_consumer(self, relation_id: int) -> None:
        self._rows("DELETE FROM mv_meta.consumers WHERE relation_id = ?", [relation_id])

    def slowest_cursors(self) -> dict[Name, int]:
        """Relation → the epoch up to which all consumers have read its log. Others have no consumer."""
        rows = self._rows("SELECT schema_name, name, min(cursor_epoch) FROM mv_meta.consumers GROUP BY ALL")
        return {Name(schema=schema, name=name): epoch for schema, name, epoch in rows}
