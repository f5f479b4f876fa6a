-- The part of pg_catalog that tools ask for, of the user's database, with PostgreSQL's numbers of types.

CREATE SCHEMA mv_system.mv_pg_catalog;

CREATE VIEW mv_system.mv_pg_catalog.pg_namespace AS
SELECT oid, schema_name AS nspname, 10 AS nspowner, NULL::VARCHAR[] AS nspacl
FROM mv_system.mv_objects.schemas WHERE database_name = $name
UNION ALL
SELECT 11, 'pg_catalog', 10, NULL
UNION ALL
SELECT 12, 'information_schema', 10, NULL;

CREATE VIEW mv_system.mv_pg_catalog.pg_class AS
SELECT c.* EXCLUDE (relforcerowsecurity) REPLACE (
           10 AS relowner, r.relkind AS relkind, r.relam AS relam, r.has_key AS relhaspkey,
           c.relhasindex OR r.has_key AS relhasindex, 'd' AS relreplident
       ), false AS relforcerowsecurity
FROM (SELECT *, false AS relforcerowsecurity FROM system.pg_catalog.pg_class) AS c
JOIN (
    SELECT oid, CASE kind WHEN 'materialized view' THEN 'm' WHEN 'table' THEN 'r' WHEN 'source' THEN 'f' ELSE 'v' END
               AS relkind,
           if(kind IN ('table', 'materialized view'), 2, 0) AS relam,
           oid IN (SELECT table_oid FROM mv_system.mv_objects.constraints WHERE constraint_type = 'PRIMARY KEY') AS has_key
    FROM mv_system.mv_objects.relations WHERE database_name = $name
    UNION ALL
    SELECT index_oid, 'i', 403, false FROM duckdb_indexes() WHERE database_name = $name AND schema_name <> 'mv_state'
    UNION ALL
    SELECT sequence_oid, 'S', 0, false FROM duckdb_sequences() WHERE database_name = $name AND schema_name <> 'mv_meta'
) AS r USING (oid);

-- Types: number, name, the name that format_type gives, the number of the type of its arrays, DuckDB's name.
CREATE VIEW mv_system.mv_pg_catalog.mv_types AS
FROM (VALUES
    (16, 'bool', 'boolean', 1000, 'BOOLEAN', 1, 'B'), (17, 'bytea', 'bytea', 1001, 'BLOB', -1, 'U'),
    (20, 'int8', 'bigint', 1016, 'BIGINT', 8, 'N'), (21, 'int2', 'smallint', 1005, 'SMALLINT', 2, 'N'),
    (23, 'int4', 'integer', 1007, 'INTEGER', 4, 'N'), (25, 'text', 'text', 1009, 'TEXT', -1, 'S'),
    (114, 'json', 'json', 199, 'JSON', -1, 'U'), (700, 'float4', 'real', 1021, 'FLOAT', 4, 'N'),
    (701, 'float8', 'double precision', 1022, 'DOUBLE', 8, 'N'),
    (1043, 'varchar', 'character varying', 1015, 'VARCHAR', -1, 'S'), (1082, 'date', 'date', 1182, 'DATE', 4, 'D'),
    (1083, 'time', 'time without time zone', 1183, 'TIME', 8, 'D'),
    (1114, 'timestamp', 'timestamp without time zone', 1115, 'TIMESTAMP', 8, 'D'),
    (1184, 'timestamptz', 'timestamp with time zone', 1185, 'TIMESTAMP WITH TIME ZONE', 8, 'D'),
    (1186, 'interval', 'interval', 1187, 'INTERVAL', 16, 'T'),
    (1266, 'timetz', 'time with time zone', 1270, 'TIME WITH TIME ZONE', 12, 'D'),
    (1560, 'bit', 'bit', 1561, 'BIT', -1, 'V'), (1700, 'numeric', 'numeric', 1231, 'DECIMAL', -1, 'N'),
    (2249, 'record', 'record', 2287, 'STRUCT', -1, 'P'), (2950, 'uuid', 'uuid', 2951, 'UUID', 16, 'U'),
    (20001, 'tinyint', 'tinyint', 20101, 'TINYINT', 1, 'N'), (20002, 'utinyint', 'utinyint', 20102, 'UTINYINT', 1, 'N'),
    (20003, 'usmallint', 'usmallint', 20103, 'USMALLINT', 2, 'N'),
    (20004, 'uinteger', 'uinteger', 20104, 'UINTEGER', 4, 'N'), (20005, 'ubigint', 'ubigint', 20105, 'UBIGINT', 8, 'N'),
    (20006, 'hugeint', 'hugeint', 20106, 'HUGEINT', 16, 'N'), (20007, 'uhugeint', 'uhugeint', 20107, 'UHUGEINT', 16, 'N'),
    (20008, 'bignum', 'bignum', 20108, 'BIGNUM', -1, 'N'), (20009, 'map', 'map', 20109, 'MAP', -1, 'C'),
    (20010, 'union', 'union', 20110, 'UNION', -1, 'C'), (20011, 'variant', 'variant', 20111, 'VARIANT', -1, 'U'),
    (20012, 'enum', 'enum', 20112, 'ENUM', 4, 'E'), (20013, 'timestamp_s', 'timestamp_s', 20113, 'TIMESTAMP_S', 8, 'D'),
    (20014, 'timestamp_ms', 'timestamp_ms', 20114, 'TIMESTAMP_MS', 8, 'D'),
    (20015, 'timestamp_ns', 'timestamp_ns', 20115, 'TIMESTAMP_NS', 8, 'D'),
    (20016, 'geometry', 'geometry', 20116, 'GEOMETRY', -1, 'U')
) AS t(oid, typname, full_name, array_oid, duckdb_name, typlen, typcategory);

CREATE VIEW mv_system.mv_pg_catalog.pg_type AS
SELECT oid, typname, 11 AS typnamespace, 10 AS typowner, typlen, typlen BETWEEN 1 AND 8 AS typbyval,
       if(oid = 2249, 'p', 'b') AS typtype, typcategory, false AS typispreferred, true AS typisdefined, ',' AS typdelim,
       0 AS typrelid, 0 AS typelem, array_oid AS typarray, 0 AS typbasetype, -1 AS typtypmod, 0 AS typndims,
       0 AS typcollation, false AS typnotnull, NULL::VARCHAR AS typdefault
FROM mv_system.mv_pg_catalog.mv_types
UNION ALL
SELECT array_oid, '_' || typname, 11, 10, -1, false, 'b', 'A', false, true, ',', 0, oid, 0, 0, -1, 0, 0, false, NULL
FROM mv_system.mv_pg_catalog.mv_types
UNION ALL
SELECT type_oid, type_name, schema_oid, 10, 4, true, if(logical_type = 'ENUM', 'e', 'b'), if(logical_type = 'ENUM', 'E', 'U'),
       false, true, ',', 0, 0, 0, 0, -1, 0, 0, false, NULL
FROM duckdb_types() WHERE NOT internal AND database_name = $name AND type_oid IS NOT NULL;

CREATE VIEW mv_system.mv_pg_catalog.pg_attribute AS
SELECT c.table_oid AS attrelid, c.column_name AS attname,
       CASE WHEN c.data_type LIKE '%]' THEN coalesce(t.array_oid, 2287) ELSE coalesce(t.oid, 2249) END AS atttypid,
       -1 AS attstattarget, coalesce(t.typlen, -1) AS attlen, c.column_index AS attnum,
       if(c.data_type LIKE '%]', 1, 0) AS attndims, -1 AS attcacheoff,
       if(c.data_type LIKE 'DECIMAL(%)', c.numeric_precision * 65536 + c.numeric_scale + 4, -1) AS atttypmod,
       coalesce(t.typlen, -1) BETWEEN 1 AND 8 AS attbyval, 'p' AS attstorage, 'i' AS attalign,
       NOT c.is_nullable AS attnotnull, c.column_default IS NOT NULL AS atthasdef, false AS atthasmissing,
       '' AS attidentity, if(c.is_generated, 's', '') AS attgenerated, false AS attisdropped, true AS attislocal,
       0 AS attinhcount, 0 AS attcollation, NULL::VARCHAR[] AS attacl, NULL::VARCHAR[] AS attoptions
FROM mv_system.mv_objects.columns AS c
LEFT JOIN mv_system.mv_pg_catalog.mv_types AS t
  ON t.duckdb_name = regexp_replace(c.data_type, '\(.*\)|\[[0-9]*\]', '', 'g')
WHERE c.database_name = $name;

CREATE VIEW mv_system.mv_pg_catalog.pg_attrdef AS
SELECT c.table_oid * 1000 + c.column_index AS oid, c.table_oid AS adrelid, c.column_index AS adnum,
       c.column_default AS adbin
FROM mv_system.mv_objects.columns AS c
WHERE c.database_name = $name AND c.column_default IS NOT NULL;

CREATE VIEW mv_system.mv_pg_catalog.pg_constraint AS
SELECT (table_oid * 1000 + row_number() OVER (PARTITION BY table_oid ORDER BY constraint_name))::BIGINT AS oid,
       constraint_name AS conname, schema_oid AS connamespace,
       CASE constraint_type WHEN 'PRIMARY KEY' THEN 'p' WHEN 'UNIQUE' THEN 'u' WHEN 'CHECK' THEN 'c' WHEN 'FOREIGN KEY' THEN 'f'
                            ELSE 'n' END AS contype,
       false AS condeferrable, false AS condeferred, true AS convalidated, table_oid AS conrelid, 0 AS contypid,
       0 AS conindid, 0 AS conparentid,
       coalesce((SELECT oid FROM mv_system.mv_objects.relations AS r WHERE r.schema_oid = c.schema_oid
                 AND lower(r.name) = lower(c.referenced_table)), 0) AS confrelid,
       'a' AS confupdtype, 'a' AS confdeltype, 's' AS confmatchtype, true AS conislocal, 0 AS coninhcount,
       false AS connoinherit, (SELECT list(k.column_index ORDER BY list_position(c.column_names, k.column_name))
                               FROM mv_system.mv_objects.columns AS k
                               WHERE k.table_oid = c.table_oid AND list_contains(c.column_names, k.column_name)) AS conkey,
       NULL::BIGINT[] AS confkey, expression AS conbin, constraint_text AS mv_text
FROM mv_system.mv_objects.constraints AS c
WHERE database_name = $name;

CREATE VIEW mv_system.mv_pg_catalog.pg_tables AS
SELECT schema_name AS schemaname, name AS tablename, 'duckdb' AS tableowner, NULL::VARCHAR AS tablespace,
       oid IN (SELECT table_oid FROM duckdb_indexes()) AS hasindexes, false AS hasrules, false AS hastriggers
FROM mv_system.mv_objects.relations WHERE kind = 'table' AND database_name IN ($name, 'temp');

CREATE VIEW mv_system.mv_pg_catalog.pg_views AS
SELECT schema_name AS schemaname, name AS viewname, 'duckdb' AS viewowner, sql AS definition
FROM mv_system.mv_objects.relations WHERE kind IN ('view', 'source') AND database_name IN ($name, 'temp');

CREATE VIEW mv_system.mv_pg_catalog.pg_matviews AS
SELECT schema_name AS schemaname, name AS matviewname, 'duckdb' AS matviewowner, NULL::VARCHAR AS tablespace,
       false AS hasindexes, true AS ispopulated, sql AS definition
FROM mv_system.mv_objects.relations WHERE kind = 'materialized view';

CREATE VIEW mv_system.mv_pg_catalog.pg_indexes AS
SELECT schema_name AS schemaname, table_name AS tablename, index_name AS indexname, NULL::VARCHAR AS tablespace,
       sql AS indexdef
FROM duckdb_indexes()
WHERE database_name = $name AND schema_name NOT IN ('mv_meta', 'mv_catalog', 'mv_state');

CREATE VIEW mv_system.mv_pg_catalog.pg_index AS
SELECT * FROM system.pg_catalog.pg_index WHERE indrelid IN (SELECT oid FROM mv_system.mv_objects.relations);

CREATE VIEW mv_system.mv_pg_catalog.pg_description AS
SELECT oid AS objoid, 1259 AS classoid, 0 AS objsubid, comment AS description
FROM mv_system.mv_objects.relations WHERE comment IS NOT NULL
UNION ALL
SELECT table_oid, 1259, column_index, comment FROM mv_system.mv_objects.columns WHERE comment IS NOT NULL;

CREATE VIEW mv_system.mv_pg_catalog.pg_proc AS
SELECT * FROM system.pg_catalog.pg_proc
WHERE oid NOT IN (SELECT function_oid FROM duckdb_functions() WHERE database_name = 'mv_system');

CREATE VIEW mv_system.mv_pg_catalog.pg_database AS
SELECT * FROM system.pg_catalog.pg_database WHERE datname NOT IN ('mv_system', 'system', 'temp');

CREATE VIEW mv_system.mv_pg_catalog.pg_sequences AS
SELECT * FROM system.pg_catalog.pg_sequences WHERE schemaname <> 'mv_meta';

CREATE VIEW mv_system.mv_pg_catalog.pg_am AS
FROM (VALUES (2, 'heap', 't'), (403, 'art', 'i')) AS t(oid, amname, amtype);

CREATE VIEW mv_system.mv_pg_catalog.pg_roles AS
SELECT 10 AS oid, 'duckdb' AS rolname, true AS rolsuper, true AS rolinherit, true AS rolcreaterole,
       true AS rolcreatedb, true AS rolcanlogin, -1 AS rolconnlimit;

CREATE VIEW mv_system.mv_pg_catalog.pg_user AS
SELECT 'duckdb' AS usename, 10 AS usesysid, true AS usecreatedb, true AS usesuper;

CREATE VIEW mv_system.mv_pg_catalog.pg_settings AS
SELECT name, setting, short_desc, vartype, 'user' AS context FROM system.pg_catalog.pg_settings;

CREATE VIEW mv_system.mv_pg_catalog.pg_inherits AS
SELECT 0 AS inhrelid, 0 AS inhparent, 0 AS inhseqno, false AS inhdetachpending WHERE false;

CREATE VIEW mv_system.mv_pg_catalog.pg_trigger AS
SELECT 0 AS oid, 0 AS tgrelid, '' AS tgname, 0 AS tgfoid, 'O' AS tgenabled, false AS tgisinternal, 0 AS tgparentid WHERE false;

CREATE VIEW mv_system.mv_pg_catalog.pg_policy AS
SELECT 0 AS oid, '' AS polname, 0 AS polrelid, '*' AS polcmd, true AS polpermissive, NULL::BIGINT[] AS polroles,
       '' AS polqual, '' AS polwithcheck WHERE false;

CREATE VIEW mv_system.mv_pg_catalog.pg_rewrite AS
SELECT 0 AS oid, '' AS rulename, 0 AS ev_class, '' AS ev_type, 'O' AS ev_enabled WHERE false;

CREATE VIEW mv_system.mv_pg_catalog.pg_extension AS
SELECT 0 AS oid, '' AS extname, 0 AS extnamespace, '' AS extversion WHERE false;

CREATE MACRO mv_system.mv_pg_catalog.pg_get_userbyid(role) AS 'duckdb';

CREATE MACRO mv_system.mv_pg_catalog.pg_get_expr(expression, relation, pretty := false) AS expression;

CREATE MACRO mv_system.mv_pg_catalog.to_regclass(relation) AS (
    SELECT min(r.oid) FROM mv_system.mv_objects.relations AS r
    WHERE r.database_name = $name
      AND (lower(r.schema_name || '.' || r.name) = lower(relation)
           OR lower(r.name) = lower(relation) AND r.schema_name = current_schema())
);

CREATE MACRO mv_system.mv_pg_catalog.mv_regclass(number) AS (
    SELECT if(r.schema_name = current_schema(), r.name, r.schema_name || '.' || r.name)
    FROM mv_system.mv_objects.relations AS r WHERE r.oid = number
);

CREATE MACRO mv_system.mv_pg_catalog.pg_get_viewdef(relation, pretty := false) AS (
    SELECT r.sql FROM mv_system.mv_objects.relations AS r
    WHERE r.kind <> 'table'
      AND r.oid = coalesce(try_cast(relation AS BIGINT), mv_system.mv_pg_catalog.to_regclass(relation::VARCHAR))
);

CREATE MACRO mv_system.mv_pg_catalog.pg_get_constraintdef(number, pretty := false) AS (
    SELECT c.mv_text FROM mv_system.mv_pg_catalog.pg_constraint AS c WHERE c.oid = number
);

CREATE MACRO mv_system.mv_pg_catalog.pg_get_indexdef(number, part := 0, pretty := false) AS (
    SELECT i.sql FROM duckdb_indexes() AS i WHERE i.index_oid = number
);

CREATE MACRO mv_system.mv_pg_catalog.obj_description(number, catalog := 'pg_class') AS (
    SELECT min(d.comment) FROM mv_system.mv_objects.relations AS d WHERE d.oid = number
);

CREATE MACRO mv_system.mv_pg_catalog.col_description(relation, number) AS (
    SELECT min(c.comment) FROM mv_system.mv_objects.columns AS c WHERE c.table_oid = relation AND c.column_index = number
);

CREATE MACRO mv_system.mv_pg_catalog.format_type(number, modifier) AS (
    SELECT if(t.typelem <> 0, (SELECT e.full_name FROM mv_system.mv_pg_catalog.mv_types AS e WHERE e.oid = t.typelem) || '[]',
              coalesce((SELECT e.full_name FROM mv_system.mv_pg_catalog.mv_types AS e WHERE e.oid = t.oid), t.typname))
           || if(modifier > 4 AND t.oid = 1700, concat('(', (modifier - 4) // 65536, ',', (modifier - 4) % 65536, ')'), '')
    FROM mv_system.mv_pg_catalog.pg_type AS t WHERE t.oid = number
);
