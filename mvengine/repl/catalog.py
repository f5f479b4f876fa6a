"""Commands that say what there is. Each is a query; patterns are globs, ``s*.orders`` names schemas and tables."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mvengine.errors import UnknownRelation
from mvengine.lineage import NodeKind
from mvengine.repl.arguments import words
from mvengine.schema import Name, quote

if TYPE_CHECKING:
    from mvengine.repl.shell import Shell

_GLOBS = "lower(schema) GLOB lower($1) AND lower(name) GLOB lower($2)"
_RELATIONS = """
WITH own AS (SELECT database_oid AS oid FROM duckdb_databases() WHERE NOT internal ORDER BY database_oid LIMIT 1),
counted AS (
    SELECT schema_name || '.' || table_name AS stored, estimated_size AS rows
    FROM duckdb_tables() JOIN own ON oid = database_oid
),
known AS (
    SELECT t.schema_name AS schema, t.name,
           CASE WHEN t.kind = 'materialized_view' THEN 'materialized view'
                WHEN t.refreshable THEN 'refreshable table' ELSE 'table' END AS kind,
           CASE WHEN j.status <> 'CREATED' THEN 'building' WHEN v.state IS NOT NULL THEN v.state
                WHEN r.state = 'IDLE' AND r.last_error IS NOT NULL THEN 'failed' ELSE lower(r.state) END AS state,
           coalesce(t.source, v.strategy || ': ' || v.reason) AS "kept by", c.rows
    FROM mv_catalog.tables AS t
    LEFT JOIN mv_catalog.materialized_views AS v USING (schema_name, name)
    LEFT JOIN mv_catalog.refresh_jobs AS r ON r.schema_name = t.schema_name AND r.table_name = t.name
    LEFT JOIN mv_catalog.jobs AS j ON j.schema_name = t.schema_name AND j.name = t.name
    LEFT JOIN counted AS c ON c.stored = coalesce(replace(t.storage_table, '"', ''), t.schema_name || '.' || t.name)
    UNION ALL SELECT schema_name, table_name, 'temporary table', NULL, NULL, estimated_size
              FROM duckdb_tables() WHERE temporary AND NOT starts_with(table_name, 'mv_')
    UNION ALL SELECT schema_name, view_name, 'temporary view', NULL, NULL, NULL
              FROM duckdb_views() WHERE temporary AND NOT internal AND NOT starts_with(view_name, 'mv_')
    UNION ALL
    SELECT plain.schema_name, view_name, if(source.name IS NULL, 'view', 'source'), NULL, source.location, NULL
    FROM duckdb_views() AS plain JOIN own ON oid = database_oid
    LEFT JOIN mv_catalog.sources AS source ON source.schema_name = plain.schema_name AND source.name = view_name
    WHERE NOT internal AND NOT temporary AND NOT starts_with(plain.schema_name, 'mv_')
      AND NOT EXISTS (FROM mv_catalog.tables AS t
                      WHERE lower(t.schema_name) = lower(plain.schema_name) AND lower(t.name) = lower(view_name))
)
"""
_DETAILS = f"""{_RELATIONS},
about AS (
    SELECT 1 AS place, 'kind' AS property, kind AS value FROM known WHERE schema = $1 AND name = $2
    UNION ALL SELECT 2, 'state', state FROM known WHERE schema = $1 AND name = $2
    UNION ALL SELECT 3, 'kept by', "kept by" FROM known WHERE schema = $1 AND name = $2
    UNION ALL SELECT 4, 'follows', if(maintain = 'deferred', 'within ' || target_lag, 'at commit')
              FROM mv_catalog.materialized_views WHERE schema_name = $1 AND name = $2
    UNION ALL SELECT 5, 'rows', format('{{:,}}', rows) FROM known WHERE schema = $1 AND name = $2
    UNION ALL SELECT 6, lower(constraint_type), constraint_text FROM duckdb_constraints()
              WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
                AND constraint_type <> 'NOT NULL'
    UNION ALL SELECT 7, 'index', sql FROM duckdb_indexes()
              WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
    UNION ALL SELECT 8, 'reads', string_agg(concat_ws('.', nullif(depends_on_schema, 'main'), depends_on), ', ')
              FROM mv_catalog.dependencies WHERE schema_name = $1 AND name = $2
    UNION ALL SELECT 9, 'read by', string_agg(concat_ws('.', nullif(schema_name, 'main'), name), ', ')
              FROM mv_catalog.dependencies WHERE depends_on_schema = $1 AND depends_on = $2
    UNION ALL SELECT 10, 'last refresh', last_success_time::VARCHAR FROM mv_catalog.refresh_jobs
              WHERE schema_name = $1 AND table_name = $2
    UNION ALL SELECT 11, 'error', last_error FROM mv_catalog.refresh_jobs WHERE schema_name = $1 AND table_name = $2
    UNION ALL SELECT 12, 'failure', failure FROM mv_catalog.materialized_views WHERE schema_name = $1 AND name = $2
)
SELECT property, value FROM about WHERE value IS NOT NULL ORDER BY place, value
"""
_INDEXES = f"""
WITH known AS (
    SELECT schema_name AS schema, table_name AS name, rtrim(sql, ';') || ';' AS sql FROM duckdb_indexes()
    WHERE sql IS NOT NULL AND database_name = current_database() AND NOT starts_with(schema_name, 'mv_')
)
SELECT sql FROM known WHERE {_GLOBS} ORDER BY ALL
"""
_SOURCES = "SELECT schema_name, name FROM mv_catalog.sources"
_CREATED = {
    NodeKind.TABLE: "TABLE",
    NodeKind.REFRESHABLE: "TABLE",
    NodeKind.MATERIALIZED_VIEW: "MATERIALIZED VIEW",
    NodeKind.VIEW: "VIEW",
}


def _listing(query: str) -> Callable[[Shell, str], bool]:
    """The command that answers with a query; its parameters are the globs of schema and name."""

    def run(shell: Shell, argument: str) -> bool:
        shell.answer(query, _globs(argument))
        return True

    return run


def _of_kind(*kinds: str) -> str:
    wanted = ", ".join(f"'{kind}'" for kind in kinds)
    return f"""{_RELATIONS}
    SELECT schema, name, kind, coalesce(state, '') AS state, rows, coalesce("kept by", '') AS "kept by"
    FROM known WHERE kind IN ({wanted}) AND {_GLOBS} ORDER BY ALL"""


_TABLES = ("table", "refreshable table", "temporary table")
_VIEWS = ("view", "temporary view")
relations = _listing(_of_kind(*_TABLES, *_VIEWS, "materialized view", "source"))
tables = _listing(_of_kind(*_TABLES))
views = _listing(_of_kind(*_VIEWS))
sources = _listing(_of_kind("source"))
materialized_views = _listing(_of_kind("materialized view"))
_SCHEMAS = """
    SELECT schema_name AS name FROM duckdb_schemas()
    WHERE database_name = current_database() AND NOT starts_with(schema_name, 'mv_')
      AND schema_name NOT IN ('information_schema', 'pg_catalog')
      AND $1 IS NOT NULL AND lower(schema_name) GLOB lower($2) ORDER BY ALL"""
schemas = _listing(_SCHEMAS)
databases = _listing(
    """SELECT database_name AS name, coalesce(path, 'in memory') AS path, type, readonly FROM duckdb_databases()
    WHERE NOT internal AND database_name <> 'mv_system'
      AND $1 IS NOT NULL AND lower(database_name) GLOB lower($2) ORDER BY ALL"""
)
indexes = _listing(
    f"""WITH known AS (
        SELECT schema_name AS schema, index_name AS name, table_name AS "table", is_unique AS "unique", expressions
        FROM duckdb_indexes() WHERE database_name = current_database() AND NOT starts_with(schema_name, 'mv_')
    ) FROM known WHERE {_GLOBS} ORDER BY ALL"""
)
types = _listing(
    f"""WITH known AS (
        SELECT schema_name AS schema, type_name AS name, lower(logical_type) AS type, labels FROM duckdb_types()
        WHERE NOT internal AND NOT starts_with(schema_name, 'mv_')
    ) FROM known WHERE {_GLOBS} ORDER BY ALL"""
)
settings = _listing(
    """SELECT name, value, description FROM duckdb_settings()
    WHERE $1 IS NOT NULL AND lower(name) GLOB lower($2) ORDER BY ALL"""
)


def _progress_of(kind: str) -> str:
    return f"""SELECT id, name, status, phase, round(percentage, 1) AS "%", rows,
           round(elapsed_seconds, 1) AS seconds, updated_at
    FROM mv_catalog.progress WHERE kind = '{kind}' AND $1 IS NOT NULL AND lower(name) GLOB lower($2) ORDER BY id"""


refreshes = _listing(_progress_of("refresh"))
jobs = _listing(_progress_of("job"))
_FUNCTIONS = """SELECT DISTINCT schema_name AS schema, function_name AS name, function_type AS kind, parameters,
       coalesce(return_type, macro_definition) AS "returns or is", description
FROM duckdb_functions()
WHERE internal = $3 AND NOT starts_with(schema_name, 'mv_')
  AND lower(schema_name) GLOB lower($1) AND lower(function_name) GLOB lower($2) ORDER BY ALL"""


def functions(shell: Shell, argument: str) -> bool:
    """Your functions; with a pattern, also the built-in ones that match it."""
    globs = _globs(argument)
    found = shell.query(_FUNCTIONS, [*globs, False])
    shell.answer(_FUNCTIONS, [*globs, bool(argument) and not found])
    return True


def describe(shell: Shell, argument: str) -> bool:
    """Columns and state of one table or view; without a name, all of them."""
    if not argument or set(argument) & set("*?"):
        return relations(shell, argument)
    schema, name = find(shell, argument)
    shell.write(f"{schema}.{name}" if schema != "main" else name)
    shell.answer(f"DESCRIBE {quote(schema)}.{quote(name)}", [])
    shell.answer(_DETAILS, [schema, name])
    return True


def definitions(shell: Shell, argument: str) -> bool:
    """The statements that make what there is, each after what it reads."""
    schema, name = _globs(argument)
    lines: list[str] = []
    if not argument:
        lines += [f"CREATE SCHEMA {quote(name)};" for (name,) in shell.query(_SCHEMAS, ["*", "*"]) if name != "main"]
    sources = {Name(schema=place, name=source) for place, source in shell.query(_SOURCES)}
    for node in shell.connection.lineage().nodes:
        if fnmatchcase(node.name.schema.lower(), schema.lower()) and fnmatchcase(node.name.name.lower(), name.lower()):
            path = f"{quote(node.name.schema)}.{quote(node.name.name)}"
            ((_, sql),) = shell.query(f"SHOW CREATE {'SOURCE' if node.name in sources else _CREATED[node.kind]} {path}")
            lines += sql.split("\n")
    lines += [line for (sql,) in shell.query(_INDEXES, [schema, name]) for line in sql.split("\n")]
    shell.write_lines(lines)
    return True


def lineage(shell: Shell, argument: str) -> bool:
    """What follows from what, as trees: of one table or view, or of all."""
    found = words(argument)
    shell.write_lineage(found[0] if found else None)
    return True


def find(shell: Shell, argument: str) -> tuple[str, str]:
    """Schema and name of a table or view as they are written in the catalog. Raises ``UnknownRelation``."""
    schema, name = _globs(argument)
    known = [
        (str(row[0]), str(row[1]))
        for row in shell.query(f"{_RELATIONS} SELECT schema, name FROM known ORDER BY schema <> 'main', schema, name")
    ]
    for each in known:
        if each[1].lower() == name.lower() and schema.lower() in ("*", each[0].lower()):
            return each
    near = get_close_matches(name.lower(), [each[1].lower() for each in known], n=1)
    raise UnknownRelation(
        f"there is no table or view {argument}",
        hint=f"did you mean {near[0]}?" if near else ".tables lists those that there are",
    )


def _globs(argument: str) -> list[str]:
    """Globs of schema and name; ``*`` where nothing is said."""
    found = words(argument)
    schema, dot, name = found[0].rpartition(".") if found else ("", "", "")
    return [schema if dot else "*", name or "*"]
