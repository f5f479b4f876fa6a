"""DROP INDEX: of one that is only declared, or of DuckDB's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import UnknownRelation
from mvengine.refresh.reader import reference, require_foreign
from mvengine.schema import quote
from mvengine.sql.statements import RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session


def drop(session: Session, ref: RelationRef, *, if_exists: bool) -> None:
    """Errors: UnknownRelation (42704)."""
    require_foreign(ref.schema)
    store = session.database.store(session.engine)
    schemas = {ref.schema.lower()} if ref.schema else {schema.lower() for schema in session.reader.place().path}
    declared = [index.name for index in store.declared_indexes() if index.name.name.lower() == ref.name.lower()]
    found = next((name for name in declared if name.schema.lower() in schemas), None)
    if found is not None:
        store.forget_index(found)
        return
    rows = session.engine.query(
        "SELECT schema_name FROM duckdb_indexes() "
        "WHERE lower(index_name) = $1 AND list_contains($2, lower(schema_name))",
        [ref.name.lower(), sorted(schemas)],
    )
    if not rows and not if_exists:
        raise UnknownRelation(
            f"there is no index {reference(ref)}", hint="DROP INDEX IF EXISTS accepts that", code="42704"
        )
    for (schema,) in rows:
        session.engine.query(f"DROP INDEX {quote(schema)}.{quote(ref.name)}")
        session.database.shapes += 1
