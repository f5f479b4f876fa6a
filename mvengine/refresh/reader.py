"""What names mean in a session: the planner's SchemaReader over an engine and the graph."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import StateError, WrongObject
from mvengine.planner.reader import FunctionFacts, Relation, RelationKind, UserFunction
from mvengine.refresh.graph import Graph
from mvengine.schema import Columns, Name, quote
from mvengine.sql.statements import RelationRef

_FIND = """
SELECT database_name, schema_name, table_name, temporary, internal, NULL AS sql, 0 AS is_view
FROM duckdb_tables() WHERE lower(table_name) = $1
UNION ALL
SELECT database_name, schema_name, view_name, temporary, internal, sql, 1
FROM duckdb_views() WHERE lower(view_name) = $1
"""

OWN_SCHEMAS = frozenset(
    {"mv_meta", "mv_catalog", "mv_state", "mv_system", "mv_objects", "mv_information_schema", "mv_pg_catalog"}
)
"""Where mvengine keeps what it knows, the rows of what it maintains, and its views of the catalogs."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where unqualified names are looked up."""

    database: str
    schema: str  # the first: where new ones are made
    path: tuple[str, ...]  # all of them; the last is ``main``, where DuckDB looks whatever the search path is


class SessionReader:
    """Satisfies ``planner.reader.SchemaReader``. ``graph`` is that of the running transaction."""

    def __init__(self, engine: DuckDbEngine, graph: Graph, database_name: str) -> None:
        self.engine = engine
        self.graph = graph
        self.database_name = database_name

    def place(self) -> Place:
        database, schema, path = self.engine.query(
            "SELECT current_database(), current_schema(), current_schemas(false)"
        )[0]
        return Place(database=database, schema=schema, path=tuple(dict.fromkeys((*path, schema, "main"))))

    def resolve(self, catalog: str | None, schema: str | None, name: str) -> Relation | None:
        rows = self.engine.query(_FIND, [name.lower()])
        place = self.place() if rows or self.graph.building else None
        if place is not None:
            self._require_built(Name(schema=schema or place.schema, name=name))
        if not rows or place is None:
            return self._missing(schema, name)
        is_bare = schema is None and catalog is None
        if is_bare:
            present = {row[1].lower() for row in rows if row[0].lower() == place.database.lower()}
            schema = next((candidate for candidate in place.path if candidate.lower() in present), None)
        wanted_schema = (schema or place.schema).lower()
        wanted_catalog = (catalog or place.database).lower()
        best = None
        for row in rows:
            database, schema_name, _, temporary, internal, _, _ = row
            if is_bare and temporary:
                return self._relation(row)
            is_exact = (database.lower(), schema_name.lower()) == (wanted_catalog, wanted_schema)
            is_database = not is_bare and catalog is None and database.lower() == wanted_schema
            if is_exact or (best is None and (is_database or internal)):
                best = row
        return self._relation(best) if best is not None else self._missing(schema, name)

    def _missing(self, schema: str | None, name: str) -> Relation | None:
        """What another program has dropped is still known, so that it can be restored, or dropped for good."""
        known = Name(schema=schema or "main", name=name)
        definition = self.graph.tables.get(known) or self.graph.views.get(known)
        if definition is None:
            return None
        is_table = known in self.graph.tables
        return Relation(
            name=definition.name,
            kind=RelationKind.REFRESHABLE if is_table else RelationKind.MATERIALIZED_VIEW,
            storage=definition.plan.storage if is_table else definition.name.sql,
            columns=definition.plan.columns,
            query=None,
        )

    def _require_built(self, name: Name) -> None:
        building = self.graph.building.get(name)
        if building is not None:
            raise StateError(
                f"{name} does not exist yet: job {building.job_id} is building it", hint=f"WAIT JOB {building.job_id}"
            )

    def _relation(self, row: tuple[object, ...]) -> Relation:
        database, schema, name, temporary, internal, sql, is_view = row
        full = Name(schema=str(schema), name=str(name))
        storage, kind = full.sql, RelationKind.VIEW if is_view else RelationKind.TABLE
        if temporary:
            kind = RelationKind.TEMPORARY
        elif internal or str(schema) in OWN_SCHEMAS:
            kind = RelationKind.SYSTEM
        elif str(database) != self.database_name:
            kind = RelationKind.FOREIGN
            storage = f"{quote(str(database))}.{storage}"
        elif full in self.graph.tables:
            kind, storage = RelationKind.REFRESHABLE, self.graph.tables[full].plan.storage
        elif full in self.graph.views:
            kind = RelationKind.MATERIALIZED_VIEW
        columns = self._columns(full, storage) if kind in _WITH_COLUMNS else ()
        return Relation(name=full, kind=kind, storage=storage, columns=columns, query=str(sql) if sql else None)

    def _columns(self, name: Name, storage: str) -> Columns:
        known = self.graph.tables.get(name) or self.graph.views.get(name)
        return known.plan.columns if known is not None else self.engine.describe(f"FROM {storage}")

    def describe(self, query: str) -> Columns:
        return self.engine.describe(query)

    def table_names(self, query: str) -> list[tuple[str | None, str | None, str]]:
        return self.engine.table_names(query)

    def user_functions(self) -> tuple[UserFunction, ...]:
        return tuple(
            UserFunction(
                name=Name(schema=schema, name=name),
                parameters=tuple(parameters),
                types=tuple(types),
                returns_table=returns_table,
                body=body or "",
            )
            for schema, name, parameters, types, returns_table, body in self.engine.query(_USER_FUNCTIONS)
        )

    def functions(self) -> FunctionFacts:
        rows = self.engine.query(
            "SELECT DISTINCT lower(function_name), function_type, stability, internal FROM duckdb_functions() "
            "WHERE function_type IN ('aggregate', 'macro', 'table_macro') OR stability <> 'CONSISTENT'"
        )
        return FunctionFacts(
            aggregates=frozenset(name for name, type_, _, _ in rows if type_ == "aggregate"),
            volatile=frozenset(name for name, _, stability, _ in rows if stability not in (None, "CONSISTENT")),
            macros=frozenset(name for name, type_, _, internal in rows if "macro" in type_ and not internal),
        )


_USER_FUNCTIONS = """
SELECT schema_name, function_name, parameters, parameter_types, function_type = 'table_macro', macro_definition
FROM duckdb_functions() WHERE NOT internal AND function_type IN ('macro', 'table_macro')
"""
_WITH_COLUMNS = (RelationKind.TABLE, RelationKind.REFRESHABLE, RelationKind.MATERIALIZED_VIEW)


def require_foreign(schema: str | None) -> None:
    """Refuses to change anything in mvengine's own schemas: it would no longer follow from anything."""
    if (schema or "").lower() in OWN_SCHEMAS:
        raise WrongObject(f"the schema {schema} is mvengine's own", hint="leave it to mvengine; reading it is fine")


def reference(ref: RelationRef) -> str:
    """A name as the user wrote it, for messages."""
    return ".".join(part for part in (ref.catalog, ref.schema, ref.name) if part)
