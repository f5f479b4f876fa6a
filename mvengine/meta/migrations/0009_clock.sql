-- The clock that views with now(), current_date and the like read: one row, moved by REFRESH.

CREATE TABLE mv_meta.clock (now TIMESTAMP WITH TIME ZONE NOT NULL);

INSERT INTO mv_meta.clock VALUES (TIMESTAMPTZ '1970-01-01 00:00:00+00');

CREATE OR REPLACE VIEW mv_catalog.clock AS SELECT now FROM mv_meta.clock;
