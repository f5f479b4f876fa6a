-- How far what runs is. Only its reporter writes here, twice a second at most; what is over has no row, nor has what a
-- process left behind, once it is opened again: the tasks say what is durable.

CREATE TABLE mv_meta.progress (
    kind            VARCHAR NOT NULL,   -- refresh, job
    id              BIGINT NOT NULL,    -- plan_id, job_id
    phase           VARCHAR NOT NULL,
    current         VARCHAR NOT NULL,   -- what it is at, for people
    splits_done     BIGINT NOT NULL,
    splits_total    BIGINT NOT NULL,
    rows            BIGINT NOT NULL,
    bytes_done      BIGINT NOT NULL,    -- with an estimate for the file that is being loaded
    bytes_total     BIGINT NOT NULL,
    tasks_done      BIGINT NOT NULL,
    tasks_total     BIGINT NOT NULL,
    percentage      DOUBLE NOT NULL,    -- 0 to 100
    elapsed_seconds DOUBLE NOT NULL,
    eta_seconds     DOUBLE,             -- NULL: it cannot be told yet
    updated_at      TIMESTAMP NOT NULL
);

ALTER TABLE mv_meta.tasks ADD COLUMN splits_done INTEGER DEFAULT 0;   -- files, of a load
ALTER TABLE mv_meta.tasks ADD COLUMN splits_total INTEGER DEFAULT 0;

-- Loading counts 70 by bytes, all tasks 30, as in refresh/run/progress.py; what loads nothing counts by tasks alone.
CREATE VIEW mv_catalog.progress AS
WITH counted AS (
    SELECT plan_id,
           coalesce(sum(splits_done) FILTER (kind = 'load'), 0) AS splits_done,
           coalesce(sum(splits_total) FILTER (kind = 'load'), 0) AS splits_total,
           coalesce(sum(rows) FILTER (kind = 'load'), 0) AS rows,
           coalesce(sum(bytes_done) FILTER (kind = 'load'), 0) AS bytes_done,
           coalesce(sum(bytes_total) FILTER (kind = 'load'), 0) AS bytes_total,
           count(*) FILTER (status = 'COMPLETED') AS tasks_done,
           count(*) AS tasks_total,
           arg_min(kind, task_id) FILTER (status <> 'COMPLETED') AS next_kind,
           max(coalesce(finished_at, started_at)) AS updated_at
    FROM mv_meta.tasks
    GROUP BY plan_id
), durable AS (
    SELECT *, CASE WHEN bytes_total = 0 THEN 100 * tasks_done / tasks_total
                   ELSE 70 * bytes_done / bytes_total + 30 * tasks_done / tasks_total END AS percentage
    FROM counted
)
SELECT 'refresh' AS kind, p.plan_id AS id, array_to_string(p.tables, ', ') AS name, p.status,
       CASE WHEN p.status = 'COMPLETED' THEN 'done'
            WHEN p.status = 'PAUSED' THEN 'paused'
            ELSE coalesce(
                live.phase,
                CASE c.next_kind WHEN 'load' THEN 'loading' WHEN 'merge' THEN 'merging' WHEN 'maintain' THEN 'maintaining'
                                 WHEN 'publish' THEN 'publishing' ELSE 'listing' END) END AS phase,
       coalesce(live.splits_done, c.splits_done, 0)::BIGINT AS splits_done,
       coalesce(live.splits_total, c.splits_total, 0)::BIGINT AS splits_total,
       coalesce(greatest(live.rows, c.rows), 0)::BIGINT AS rows,
       coalesce(greatest(live.bytes_done, c.bytes_done), 0)::BIGINT AS bytes_done,
       coalesce(live.bytes_total, c.bytes_total, 0)::BIGINT AS bytes_total,
       CASE WHEN p.status = 'COMPLETED' THEN 100.0
            ELSE least(coalesce(greatest(live.percentage, c.percentage), 0), 99.9) END::DOUBLE AS percentage,
       coalesce(
           live.elapsed_seconds,
           greatest(coalesce(epoch(p.finished_at), epoch(now())) - epoch(coalesce(p.started_at, p.created_at)), 0)
       ) AS elapsed_seconds,
       CASE WHEN p.finished_at IS NULL THEN live.eta_seconds ELSE 0.0 END AS eta_seconds,
       coalesce(p.finished_at, live.updated_at, c.updated_at, p.started_at, p.created_at) AS updated_at,
       coalesce(live.tasks_done, c.tasks_done, 0) AS tasks_done,
       coalesce(live.tasks_total, c.tasks_total, 0) AS tasks_total,
       coalesce(live.current, '') AS current
FROM mv_meta.plans AS p
LEFT JOIN durable AS c USING (plan_id)
LEFT JOIN mv_meta.progress AS live ON live.kind = 'refresh' AND live.id = p.plan_id AND p.finished_at IS NULL
UNION ALL
SELECT 'job', j.job_id, CASE WHEN j.schema_name = 'main' THEN j.name ELSE concat_ws('.', j.schema_name, j.name) END,
       j.status,
       CASE WHEN j.status = 'CREATED' THEN 'done' ELSE coalesce(live.phase, j.phase, lower(j.status)) END,
       coalesce(live.splits_done, 0), coalesce(live.splits_total, 0), coalesce(live.rows, 0),
       coalesce(live.bytes_done, 0), coalesce(live.bytes_total, 0),
       CASE WHEN j.status = 'CREATED' THEN 100.0 ELSE least(greatest(live.percentage, 100 * j.progress), 99.9) END,
       coalesce(
           live.elapsed_seconds,
           greatest(CASE WHEN j.status = 'CREATED' THEN epoch(j.updated_at) ELSE epoch(now()) END - epoch(j.created_at), 0)
       ),
       CASE WHEN j.status = 'CREATED' THEN 0.0 ELSE live.eta_seconds END,
       coalesce(live.updated_at, j.updated_at),
       coalesce(live.tasks_done, 0), coalesce(live.tasks_total, 0), coalesce(live.current, '')
FROM mv_meta.jobs AS j
LEFT JOIN mv_meta.progress AS live ON live.kind = 'job' AND live.id = j.job_id AND j.status <> 'CREATED';
