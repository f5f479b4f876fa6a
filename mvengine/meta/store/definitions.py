"""What becomes of definitions: a relation keeps its id, and with it its settings, files, jobs and history."""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.errors import InternalError
from mvengine.meta.records import Relation, StoredFragment, fragment_digest
from mvengine.meta.store.base import StoreBase
from mvengine.schema import Name

_REDEFINE = """
UPDATE mv_meta.relations
SET schema_name = $schema, name = $name, definition = $definition, storage_table = $storage, staging_table = $staging,
    shadow_table = $shadow, strategy = $strategy, reason = $reason, policy = $policy
WHERE relation_id = $relation_id
"""

_NOTE = """
INSERT INTO mv_meta.state_history
SELECT nextval('mv_meta.history_seq'), 'definition', $relation_id, $schema, $name, 'DEFINED', $event, 'DEFINED', $cause,
       NULL, $now
"""


class DefinitionStore(StoreBase):
    def redefine(
        self, relation: Relation, *, fragment: StoredFragment, dependencies: Iterable[Name], event: str, cause: str
    ) -> None:
        """Puts another definition in the place of the one that a relation has. ``event`` and ``cause`` go into the
        history. ``InternalError``: the fragment's digest is not that of its text."""
        if fragment.digest != fragment_digest(fragment.text):
            raise InternalError(f"the fragment of {relation.name} has a digest that is not that of its text")
        id_, name = relation.relation_id, relation.name
        named = {"relation_id": id_, "schema": name.schema, "name": name.name}
        texts = {
            "definition": relation.definition,
            "storage": relation.storage_table,
            "staging": relation.staging_table,
            "shadow": relation.shadow_table,
            "strategy": relation.strategy,
            "reason": relation.reason,
            "policy": relation.policy,
        }
        self._rows(_REDEFINE, {**named, **texts})
        self._rows("DELETE FROM mv_meta.fragments WHERE relation_id = ?", [id_])
        values = (id_, fragment.format, fragment.digest, fragment.text)
        self._rows("INSERT INTO mv_meta.fragments VALUES (?, ?, ?, ?)", values)
        self._rows("DELETE FROM mv_meta.dependencies WHERE relation_id = ?", [id_])
        types = {"relation_id": "BIGINT", "depends_on_schema": "VARCHAR", "depends_on_name": "VARCHAR"}
        self._insert("dependencies", types, [(id_, it.schema, it.name) for it in sorted(dependencies, key=_key)])
        self._rows(_NOTE, {**named, "event": event, "cause": cause, "now": self._now()})

    def rename_everywhere(self, old: Name, new: Name) -> None:
        """Follows the renaming of a relation wherever it is known by its name; history keeps the old one."""
        for table in ("jobs", "refresh_jobs", "consumers", "logged_changes", "sources"):
            self._rename(table, "schema_name", "name", old, new)
        self._rename("declared_indexes", "schema_name", "relation", old, new)
        self._rename("dependencies", "depends_on_schema", "depends_on_name", old, new)

    def _rename(self, table: str, schema: str, name: str, old: Name, new: Name) -> None:
        self._rows(
            f"UPDATE mv_meta.{table} SET {schema} = ?, {name} = ? WHERE lower({schema}) = ? AND lower({name}) = ?",
            [new.schema, new.name, *old.key],
        )


def _key(name: Name) -> tuple[str, str]:
    return name.key
