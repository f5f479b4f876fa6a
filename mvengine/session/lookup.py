"""What a name in a statement stands for, among all that is in the catalogs; where there is nothing, what was meant."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mvengine.errors import BindError, UnknownRelation
from mvengine.refresh.reader import reference
from mvengine.session import system_catalog
from mvengine.sql.statements import RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session

_FIND = """
SELECT database_name, schema_name, name, kind, is_refreshable, oid, sql
FROM mv_system.mv_objects.relations
WHERE lower(name) = lower($name) AND lower(schema_name) = lower(coalesce($schema, schema_name))
  AND lower(database_name) = lower(coalesce($database, database_name))
  AND ($schema IS NOT NULL OR is_temporary OR database_name = current_database()
       AND (schema_name = current_schema() OR list_contains(current_schemas(false), schema_name)))
ORDER BY is_temporary DESC, database_name = current_database() DESC, list_position(current_schemas(false), schema_name)
LIMIT 1"""
_FIND_SCHEMA = """
SELECT database_name, schema_name FROM mv_system.mv_objects.schemas
WHERE lower(schema_name) = lower($name) AND lower(database_name) = lower(coalesce($database, current_database()))
   OR $database IS NULL AND lower(database_name) = lower($name) AND schema_name = 'main'
ORDER BY lower(schema_name) = lower($name) DESC LIMIT 1"""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A table or view, plain or maintained. ``kind`` as in ``mv_system.mv_objects.relations``; ``sql`` made it."""

    database: str
    schema: str
    name: str
    kind: str
    is_refreshable: bool
    oid: int
    sql: str


def find(session: Session, ref: RelationRef) -> Found:
    """The relation that a name means. Errors: UnknownRelation, naming one that is called nearly so."""
    system_catalog.provide(session, _FIND)
    values = {"database": ref.catalog, "schema": ref.schema, "name": ref.name}
    rows = session.engine.query(_FIND, values)
    if not rows:
        raise unknown_relation(session, ref)
    database, schema, name, kind, is_refreshable, oid, sql = rows[0]
    return Found(
        database=database, schema=schema, name=name, kind=kind, is_refreshable=is_refreshable, oid=oid, sql=sql
    )


def find_schema(session: Session, ref: RelationRef | None) -> tuple[str, str]:
    """Database and schema that ``FROM ref`` names; without it, the current ones. Errors: BindError (3F000)."""
    system_catalog.provide(session, _FIND_SCHEMA)
    if ref is None:
        database, schema = session.engine.query("SELECT current_database(), current_schema()")[0]
        return database, schema
    rows = session.engine.query(_FIND_SCHEMA, {"database": ref.schema, "name": ref.name})
    if not rows:
        names = [name for (name,) in session.engine.query("SELECT schema_name FROM mv_system.mv_objects.schemas")]
        raise BindError(
            f"there is no schema {reference(ref)}", hint=_meant(ref.name, names, "SHOW SCHEMAS"), code="3F000"
        )
    return rows[0]


def unknown_relation(session: Session, ref: RelationRef, what: str = "table or view") -> UnknownRelation:
    """The error for a name that means nothing, with the nearest one that does."""
    sql = "SELECT if(schema_name = current_schema(), name, schema_name || '.' || name), name FROM "
    system_catalog.provide(session, sql + "mv_system.mv_objects.relations")
    rows = session.engine.query(sql + "mv_system.mv_objects.relations ORDER BY ALL")
    shown = "SHOW MATERIALIZED VIEWS" if what == "materialized view" else "SHOW TABLES"
    names = [name for row in rows for name in row]
    return UnknownRelation(f"there is no {what} {reference(ref)}", hint=_meant(reference(ref), names, shown))


def _meant(name: str, names: list[str], statement: str) -> str:
    lower = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.7)
    return f"did you mean {lower[near[0]]}?" if near else f"{statement} lists what there is"
