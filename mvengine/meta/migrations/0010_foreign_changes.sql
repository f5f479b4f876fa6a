-- What another program did to the file behind mvengine's back: what was there at the last close, and what was found.

-- One row, of the last close; none before the first, and from mvengine's first write to its next close. The file is as it
-- was left where its header has this iteration.
CREATE TABLE mv_meta.seal (
    iteration      UBIGINT NOT NULL,   -- of DuckDB's checkpoints, which the closing one leaves behind
    duckdb_version VARCHAR NOT NULL,   -- hashes are compared within one version only
    sealed_at      TIMESTAMP NOT NULL
);

CREATE TABLE mv_meta.sealed_objects (
    owner_schema VARCHAR NOT NULL,     -- the table or view that it belongs to
    owner_name   VARCHAR NOT NULL,
    schema_name  VARCHAR NOT NULL,
    name         VARCHAR NOT NULL,
    sql          VARCHAR NOT NULL,
    rows         BIGINT,               -- NULL: a view
    fingerprint  VARCHAR               -- of its rows, or where there are many of the blocks that hold them
);

-- A row stays until all views that it concerns are derived again, and the table is loaded again where it is refreshable.
CREATE TABLE mv_meta.foreign_changes (
    owner_schema VARCHAR NOT NULL,
    owner_name   VARCHAR NOT NULL,
    schema_name  VARCHAR NOT NULL,
    name         VARCHAR NOT NULL,
    what         VARCHAR NOT NULL,
    is_damage    BOOLEAN NOT NULL,     -- it is gone or has another shape, not only other rows
    table_id     BIGINT,               -- the refreshable table that has to be loaded again
    view_ids     BIGINT[] NOT NULL,    -- the views that have to be derived again
    found_at     TIMESTAMP NOT NULL
);

CREATE VIEW mv_catalog.foreign_changes AS
SELECT owner_schema AS schema_name, owner_name AS relation, concat_ws('.', f.schema_name, f.name) AS object, what,
       (SELECT list(if(r.schema_name = 'main', r.name, concat_ws('.', r.schema_name, r.name)) ORDER BY r.relation_id)
        FROM mv_meta.relations AS r WHERE list_contains(f.view_ids, r.relation_id)) AS views,
       table_id IS NOT NULL AS is_to_be_loaded, found_at
FROM mv_meta.foreign_changes AS f;
