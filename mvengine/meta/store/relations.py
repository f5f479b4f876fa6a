"""Relations: what tables and views there are, with fragments and dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mvengine.errors import InternalError
from mvengine.meta.records import Relation, RelationKind, StoredFragment, StoredRelation, fragment_digest
from mvengine.meta.store.base import Row, aware
from mvengine.meta.store.foreign import ForeignStore
from mvengine.schema import Name

# Everything that tells of a relation and goes with it. History (transitions, maintenance, epochs) stays.
_TRACES = (
    "relations",
    "fragments",
    "dependencies",
    "jobs",
    "refresh_jobs",
    "source_files",
    "staged_files",
    "rejected_rows",
    "settings",
    "consumers",
    "view_states",
    "first_derivations",
    "expanded",
)

_LOAD = """
SELECT r.relation_id, r.schema_name, r.name, r.kind, r.refreshable, r.definition, r.storage_table, r.staging_table,
       r.shadow_table, r.source, r.strategy, r.reason, r.policy, r.created_at, r.epoch,
       j.job_id, f.format, f.digest, f.fragment, d.names, coalesce(s.value, 'fail'), c.consumer_id, v.state_id
FROM mv_meta.relations AS r
LEFT JOIN mv_meta.fragments AS f USING (relation_id)
LEFT JOIN (
    SELECT relation_id, list({'schema': depends_on_schema, 'name': depends_on_name}) AS names
    FROM mv_meta.dependencies GROUP BY relation_id
) AS d USING (relation_id)
LEFT JOIN mv_meta.jobs AS j ON j.relation_id = r.relation_id AND j.status <> 'CREATED'
LEFT JOIN mv_meta.settings AS s ON s.relation_id = r.relation_id AND s.name = 'on_error'
LEFT JOIN (
    SELECT DISTINCT relation_id, consumer_id FROM mv_meta.consumers WHERE kind = 'deferred'
) AS c ON c.relation_id = r.relation_id
LEFT JOIN mv_meta.view_states AS v ON v.relation_id = r.relation_id AND v.state = 'suspended'
"""

_NOTE_DROP = """
INSERT INTO mv_meta.state_history
SELECT nextval('mv_meta.history_seq'), 'job', job_id, schema_name, name, status, $event, NULL, $cause, NULL, $now
FROM mv_meta.jobs WHERE relation_id = $relation_id
"""


class RelationStore(ForeignStore):
    def next_relation_id(self) -> int:
        """A number that no relation has or had."""
        return int(self._rows("SELECT nextval('mv_meta.relation_ids')")[0][0])

    def add_relation(
        self, relation: Relation, *, fragment: StoredFragment | None, dependencies: Sequence[Name], epoch: int
    ) -> StoredRelation:
        """Record a new relation; ``epoch`` is that of its creation. ``InternalError``: the digest is not the text's."""
        name, now = relation.name, self._now()
        if fragment is not None and fragment.digest != fragment_digest(fragment.text):
            raise InternalError(f"the fragment of {name} has digest {fragment.digest}, which is not that of its text")
        row = (
            relation.relation_id,
            name.schema,
            name.name,
            relation.kind,
            relation.is_refreshable,
            relation.definition,
            relation.storage_table,
            relation.staging_table,
            relation.shadow_table,
            relation.source,
            relation.strategy,
            relation.reason,
            relation.policy,
            now,
            epoch,
        )
        self._rows(f"INSERT INTO mv_meta.relations VALUES ({', '.join('?' * len(row))})", row)
        if fragment is not None:
            values = (relation.relation_id, fragment.format, fragment.digest, fragment.text)
            self._rows("INSERT INTO mv_meta.fragments VALUES (?, ?, ?, ?)", values)
        ordered = _ordered(dependencies)
        types = {"relation_id": "BIGINT", "depends_on_schema": "VARCHAR", "depends_on_name": "VARCHAR"}
        self._insert("dependencies", types, [(relation.relation_id, it.schema, it.name) for it in ordered])
        return StoredRelation(
            relation=relation,
            fragment=fragment,
            dependencies=ordered,
            created_at=aware(now),
            epoch=epoch,
            building_job=None,
            on_error="fail",
            deferred_by=None,
            suspended_by=None,
        )

    def drop_relation(self, relation_id: int, cause: str, event: str = "DROP") -> None:
        """Forget a relation with its jobs, files and fragment. The history stays, and says how its jobs ended: by
        DROP, CANCEL or FAIL."""
        values = {"relation_id": relation_id, "event": event, "cause": cause, "now": self._now()}
        self._rows(_NOTE_DROP, values)
        self.settle_view(relation_id)
        self.settle_tables([relation_id])
        for table in _TRACES:
            self._rows(f"DELETE FROM mv_meta.{table} WHERE relation_id = ?", [relation_id])

    def existing(self, relation_ids: Sequence[int]) -> frozenset[int]:
        """Those of these relations that are there."""
        sql = "SELECT relation_id FROM mv_meta.relations WHERE list_contains($1::BIGINT[], relation_id)"
        return frozenset(int(id_) for (id_,) in self._rows(sql, [list(relation_ids)]))

    def load_relations(self) -> tuple[StoredRelation, ...]:
        """All relations, in the order of their ids. ``InternalError`` for a fragment that is not what was stored."""
        return tuple(_stored(row) for row in sorted(self._rows(_LOAD), key=lambda row: int(row[0])))

    def mark_epoch(self, relation_ids: Sequence[int], epoch: int) -> None:
        """Record that these relations changed in ``epoch``."""
        self._rows(
            "UPDATE mv_meta.relations SET epoch = $1 WHERE list_contains($2::BIGINT[], relation_id)",
            [epoch, list(relation_ids)],
        )


def _ordered(names: Iterable[Name]) -> tuple[Name, ...]:
    return tuple(sorted(set(names), key=lambda it: it.key))


def _stored(row: Row) -> StoredRelation:
    relation_id, schema, name, kind, refreshable, *texts, created_at, epoch, job = row[:-7]
    format_, digest, text, names, on_error, deferred_by, suspended_by = row[-7:]
    definition, storage, staging, shadow, source, strategy, reason, policy = texts
    relation = Relation(
        relation_id=relation_id,
        name=Name(schema=schema, name=name),
        kind=RelationKind(kind),
        is_refreshable=refreshable,
        definition=definition,
        storage_table=storage,
        staging_table=staging,
        shadow_table=shadow,
        source=source,
        strategy=strategy,
        reason=reason,
        policy=policy,
    )
    return StoredRelation(
        relation=relation,
        fragment=None if text is None else _fragment(relation.name, format_, digest, text),
        dependencies=_ordered(Name(**it) for it in names or ()),
        created_at=aware(created_at),
        epoch=epoch,
        building_job=job,
        on_error=on_error,
        deferred_by=deferred_by,
        suspended_by=suspended_by,
    )


def _fragment(name: Name, format_: int, digest: str, text: str) -> StoredFragment:
    found = fragment_digest(text)
    if found != digest:
        raise InternalError(
            f"the stored fragment of {name} is damaged: its digest is {found}, recorded was {digest}",
            hint="restore the database from a copy, or drop and create the relation again",
        )
    return StoredFragment(format=format_, digest=digest, text=text)
