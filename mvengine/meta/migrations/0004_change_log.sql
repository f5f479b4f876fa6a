-- Change logs hold the deltas of past epochs for those who read them later. The log of a relation is the table
-- mv_state."<relation>$log" (_mv_epoch, the columns that its consumers read, _mv_weight); it is there for as long as the
-- relation has a consumer, and trimmed behind the slowest one.

CREATE SEQUENCE mv_meta.consumer_ids;

-- A row per consumer and relation that it reads.
CREATE TABLE mv_meta.consumers (
    consumer_id  BIGINT NOT NULL,
    kind         VARCHAR NOT NULL,   -- build: of a view in the background
    relation_id  BIGINT NOT NULL,    -- of the owner: the view that is built
    schema_name  VARCHAR NOT NULL,   -- of the relation whose log is read
    name         VARCHAR NOT NULL,
    cursor_epoch BIGINT NOT NULL,    -- what later epochs did is still to be read
    has_snapshot BOOLEAN NOT NULL    -- the owner holds what follows from the state at cursor_epoch; else nothing yet
);

CREATE VIEW mv_catalog.consumers AS
SELECT c.consumer_id, c.kind, r.schema_name, r.name, c.schema_name AS reads_schema, c.name AS reads, c.cursor_epoch,
       c.has_snapshot
FROM mv_meta.consumers AS c JOIN mv_meta.relations AS r USING (relation_id);
