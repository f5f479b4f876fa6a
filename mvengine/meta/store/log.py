"""Consumers of change logs: who reads which relation's log, and up to which epoch it has read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mvengine.meta.records import Consumer, Waiting
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

_NAME = "{'schema': c.schema_name, 'name': c.name}"
_WAITING = f"""
SELECT c.relation_id, c.consumer_id, c.kind, min(c.cursor_epoch), bool_and(c.has_snapshot),
       list({_NAME} ORDER BY c.schema_name, c.name), list({_NAME}) FILTER (l.epoch > c.cursor_epoch)
FROM mv_meta.consumers AS c
LEFT JOIN (SELECT schema_name, name, max(epoch) AS epoch FROM mv_meta.logged_changes GROUP BY ALL) AS l
       ON l.schema_name = c.schema_name AND l.name = c.name
WHERE c.kind = 'deferred'
GROUP BY c.relation_id, c.consumer_id, c.kind
"""
_FORGET = """
DELETE FROM mv_meta.logged_changes AS l WHERE epoch <= coalesce(
    (SELECT min(cursor_epoch) FROM mv_meta.consumers AS c WHERE c.schema_name = l.schema_name AND c.name = l.name),
    epoch
)
"""


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

    def waiting(self) -> dict[int, Waiting]:
        """What waits for deferred views, by their relation ids; for those, too, for which nothing does."""
        found = {}
        for relation_id, consumer_id, kind, epoch, has_snapshot, inputs, names in self._rows(_WAITING):
            consumer = Consumer(
                consumer_id=consumer_id,
                kind=kind,
                inputs=tuple(Name(**name) for name in inputs),
                epoch=epoch,
                has_snapshot=has_snapshot,
            )
            found[relation_id] = Waiting(consumer=consumer, names=frozenset(Name(**name) for name in names or ()))
        return found

    def move_cursors(self, consumer_ids: Sequence[int], epoch: int) -> None:
        """Record that consumers hold what follows from the state at ``epoch``. In the transaction that made it so."""
        ids = ", ".join(str(int(id_)) for id_ in consumer_ids)
        self._rows(
            f"UPDATE mv_meta.consumers SET cursor_epoch = ?, has_snapshot = true WHERE consumer_id IN ({ids})", [epoch]
        )

    def defer_consumer(self, relation_id: int) -> None:
        """A view that has been built stays a consumer of what it reads: a deferred view."""
        self._rows("UPDATE mv_meta.consumers SET kind = 'deferred' WHERE relation_id = ?", [relation_id])

    def note_logged(self, names: Iterable[Name], epoch: int) -> None:
        """Records that the logs of these relations have changes of an epoch."""
        self._insert("logged_changes", _LOGGED, [(name.schema, name.name, epoch) for name in names])

    def forget_logged(self) -> None:
        """Forgets the epochs that nobody will read again: up to the slowest cursor of each relation, and all those of
        relations without a consumer."""
        self._rows(_FORGET)

    def remove_consumer(self, relation_id: int) -> None:
        self._rows("DELETE FROM mv_meta.consumers WHERE relation_id = ?", [relation_id])

    def slowest_cursors(self) -> dict[Name, int]:
        """Relation → the epoch up to which all consumers have read its log. Others have no consumer."""
        rows = self._rows("SELECT schema_name, name, min(cursor_epoch) FROM mv_meta.consumers GROUP BY ALL")
        return {Name(schema=schema, name=name): epoch for schema, name, epoch in rows}
