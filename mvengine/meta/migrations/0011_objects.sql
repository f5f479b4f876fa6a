-- What DuckDB knows nothing of: sources, which are plain views to it, indexes that are only declared, and the plain views
-- and functions that stand in the query of a materialized view.

CREATE TABLE mv_meta.sources (
    schema_name VARCHAR NOT NULL,
    name        VARCHAR NOT NULL,
    definition  VARCHAR NOT NULL,   -- the statement as the user wrote it, without secrets
    location    VARCHAR NOT NULL,   -- where the files are
    encoding    VARCHAR NOT NULL,   -- CSV, JSON, PARQUET
    created_at  TIMESTAMP NOT NULL
);

CREATE VIEW mv_catalog.sources AS
SELECT schema_name, name, definition, location, encoding, created_at FROM mv_meta.sources;

-- Indexes on materialized views and refreshable tables.
CREATE TABLE mv_meta.declared_indexes (
    schema_name VARCHAR NOT NULL,   -- of the index, and of what it is on
    name        VARCHAR NOT NULL,
    relation    VARCHAR NOT NULL,   -- what it is on
    columns     VARCHAR NOT NULL,   -- with brackets, as the user wrote them
    created_at  TIMESTAMP NOT NULL
);

CREATE VIEW mv_catalog.declared_indexes AS
SELECT schema_name, name, relation, columns, created_at FROM mv_meta.declared_indexes;

CREATE TABLE mv_meta.expanded (
    relation_id BIGINT NOT NULL,    -- of the materialized view
    kind        VARCHAR NOT NULL,   -- view, function
    schema_name VARCHAR NOT NULL,
    name        VARCHAR NOT NULL
);

CREATE OR REPLACE VIEW mv_catalog.dependencies AS
SELECT r.schema_name, r.name, d.depends_on_schema, d.depends_on_name AS depends_on, 'relation' AS kind
FROM mv_meta.dependencies AS d JOIN mv_meta.relations AS r USING (relation_id)
UNION ALL
SELECT r.schema_name, r.name, e.schema_name, e.name, e.kind
FROM mv_meta.expanded AS e JOIN mv_meta.relations AS r USING (relation_id);
