-- What people read. The tables of mv_meta may change with any format; these columns stay.
-- Schemas whose names begin with mv_ are the engine's own, as those that begin with pg_ are PostgreSQL's.

CREATE SCHEMA mv_catalog;

-- Tables and views that are maintained, and the plain tables beside them. The main database is the one that was attached
-- first, whichever a USE has made the current one.
CREATE VIEW mv_catalog.tables AS
SELECT schema_name, name, kind, refreshable, storage_table, staging_table, shadow_table, source, created_at, epoch
FROM mv_meta.relations
UNION ALL BY NAME
SELECT schema_name, table_name AS name, 'table' AS kind, false AS refreshable
FROM duckdb_tables() AS plain
WHERE database_oid = (SELECT min(database_oid) FROM duckdb_databases() WHERE NOT internal)
  AND NOT internal AND NOT starts_with(schema_name, 'mv_')
  AND NOT EXISTS (
      SELECT 1 FROM mv_meta.relations AS known
      WHERE lower(known.schema_name) = lower(plain.schema_name) AND lower(known.name) = lower(plain.table_name)
  );

CREATE VIEW mv_catalog.materialized_views AS
SELECT schema_name, name, definition, strategy, reason, policy, epoch, storage_table, created_at
FROM mv_meta.relations
WHERE kind = 'materialized_view';

CREATE VIEW mv_catalog.jobs AS
SELECT job_id, schema_name, name, kind, status, phase, progress, is_background, version, created_at, updated_at
FROM mv_meta.jobs;

CREATE VIEW mv_catalog.refresh_jobs AS
SELECT schema_name, name AS table_name, state, last_trigger_time, last_checked_time, last_success_time, last_epoch,
       interval_sec, last_error, is_dirty, attempt, version
FROM mv_meta.refresh_jobs;

CREATE VIEW mv_catalog.state_history AS
SELECT seq, subject, subject_id, schema_name, name, from_state, event, to_state, cause, attempt, occurred_at
FROM mv_meta.state_history;

CREATE VIEW mv_catalog.source_files AS
SELECT r.schema_name, r.name AS table_name, f.path, f.size, make_timestamp(f.mtime_ns // 1000) AS mtime, f.etag,
       f.rows, f.rejected, f.epoch, f.file_id
FROM mv_meta.source_files AS f JOIN mv_meta.relations AS r USING (relation_id);

CREATE VIEW mv_catalog.rejected_rows AS
SELECT r.schema_name, r.name AS table_name, j.path, j.line, j.reason, j.text, j.epoch
FROM mv_meta.rejected_rows AS j JOIN mv_meta.relations AS r USING (relation_id);

-- Credentials that stand in a source's options are not shown; the digest is that of the stored text.
CREATE VIEW mv_catalog.fragments AS
SELECT r.schema_name, r.name, f.format, f.digest,
       regexp_replace(
           f.fragment,
           '("s3\.credentials\.(?:access|secret|session_token)",\s*)"(?:[^"\\]|\\.)*"', '\1"***"', 'g'
       ) AS fragment
FROM mv_meta.fragments AS f JOIN mv_meta.relations AS r USING (relation_id);

CREATE VIEW mv_catalog.dependencies AS
SELECT r.schema_name, r.name, d.depends_on_schema, d.depends_on_name AS depends_on
FROM mv_meta.dependencies AS d JOIN mv_meta.relations AS r USING (relation_id);

CREATE VIEW mv_catalog.maintenance_history AS
SELECT schema_name, name, epoch, strategy, mode, reason, delta_rows, output_rows, ms, occurred_at
FROM mv_meta.maintenance_history;

CREATE VIEW mv_catalog.epochs AS
SELECT epoch, committed_at, cause
FROM mv_meta.epochs;
