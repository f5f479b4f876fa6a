"""SHOW: queries over mv_catalog and the catalogs of ``mv_system``, with the columns that a person reads first.

``_QUERIES`` is the table of what SHOW lists. $database and $schema are where names are looked for (FROM), $table is
the table that FROM names, $pattern is that of LIKE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.planner.reader import RelationKind
from mvengine.session import native, settings, system_catalog
from mvengine.session.lookup import find, find_schema
from mvengine.session.numbers import require_refresh
from mvengine.sql.showing import Describe, Show, ShowKind
from mvengine.sql.statements import Native

if TYPE_CHECKING:
    from mvengine.session import Session

_HERE = "database_name = $database AND schema_name = $schema"
_QUERIES = {
    ShowKind.JOBS: """
        SELECT j.job_id, if(j.schema_name = 'main', j.name, j.schema_name || '.' || j.name) AS name, j.kind, j.status,
               p.phase, round(p.percentage, 1) AS percentage, j.is_background, j.created_at, j.updated_at
        FROM mv_catalog.jobs AS j LEFT JOIN mv_catalog.progress AS p ON p.kind = 'job' AND p.id = j.job_id
        WHERE j.name ILIKE $pattern
        ORDER BY j.job_id""",
    ShowKind.REFRESHES: """
        SELECT r.plan_id AS refresh_id, array_to_string(r.tables, ', ') AS tables, r.status, r.trigger,
               round(p.percentage, 1) AS percentage, r.started_at, r.finished_at, r.error
        FROM mv_catalog.plans AS r LEFT JOIN mv_catalog.progress AS p ON p.kind = 'refresh' AND p.id = r.plan_id
        ORDER BY r.plan_id""",
    ShowKind.TASKS: """
        SELECT t.plan_id AS refresh_id, t.name AS task, t.kind, t.status, t.attempts,
               t.stages_done || '/' || t.stages_total AS stages, t.rows,
               CASE WHEN t.status <> 'COMPLETED' THEN f.message END AS error
        FROM mv_catalog.tasks AS t
        LEFT JOIN (
            SELECT plan_id, task_id, arg_max(message, occurred_at) AS message FROM mv_catalog.failures GROUP BY ALL
        ) AS f USING (plan_id, task_id)
        WHERE t.plan_id IN (
            SELECT plan_id FROM mv_catalog.plans
            QUALIFY CASE WHEN $refresh IS NOT NULL THEN plan_id = $refresh
                         WHEN count(*) FILTER (finished_at IS NULL) OVER () > 0 THEN finished_at IS NULL
                         ELSE plan_id = max(plan_id) OVER () END
        )
        ORDER BY t.plan_id, t.task_id""",
    ShowKind.SCHEDULES: """
        SELECT if(schema_name = 'main', table_name, schema_name || '.' || table_name) AS table_name, interval_sec,
               next_run, last_run, last_status, failures, is_running, reason
        FROM mv_catalog.schedules
        ORDER BY next_run, table_name""",
    ShowKind.TABLES: f"""
        SELECT name FROM mv_system.mv_objects.relations
        WHERE ({_HERE} OR is_temporary AND $schema = current_schema()) AND name ILIKE $pattern
        ORDER BY name""",
    ShowKind.VIEWS: f"""
        SELECT name, comment FROM mv_system.mv_objects.relations
        WHERE kind = 'view' AND ({_HERE} OR is_temporary AND $schema = current_schema()) AND name ILIKE $pattern
        ORDER BY name""",
    ShowKind.MATERIALIZED_VIEWS: """
        SELECT name, state, strategy, maintain, policy, failure FROM mv_catalog.materialized_views
        WHERE $database = current_database() AND schema_name = $schema AND name ILIKE $pattern
        ORDER BY name""",
    ShowKind.SOURCES: f"""
        SELECT name, comment FROM mv_system.mv_objects.relations
        WHERE kind = 'source' AND {_HERE} AND name ILIKE $pattern
        ORDER BY name""",
    ShowKind.SINKS: """
        SELECT name, status FROM mv_catalog.jobs
        WHERE kind = 'sink' AND $database = current_database() AND schema_name = $schema AND name ILIKE $pattern
        ORDER BY name""",
    ShowKind.FUNCTIONS: f"""
        SELECT name, parameters, if(returns_table, 'TABLE', NULL) AS returns, definition
        FROM mv_system.mv_objects.functions
        WHERE {_HERE} AND name ILIKE $pattern
        ORDER BY name, parameters""",
    ShowKind.INDEXES: f"""
        SELECT index_name AS name, table_name, is_unique, columns
        FROM (
            SELECT database_name, schema_name, index_name, table_name, is_unique, expressions AS columns
            FROM duckdb_indexes()
            UNION ALL
            SELECT current_database(), schema_name, name, relation, false, columns FROM mv_catalog.declared_indexes
        )
        WHERE {_HERE} AND index_name ILIKE $pattern AND lower(table_name) = lower(coalesce($table, table_name))
        ORDER BY table_name, index_name""",
    ShowKind.COLUMNS: f"""
        SELECT column_name, data_type AS column_type, if(is_nullable, 'YES', 'NO') AS "null", key,
               column_default AS "default", NULL::VARCHAR AS extra
        FROM mv_system.mv_objects.columns
        LEFT JOIN (
            SELECT table_oid, column_name, if(bool_or(is_primary), 'PRI', 'UNI') AS key
            FROM (
                SELECT table_oid, unnest(column_names) AS column_name, constraint_type = 'PRIMARY KEY' AS is_primary
                FROM mv_system.mv_objects.constraints WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')
            )
            GROUP BY ALL
        ) AS keys USING (table_oid, column_name)
        WHERE {_HERE} AND lower(table_name) = lower($table) AND column_name ILIKE $pattern
        ORDER BY column_index""",
    ShowKind.SCHEMAS: """
        SELECT database_name, schema_name, is_current AS current FROM mv_system.mv_objects.schemas
        WHERE schema_name ILIKE $pattern
        ORDER BY ALL""",
    ShowKind.DATABASES: """
        SELECT database_name FROM duckdb_databases()
        WHERE NOT internal AND database_name <> 'mv_system' AND database_name ILIKE $pattern
        ORDER BY ALL""",
    ShowKind.ALL_TABLES: """
        SELECT r.database_name AS database, r.schema_name AS schema, r.name,
               list(c.column_name ORDER BY c.column_index) AS column_names,
               list(c.data_type ORDER BY c.column_index) AS column_types, r.is_temporary AS temporary
        FROM mv_system.mv_objects.relations AS r JOIN duckdb_columns() AS c ON c.table_oid = r.oid
        WHERE r.name ILIKE $pattern
        GROUP BY ALL
        ORDER BY r.database_name, r.schema_name, r.name""",
}
_OF_TABLES = (ShowKind.COLUMNS, ShowKind.INDEXES)  # FROM names a table, of the others a schema


def run(session: Session, statement: Show) -> None:
    """Leaves the rows open. Without a number, SHOW TASKS is of the refreshes that are not over, or of the latest one.
    Errors: UnknownRelation where there is no such refresh or table; BindError (3F000) where there is no such schema."""
    if statement.kind is ShowKind.PARAMETERS:
        settings.parameters(session, statement.pattern)
        return
    if statement.refresh_id is not None:
        require_refresh(session, statement.refresh_id)
    table = find(session, statement.place) if statement.place and statement.kind in _OF_TABLES else None
    database, schema = (table.database, table.schema) if table else find_schema(session, statement.place)
    sql = _QUERIES[statement.kind]
    system_catalog.provide(session, sql)
    values = {
        "database": database,
        "schema": schema,
        "table": table.name if table else None,
        "pattern": statement.pattern or "%",
        "refresh": statement.refresh_id,
    }
    session.engine.execute(sql, {name: value for name, value in values.items() if f"${name}" in sql})


def describe(session: Session, statement: Describe) -> None:
    """The columns of a refreshable table with its keys and defaults; DuckDB describes all else."""
    relation = session.targets.resolve(session, session.reader.graph, statement.relation)
    if relation is not None and relation.kind is RelationKind.REFRESHABLE:
        run(session, Show(kind=ShowKind.COLUMNS, place=statement.relation))
    else:
        native.run(session, Native(kind="SELECT", text=statement.text), None, {})
