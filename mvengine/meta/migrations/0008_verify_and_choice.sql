-- Refreshes that compare views with their queries, and what the choice between incremental and full learns from.

ALTER TABLE mv_meta.plans ADD COLUMN is_verified BOOLEAN DEFAULT false;

ALTER TABLE mv_meta.maintenance_history ADD COLUMN input_rows BIGINT;    -- rows of the inputs, where somebody counted
ALTER TABLE mv_meta.maintenance_history ADD COLUMN predicted_ms DOUBLE;  -- of the way that was chosen; NULL: unknown

-- What the first derivation of a view took, at its CREATE; later ones are in the history.
CREATE TABLE mv_meta.first_derivations (
    relation_id BIGINT NOT NULL,
    input_rows  BIGINT NOT NULL,
    ms          DOUBLE NOT NULL
);

CREATE OR REPLACE VIEW mv_catalog.maintenance_history AS
SELECT schema_name, name, epoch, strategy, mode, reason, delta_rows, output_rows, ms, occurred_at, input_rows, predicted_ms
FROM mv_meta.maintenance_history;
