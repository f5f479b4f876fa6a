"""DROP INDEX: of one that is only declared, or of DuckDB's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import UnknownRelation
from mvengine.refresh.reader import reference, require_foreign
from mvengine.schema import quote
from mvengine.sql.statements import RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session

_FIND = "SELECT schema_name FROM duckdb_indexes() WHERE database_name = current_database() AND lower(index_name) = $1"


def drop(session: Session, ref: RelationRef, *, if_exists: bool) -> None:
    """Errors: UnknownRelation (42704)."""
    require_foreign(ref.schema)
    places = [place.lower() for place in ((ref.schema,) if ref.schema else session.reader.place().path)]
    store = session.database.store(session.engine)
    declared = {
        index.name.schema.lower(): index.name
        for index in store.declared_indexes()
        if index.name.name.lower() == ref.name.lower()
    }
    stored = {schema.lower(): schema for (schema,) in session.engine.query(_FIND, [ref.name.lower()])}
    place = next((place for place in places if place in declared or place in stored), None)
    if place in declared:
        store.forget_index(declared[place])
    elif place in stored:
        session.engine.query(f"DROP INDEX {quote(stored[place])}.{quote(ref.name)}")
        session.database.shapes += 1
    elif not if_exists:
        raise UnknownRelation(
            f"there is no index {reference(ref)}", hint="DROP INDEX IF EXISTS accepts that", code="42704"
        )
