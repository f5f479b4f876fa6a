-- What ALTER changes about tables and views, and what the scheduler knows.

-- Settings that differ from the default. How often a table is refreshed is in refresh_jobs.interval_sec.
CREATE TABLE mv_meta.settings (
    relation_id BIGINT NOT NULL,
    name        VARCHAR NOT NULL,
    value       VARCHAR NOT NULL
);

-- Written by the scheduler only, so that nobody collides with it: a row may outlive its table for a while.
CREATE TABLE mv_meta.schedules (
    relation_id BIGINT NOT NULL,
    delay_ms    BIGINT NOT NULL,    -- from the last look at the source to the next one
    failures    BIGINT NOT NULL,    -- in a row
    runs        BIGINT NOT NULL,    -- that the scheduler has started
    ended_at    TIMESTAMP,          -- when the last of them was over
    reason      VARCHAR NOT NULL
);

CREATE VIEW mv_catalog.settings AS
SELECT r.schema_name, r.name AS relation, r.kind, s.name, s.value
FROM mv_meta.settings AS s JOIN mv_meta.relations AS r USING (relation_id);

-- next_run is computed, so that a refresh by hand moves it at once.
CREATE VIEW mv_catalog.schedules AS
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
WHERE j.interval_sec IS NOT NULL;
