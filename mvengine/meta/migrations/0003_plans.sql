-- Refreshes as plans of tasks. A plan's number is what people call a refresh by.

CREATE SEQUENCE mv_meta.plan_ids;

CREATE TABLE mv_meta.plans (
    plan_id       BIGINT NOT NULL,
    status        VARCHAR NOT NULL,    -- PlanStatus
    version       BIGINT NOT NULL,     -- grows by one with every transition
    trigger       VARCHAR NOT NULL,    -- statement, background, schedule, python
    relation_ids  BIGINT[] NOT NULL,   -- the tables it was asked for
    tables        VARCHAR[] NOT NULL,  -- their names then
    reads_all     BOOLEAN NOT NULL,
    is_background BOOLEAN NOT NULL,
    epoch         BIGINT,              -- that it published, or that it found
    error         VARCHAR,
    created_at    TIMESTAMP NOT NULL,
    started_at    TIMESTAMP,
    finished_at   TIMESTAMP
);

CREATE TABLE mv_meta.tasks (
    plan_id      BIGINT NOT NULL,
    task_id      INTEGER NOT NULL,     -- from 1 in each plan, each after those that it depends on
    kind         VARCHAR NOT NULL,     -- load, merge, maintain, publish
    relation_id  BIGINT,               -- NULL: publish
    schema_name  VARCHAR,
    relation     VARCHAR,
    depends_on   INTEGER[] NOT NULL,
    status       VARCHAR NOT NULL,     -- TaskStatus
    version      BIGINT NOT NULL,
    attempts     INTEGER NOT NULL,
    stages_done  INTEGER NOT NULL,
    stages_total INTEGER NOT NULL,
    rows         BIGINT NOT NULL,
    bytes_done   BIGINT NOT NULL,
    bytes_total  BIGINT NOT NULL,
    checkpoint   VARCHAR,              -- JSON: what is durable, and of what
    started_at   TIMESTAMP,
    finished_at  TIMESTAMP
);

CREATE TABLE mv_meta.plan_events (
    plan_id     BIGINT NOT NULL,
    seq         INTEGER NOT NULL,      -- from 1 in each plan, without gaps
    task_id     INTEGER,               -- NULL: the plan's own
    from_state  VARCHAR NOT NULL,
    event       VARCHAR NOT NULL,
    to_state    VARCHAR NOT NULL,
    cause       VARCHAR NOT NULL,
    attempt     INTEGER,
    occurred_at TIMESTAMP NOT NULL
);

CREATE TABLE mv_meta.failures (
    plan_id     BIGINT NOT NULL,
    task_id     INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    code        VARCHAR NOT NULL,      -- SQLSTATE
    type        VARCHAR NOT NULL,
    message     VARCHAR NOT NULL,
    relation    VARCHAR,
    stage       VARCHAR,
    file        VARCHAR,
    line        BIGINT,
    retryable   BOOLEAN NOT NULL,
    occurred_at TIMESTAMP NOT NULL
);

-- A large file is staged in parts: which of how many, and from which row on.
ALTER TABLE mv_meta.staged_files ADD COLUMN part INTEGER DEFAULT 1;
ALTER TABLE mv_meta.staged_files ADD COLUMN parts INTEGER DEFAULT 1;

CREATE VIEW mv_catalog.plans AS
SELECT plan_id, status, version, trigger, tables, reads_all, is_background, epoch, error, created_at, started_at,
       finished_at
FROM mv_meta.plans;

CREATE VIEW mv_catalog.tasks AS
SELECT plan_id, task_id, concat_ws(' ', kind, relation) AS name, kind, schema_name, relation, status, version, attempts,
       stages_done, stages_total, rows, bytes_done, bytes_total, checkpoint, started_at, finished_at
FROM mv_meta.tasks;

CREATE VIEW mv_catalog.task_dependencies AS
SELECT plan_id, task_id, unnest(depends_on) AS depends_on
FROM mv_meta.tasks;

CREATE VIEW mv_catalog.events AS
SELECT plan_id, seq, task_id, from_state, event, to_state, cause, attempt, occurred_at
FROM mv_meta.plan_events;

CREATE VIEW mv_catalog.failures AS
SELECT plan_id, task_id, attempt, code, type, message, relation, stage, file, line, retryable, occurred_at
FROM mv_meta.failures;
