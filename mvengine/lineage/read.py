"""The lineage of a database: from the catalog, and for plain views from what DuckDB says of their text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error
from mvengine.lineage.graph import Lineage, LineageNode, NodeKind
from mvengine.schema import Name

_NODES = """
SELECT t.schema_name, t.name,
       if(t.kind = 'materialized_view', 'materialized view', if(t.refreshable, 'refreshable table', 'table')),
       CASE WHEN j.job_id IS NOT NULL THEN 'building'
            WHEN v.state IS NOT NULL THEN v.state
            WHEN r.state = 'IDLE' AND r.last_error IS NOT NULL THEN 'failed'
            ELSE lower(r.state) END,
       coalesce(v.strategy, t.source, ''), v.definition
FROM mv_catalog.tables AS t
LEFT JOIN mv_catalog.materialized_views AS v USING (schema_name, name)
LEFT JOIN mv_catalog.refresh_jobs AS r ON r.schema_name = t.schema_name AND r.table_name = t.name
LEFT JOIN mv_catalog.jobs AS j ON j.schema_name = t.schema_name AND j.name = t.name AND j.status <> 'CREATED'
ORDER BY t.schema_name, t.name
"""
_PLAIN_VIEWS = """
SELECT schema_name, view_name, 'view', NULL, '', sql FROM duckdb_views()
WHERE database_name = $1 AND NOT internal AND NOT temporary AND NOT starts_with(schema_name, 'mv_')
  AND NOT EXISTS (FROM mv_meta.relations AS r WHERE lower(r.schema_name) = lower(duckdb_views.schema_name)
                                                AND lower(r.name) = lower(view_name))
ORDER BY schema_name, view_name
"""
_EDGES = "SELECT depends_on_schema, depends_on, schema_name, name FROM mv_catalog.dependencies ORDER BY ALL"


def read_lineage(engine: DuckDbEngine, database_name: str) -> Lineage:
    """All tables and views of the database as they are now. Temporary ones, those of attached databases, and files that
    a view reads directly are not in it."""
    rows = [*engine.query(_NODES), *engine.query(_PLAIN_VIEWS, [database_name])]
    nodes = {
        (name := Name(schema=schema, name=table)): LineageNode(
            name=name, kind=NodeKind(kind), state=state, detail=detail
        )
        for schema, table, kind, state, detail, _ in rows
    }
    named = {
        name: tuple(_named(engine, name, row[-1], nodes))
        for name, row in zip(nodes, rows, strict=True)
        if row[-1] is not None
    }
    plain = {name: inputs for name, inputs in named.items() if nodes[name].kind is NodeKind.VIEW}
    edges = [(read, name) for name, inputs in plain.items() for read in inputs]
    for read_schema, read_name, schema, table in engine.query(_EDGES):
        read, name = Name(schema=read_schema, name=read_name), Name(schema=schema, name=table)
        between = [view for view in named.get(name, ()) if view in plain]
        edges += [(view, name) for view in between]
        if read in named.get(name, ()) or not any(read in _reached(view, plain) for view in between):
            edges.append((read, name))
    return Lineage.of(nodes.values(), edges)


def _named(engine: DuckDbEngine, view: Name, text: str, nodes: Mapping[Name, LineageNode]) -> Iterator[Name]:
    """The tables and views that a view's text names. Where that cannot be told (PIVOT), none."""
    try:
        paths = engine.table_names(text)
    except Error:
        return
    for _, schema, name in paths:
        schemas = (schema,) if schema is not None else (view.schema, "main")
        candidates = (Name(schema=schema, name=name) for schema in schemas)
        found = next((candidate for candidate in candidates if candidate in nodes and candidate != view), None)
        if found is not None:
            yield nodes[found].name


def _reached(view: Name, plain: Mapping[Name, Iterable[Name]]) -> frozenset[Name]:
    """What a plain view reads, directly or through others."""
    reached: set[Name] = set()
    waiting = [view]
    while waiting:
        for name in plain.get(waiting.pop(), ()):
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return frozenset(reached)
