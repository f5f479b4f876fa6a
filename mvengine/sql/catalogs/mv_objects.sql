-- What mvengine knows of relations, columns, constraints and functions: what SHOW reads, and the catalogs of SQL and of
-- PostgreSQL. Materialized views are materialized views here, refreshable tables are tables with their keys, and
-- mvengine's own schemas are not there. All of it lives in a database in memory beside the user's, nothing in the file.
-- $main is the user's database, $name the same as a string.

CREATE SCHEMA mv_system.mv_objects;

-- Everything that can stand in a FROM.
CREATE VIEW mv_system.mv_objects.relations AS
SELECT database_name, schema_name, table_name AS name, 'table' AS kind, false AS is_refreshable,
       temporary AS is_temporary, table_oid AS oid, schema_oid, comment, sql, 'main' AS storage_schema,
       NULL AS storage_name
FROM duckdb_tables()
WHERE NOT internal AND schema_name NOT IN ('mv_meta', 'mv_catalog', 'mv_state')
  AND NOT (temporary AND starts_with(table_name, 'mv_'))
UNION ALL
SELECT v.database_name, v.schema_name, v.view_name,
       coalesce(replace(k.kind, '_', ' '), if(s.name IS NULL, 'view', 'source')), coalesce(k.refreshable, false),
       v.temporary, v.view_oid, v.schema_oid, v.comment, coalesce(k.definition, s.definition, v.sql),
       'mv_state', replace(trim(substr(k.storage_table, 10), '"'), '""', '"')
FROM duckdb_views() AS v
LEFT JOIN $main.mv_meta.relations AS k
  ON v.database_name = $name AND lower(k.schema_name) = lower(v.schema_name) AND lower(k.name) = lower(v.view_name)
LEFT JOIN $main.mv_meta.sources AS s
  ON v.database_name = $name AND NOT v.temporary AND lower(s.schema_name) = lower(v.schema_name)
 AND lower(s.name) = lower(v.view_name)
WHERE NOT v.internal AND v.database_name <> 'mv_system' AND v.schema_name NOT IN ('mv_meta', 'mv_catalog', 'mv_state')
  AND NOT (v.temporary AND starts_with(v.view_name, 'mv_'));

-- Their columns; those of refreshable tables with the defaults and the NOT NULL of their stored rows.
CREATE VIEW mv_system.mv_objects.columns AS
SELECT r.database_name, r.schema_name, r.name AS table_name, r.oid AS table_oid, r.kind, c.column_name, c.column_index,
       c.data_type, c.data_type_id, coalesce(s.is_nullable, c.is_nullable) AS is_nullable,
       coalesce(s.column_default, c.column_default) AS column_default, c.is_generated, c.comment,
       c.numeric_precision, c.numeric_scale
FROM duckdb_columns() AS c
JOIN mv_system.mv_objects.relations AS r ON r.oid = c.table_oid
LEFT JOIN duckdb_columns() AS s
  ON r.is_refreshable AND s.database_name = r.database_name AND s.schema_name = r.storage_schema
 AND s.table_name = r.storage_name AND s.column_name = c.column_name;

-- Keys of refreshable tables stand in their plans: DuckDB is not told of them.
CREATE VIEW mv_system.mv_objects.declared_keys AS
WITH plans AS (
    SELECT r.*, f.fragment->'$.root' AS root
    FROM mv_system.mv_objects.relations AS r
    JOIN $main.mv_meta.relations AS k
      ON r.database_name = $name AND lower(k.schema_name) = lower(r.schema_name) AND lower(k.name) = lower(r.name)
    JOIN $main.mv_meta.fragments AS f USING (relation_id)
    WHERE k.kind = 'table'
)
SELECT database_name, schema_name, name AS table_name, oid AS table_oid, schema_oid,
       if(key->>'$.is_primary' = 'true', 'PRIMARY KEY', 'UNIQUE') AS constraint_type,
       from_json(key->'$.columns', '["VARCHAR"]') AS column_names, NULL::VARCHAR AS referenced_table,
       []::VARCHAR[] AS referenced_column_names
FROM (SELECT *, unnest(from_json(root->'$.keys', '["JSON"]')) AS key FROM plans)
UNION ALL
SELECT database_name, schema_name, name, oid, schema_oid, 'FOREIGN KEY', from_json(key->'$.columns', '["VARCHAR"]'),
       key->>'$.references.name', from_json(key->'$.referenced_columns', '["VARCHAR"]')
FROM (SELECT *, unnest(from_json(root->'$.foreign_keys', '["JSON"]')) AS key FROM plans);

CREATE VIEW mv_system.mv_objects.constraints AS
SELECT r.database_name, r.schema_name, r.name AS table_name, r.oid AS table_oid, r.schema_oid, c.constraint_name,
       c.constraint_type, c.constraint_text, c.expression, c.constraint_column_names AS column_names,
       c.referenced_table, c.referenced_column_names
FROM duckdb_constraints() AS c
JOIN mv_system.mv_objects.relations AS r
  ON r.oid = c.table_oid
  OR r.is_refreshable AND r.database_name = c.database_name AND c.schema_name = 'mv_state' AND r.storage_name = c.table_name
UNION ALL
SELECT database_name, schema_name, table_name, table_oid, schema_oid,
       concat_ws('_', table_name, array_to_string(column_names, '_'),
                 CASE constraint_type WHEN 'PRIMARY KEY' THEN 'pkey' WHEN 'UNIQUE' THEN 'key' ELSE 'fkey' END),
       constraint_type,
       concat(constraint_type, ' (', array_to_string(column_names, ', '), ')',
              if(constraint_type = 'FOREIGN KEY', ' REFERENCES ' || referenced_table || '('
                 || array_to_string(referenced_column_names, ', ') || ')', '')),
       NULL, column_names, referenced_table, referenced_column_names
FROM mv_system.mv_objects.declared_keys;

CREATE VIEW mv_system.mv_objects.schemas AS
SELECT database_name, schema_name, oid, comment,
       schema_name = current_schema() AND database_name = current_database() AS is_current
FROM duckdb_schemas()
WHERE database_name NOT IN ('mv_system', 'system', 'temp') AND schema_name NOT IN ('mv_meta', 'mv_catalog', 'mv_state');

-- The user's functions: macros.
CREATE VIEW mv_system.mv_objects.functions AS
SELECT database_name, schema_name, function_name AS name, function_type = 'table_macro' AS returns_table, parameters,
       macro_definition AS definition, comment, function_oid AS oid
FROM duckdb_functions()
WHERE NOT internal AND function_type IN ('macro', 'table_macro') AND database_name <> 'mv_system'
  AND schema_name NOT IN ('mv_meta', 'mv_catalog', 'mv_state');
