-- What the engine remembers. No primary keys and no indexes: DuckDB checks an index eagerly, so that deleting a row and
-- inserting its successor in one transaction would fail. Ids come from sequences, which never hand out a number twice.
-- All times are UTC.

CREATE SEQUENCE mv_meta.relation_ids;
CREATE SEQUENCE mv_meta.job_ids;
CREATE SEQUENCE mv_meta.history_seq;

CREATE TABLE mv_meta.relations (
    relation_id   BIGINT NOT NULL,
    schema_name   VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,   -- table, materialized_view
    refreshable   BOOLEAN NOT NULL,
    definition    VARCHAR NOT NULL,   -- the statement or query as the user wrote it
    storage_table VARCHAR NOT NULL,
    staging_table VARCHAR,
    shadow_table  VARCHAR,            -- rows that lost their key to another file's row
    source        VARCHAR,            -- where the rows come from, without secrets
    strategy      VARCHAR,
    reason        VARCHAR,
    policy        VARCHAR,
    created_at    TIMESTAMP NOT NULL,
    epoch         BIGINT NOT NULL     -- of the last change
);

CREATE TABLE mv_meta.fragments (
    relation_id BIGINT NOT NULL,
    format      INTEGER NOT NULL,
    digest      VARCHAR NOT NULL,
    fragment    VARCHAR NOT NULL
);

CREATE TABLE mv_meta.dependencies (
    relation_id       BIGINT NOT NULL,
    depends_on_schema VARCHAR NOT NULL,
    depends_on_name   VARCHAR NOT NULL
);

CREATE TABLE mv_meta.jobs (
    job_id        BIGINT NOT NULL,
    relation_id   BIGINT NOT NULL,
    schema_name   VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    status        VARCHAR NOT NULL,   -- JobStatus
    phase         VARCHAR,
    progress      DOUBLE NOT NULL,    -- 0 to 1
    is_background BOOLEAN NOT NULL,
    version       BIGINT NOT NULL,    -- grows by one with every transition
    created_at    TIMESTAMP NOT NULL,
    updated_at    TIMESTAMP NOT NULL
);

CREATE TABLE mv_meta.refresh_jobs (
    relation_id       BIGINT NOT NULL,
    schema_name       VARCHAR NOT NULL,
    name              VARCHAR NOT NULL,
    state             VARCHAR NOT NULL,   -- RefreshState
    version           BIGINT NOT NULL,    -- grows by one with every transition
    attempt           INTEGER NOT NULL,   -- tries since the last success
    last_trigger_time TIMESTAMP,
    last_checked_time TIMESTAMP,
    last_success_time TIMESTAMP,
    last_epoch        BIGINT,
    interval_sec      BIGINT,
    last_error        VARCHAR,
    is_dirty          BOOLEAN NOT NULL    -- DML has touched the table since its last refresh
);

CREATE TABLE mv_meta.state_history (
    seq         BIGINT NOT NULL DEFAULT nextval('mv_meta.history_seq'),
    subject     VARCHAR NOT NULL,   -- job, refresh
    subject_id  BIGINT NOT NULL,    -- job_id, relation_id
    schema_name VARCHAR NOT NULL,
    name        VARCHAR NOT NULL,
    from_state  VARCHAR NOT NULL,
    event       VARCHAR NOT NULL,
    to_state    VARCHAR,            -- NULL: the subject was dropped
    cause       VARCHAR NOT NULL,
    attempt     INTEGER,            -- of a refresh
    occurred_at TIMESTAMP NOT NULL
);

CREATE TABLE mv_meta.source_files (
    relation_id BIGINT NOT NULL,
    file_id     INTEGER NOT NULL,
    path        VARCHAR NOT NULL,
    size        BIGINT NOT NULL,    -- bytes
    mtime_ns    BIGINT NOT NULL,    -- nanoseconds since 1970
    etag        VARCHAR,
    rows        BIGINT NOT NULL,
    rejected    BIGINT NOT NULL,
    epoch       BIGINT NOT NULL     -- that loaded it
);

CREATE TABLE mv_meta.staged_files (
    relation_id BIGINT NOT NULL,
    file_id     INTEGER NOT NULL,
    path        VARCHAR NOT NULL,
    size        BIGINT NOT NULL,
    mtime_ns    BIGINT NOT NULL,
    etag        VARCHAR,
    rows        BIGINT NOT NULL,
    rejected    BIGINT NOT NULL,
    staged_at   TIMESTAMP NOT NULL
);

CREATE TABLE mv_meta.rejected_rows (
    relation_id BIGINT NOT NULL,
    path        VARCHAR NOT NULL,
    line        BIGINT,
    reason      VARCHAR NOT NULL,
    text        VARCHAR NOT NULL,
    epoch       BIGINT              -- NULL: its file is staged and not published yet
);

CREATE TABLE mv_meta.epochs (
    epoch        BIGINT NOT NULL,
    committed_at TIMESTAMP NOT NULL,
    cause        VARCHAR NOT NULL
);

CREATE TABLE mv_meta.maintenance_history (
    relation_id BIGINT NOT NULL,
    schema_name VARCHAR NOT NULL,
    name        VARCHAR NOT NULL,
    epoch       BIGINT NOT NULL,
    strategy    VARCHAR NOT NULL,
    mode        VARCHAR NOT NULL,   -- incremental, full, skipped
    reason      VARCHAR NOT NULL,
    delta_rows  BIGINT NOT NULL,    -- read from the inputs' deltas
    output_rows BIGINT NOT NULL,    -- handed on: the relation's own delta
    ms          DOUBLE NOT NULL,
    occurred_at TIMESTAMP NOT NULL
);
