-- How views live after their CREATE: deferred ones follow from the change logs, and one whose query fails is suspended.

-- A row per view that is not as it should be. Others are fresh, or stale by what waits in the logs (mv_meta.behind).
CREATE SEQUENCE mv_meta.view_state_ids;
CREATE TABLE mv_meta.view_states (
    relation_id BIGINT NOT NULL,
    state       VARCHAR NOT NULL,   -- suspended: its query failed, it follows nothing; wrong: it differs from its query
    failure     VARCHAR NOT NULL,
    since       TIMESTAMP NOT NULL,
    epoch       BIGINT NOT NULL,    -- the last one before
    state_id    BIGINT NOT NULL     -- no other row has or had it
);

-- Which epochs stand in which change log: a row per relation and epoch, for as long as the log has it.
CREATE TABLE mv_meta.logged_changes (
    schema_name VARCHAR NOT NULL,
    name        VARCHAR NOT NULL,
    epoch       BIGINT NOT NULL
);

-- Views that have not followed everything, and the first epoch that they have not: what waits for a deferred one, or
-- came after the failure of a suspended one, and for all views that read such a view.
CREATE VIEW mv_meta.behind AS
WITH RECURSIVE reached AS (
    SELECT c.relation_id, l.epoch
    FROM mv_meta.consumers AS c
    JOIN mv_meta.logged_changes AS l
      ON lower(l.schema_name) = lower(c.schema_name) AND lower(l.name) = lower(c.name) AND l.epoch > c.cursor_epoch
    WHERE c.kind = 'deferred'
    UNION
    SELECT relation_id, epoch + 1 FROM mv_meta.view_states WHERE state = 'suspended'
    UNION
    SELECT d.relation_id, reached.epoch
    FROM reached
    JOIN mv_meta.relations AS r USING (relation_id)
    JOIN mv_meta.dependencies AS d
      ON lower(d.depends_on_schema) = lower(r.schema_name) AND lower(d.depends_on_name) = lower(r.name)
)
SELECT relation_id, min(epoch) AS epoch FROM reached GROUP BY relation_id;

CREATE VIEW mv_meta.view_settings AS
SELECT relation_id, max(value) FILTER (name = 'maintain') AS maintain, max(value) FILTER (name = 'target_lag') AS target_lag,
       max(value) FILTER (name = 'on_error') AS on_error
FROM mv_meta.settings
GROUP BY relation_id;

CREATE OR REPLACE VIEW mv_catalog.materialized_views AS
SELECT r.schema_name, r.name, r.definition, r.strategy, r.reason, r.policy, r.epoch, r.storage_table, r.created_at,
       coalesce(s.maintain, if(s.target_lag IS NULL, 'on_commit', 'deferred')) AS maintain, s.target_lag,
       coalesce(s.on_error, 'fail') AS on_error,
       coalesce(v.state, if(b.epoch IS NULL, 'fresh', 'stale')) AS state,
       coalesce(b.epoch - 1, (SELECT max(epoch) FROM mv_meta.epochs), 0) AS followed_epoch, v.failure
FROM mv_meta.relations AS r
LEFT JOIN mv_meta.view_settings AS s USING (relation_id)
LEFT JOIN mv_meta.view_states AS v USING (relation_id)
LEFT JOIN mv_meta.behind AS b USING (relation_id)
WHERE r.kind = 'materialized_view';

-- Views with a target_lag stand beside tables with an interval: next_run is when a view has half its lag, NULL where
-- nothing waits for it.
CREATE OR REPLACE VIEW mv_catalog.schedules AS
SELECT j.schema_name, j.name AS table_name, j.interval_sec,
       greatest(r.created_at, j.last_trigger_time, j.last_checked_time, s.ended_at) + to_milliseconds(s.delay_ms)
           AS next_run,
       greatest(j.last_trigger_time, j.last_checked_time) AS last_run,
       CASE
           WHEN j.state <> 'IDLE' THEN 'RUNNING'
           WHEN last_run IS NULL THEN NULL
           WHEN j.last_error IS NOT NULL THEN 'FAILED'
           WHEN j.last_checked_time >= coalesce(j.last_trigger_time, j.last_checked_time) THEN 'COMPLETED'
           ELSE 'CANCELLED'
       END AS last_status,
       coalesce(s.failures, 0) AS failures, j.state <> 'IDLE' AS is_running,
       coalesce(s.reason, 'no scheduler is running') AS reason
FROM mv_meta.refresh_jobs AS j
JOIN mv_meta.relations AS r USING (relation_id)
LEFT JOIN mv_meta.schedules AS s USING (relation_id)
WHERE j.interval_sec IS NOT NULL
UNION ALL
SELECT r.schema_name, r.name, epoch(t.target_lag::INTERVAL)::BIGINT,
       if(s.failures > 0, greatest(e.committed_at, s.ended_at), e.committed_at) + to_milliseconds(s.delay_ms), s.ended_at,
       CASE WHEN s.ended_at IS NULL THEN NULL WHEN s.failures > 0 THEN 'FAILED' ELSE 'COMPLETED' END,
       coalesce(s.failures, 0), false, coalesce(s.reason, 'no scheduler is running')
FROM mv_meta.view_settings AS t
JOIN mv_meta.relations AS r USING (relation_id)
LEFT JOIN mv_meta.behind AS b USING (relation_id)
LEFT JOIN mv_meta.epochs AS e ON e.epoch = b.epoch
LEFT JOIN mv_meta.schedules AS s USING (relation_id)
WHERE t.target_lag IS NOT NULL;
