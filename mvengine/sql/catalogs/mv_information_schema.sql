-- The views of information_schema, of all attached databases.

CREATE SCHEMA mv_system.mv_information_schema;

CREATE VIEW mv_system.mv_information_schema.schemata AS
SELECT * FROM system.information_schema.schemata
WHERE catalog_name <> 'mv_system' AND schema_name NOT IN ('mv_meta', 'mv_catalog', 'mv_state');

CREATE VIEW mv_system.mv_information_schema.tables AS
SELECT database_name AS table_catalog, schema_name AS table_schema, name AS table_name,
       CASE WHEN kind = 'view' THEN 'VIEW'
            WHEN kind IN ('materialized view', 'source') THEN upper(kind)
            WHEN is_temporary THEN 'LOCAL TEMPORARY'
            ELSE 'BASE TABLE' END AS table_type,
       NULL::VARCHAR AS self_referencing_column_name, NULL::VARCHAR AS reference_generation,
       NULL::VARCHAR AS user_defined_type_catalog, NULL::VARCHAR AS user_defined_type_schema,
       NULL::VARCHAR AS user_defined_type_name, if(kind = 'table', 'YES', 'NO') AS is_insertable_into,
       'NO' AS is_typed, if(is_temporary AND kind = 'table', 'PRESERVE', NULL) AS commit_action, comment AS TABLE_COMMENT
FROM mv_system.mv_objects.relations;

CREATE VIEW mv_system.mv_information_schema.views AS
SELECT v.* FROM system.information_schema.views AS v
JOIN mv_system.mv_objects.relations AS r
  ON r.database_name = v.table_catalog AND r.schema_name = v.table_schema AND r.name = v.table_name AND r.kind = 'view';

CREATE VIEW mv_system.mv_information_schema.columns AS
SELECT v.* REPLACE (if(c.is_nullable, 'YES', 'NO') AS is_nullable, c.column_default AS column_default)
FROM system.information_schema.columns AS v
JOIN mv_system.mv_objects.columns AS c
  ON c.database_name = v.table_catalog AND c.schema_name = v.table_schema AND c.table_name = v.table_name
 AND c.column_name = v.column_name;

CREATE VIEW mv_system.mv_information_schema.table_constraints AS
SELECT database_name AS constraint_catalog, schema_name AS constraint_schema, constraint_name,
       database_name AS table_catalog, schema_name AS table_schema, table_name,
       if(constraint_type = 'NOT NULL', 'CHECK', constraint_type) AS constraint_type, 'NO' AS is_deferrable,
       'NO' AS initially_deferred, 'YES' AS enforced, 'YES' AS nulls_distinct
FROM mv_system.mv_objects.constraints;

CREATE VIEW mv_system.mv_information_schema.key_column_usage AS
SELECT database_name AS constraint_catalog, schema_name AS constraint_schema, constraint_name,
       database_name AS table_catalog, schema_name AS table_schema, table_name, unnest(column_names) AS column_name,
       unnest(range(1, len(column_names) + 1)) AS ordinal_position,
       if(constraint_type = 'FOREIGN KEY', ordinal_position, NULL) AS position_in_unique_constraint
FROM mv_system.mv_objects.constraints
WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY');

CREATE VIEW mv_system.mv_information_schema.constraint_column_usage AS
SELECT database_name AS table_catalog, schema_name AS table_schema,
       if(constraint_type = 'FOREIGN KEY', referenced_table, table_name) AS table_name,
       unnest(if(constraint_type = 'FOREIGN KEY', referenced_column_names, column_names)) AS column_name,
       database_name AS constraint_catalog, schema_name AS constraint_schema, constraint_name, constraint_type,
       constraint_text
FROM mv_system.mv_objects.constraints;

CREATE VIEW mv_system.mv_information_schema.constraint_table_usage AS
SELECT database_name AS table_catalog, schema_name AS table_schema,
       if(constraint_type = 'FOREIGN KEY', referenced_table, table_name) AS table_name,
       database_name AS constraint_catalog, schema_name AS constraint_schema, constraint_name, constraint_type
FROM mv_system.mv_objects.constraints
WHERE constraint_type <> 'NOT NULL';

CREATE VIEW mv_system.mv_information_schema.check_constraints AS
SELECT database_name AS constraint_catalog, schema_name AS constraint_schema, constraint_name,
       if(constraint_type = 'NOT NULL', column_names[1] || ' IS NOT NULL', expression) AS check_clause
FROM mv_system.mv_objects.constraints
WHERE constraint_type IN ('CHECK', 'NOT NULL');

CREATE VIEW mv_system.mv_information_schema.referential_constraints AS
SELECT f.database_name AS constraint_catalog, f.schema_name AS constraint_schema, f.constraint_name,
       k.database_name AS unique_constraint_catalog, k.schema_name AS unique_constraint_schema,
       k.constraint_name AS unique_constraint_name, 'NONE' AS match_option, 'NO ACTION' AS update_rule,
       'NO ACTION' AS delete_rule
FROM mv_system.mv_objects.constraints AS f
JOIN mv_system.mv_objects.constraints AS k
  ON k.constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND k.database_name = f.database_name
 AND k.schema_name = f.schema_name AND lower(k.table_name) = lower(f.referenced_table)
 AND lower(k.column_names::VARCHAR) = lower(f.referenced_column_names::VARCHAR)
WHERE f.constraint_type = 'FOREIGN KEY';
