-- Which views a stale view waits for: suspended ones, and deferred ones for which something waits.
CREATE VIEW mv_meta.waiting AS
WITH RECURSIVE reached AS (
    SELECT relation_id, relation_id AS root FROM mv_meta.view_states WHERE state = 'suspended'
    UNION
    SELECT c.relation_id, c.relation_id
    FROM mv_meta.consumers AS c JOIN mv_meta.behind AS b USING (relation_id)
    WHERE c.kind = 'deferred'
    UNION
    SELECT d.relation_id, reached.root
    FROM reached
    JOIN mv_meta.relations AS r USING (relation_id)
    JOIN mv_meta.dependencies AS d
      ON lower(d.depends_on_schema) = lower(r.schema_name) AND lower(d.depends_on_name) = lower(r.name)
)
SELECT reached.relation_id,
       list_aggregate(list_sort(list(DISTINCT if(r.schema_name = 'main', r.name, r.schema_name || '.' || r.name))), 'string_agg', ', ')
           AS waits_for
FROM reached JOIN mv_meta.relations AS r ON r.relation_id = reached.root
WHERE reached.root <> reached.relation_id
GROUP BY reached.relation_id;

CREATE OR REPLACE VIEW mv_catalog.materialized_views AS
SELECT r.schema_name, r.name, r.definition, r.strategy, r.reason, r.policy, r.epoch, r.storage_table, r.created_at,
       coalesce(s.maintain, if(s.target_lag IS NULL, 'on_commit', 'deferred')) AS maintain, s.target_lag,
       coalesce(s.on_error, 'fail') AS on_error,
       coalesce(v.state, if(b.epoch IS NULL, 'fresh', 'stale')) AS state,
       coalesce(b.epoch - 1, (SELECT max(epoch) FROM mv_meta.epochs), 0) AS followed_epoch, v.failure,
       if(b.epoch IS NULL, NULL, w.waits_for) AS waits_for
FROM mv_meta.relations AS r
LEFT JOIN mv_meta.view_settings AS s USING (relation_id)
LEFT JOIN mv_meta.view_states AS v USING (relation_id)
LEFT JOIN mv_meta.behind AS b USING (relation_id)
LEFT JOIN mv_meta.waiting AS w USING (relation_id)
WHERE r.kind = 'materialized_view';
