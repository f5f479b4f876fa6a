-- What ALTER DATABASE SET has stored, of mvengine's settings and of DuckDB's: text, as SET would take it.
CREATE TABLE mv_meta.database_settings (
    name  VARCHAR NOT NULL,
    value VARCHAR NOT NULL
);

CREATE VIEW mv_catalog.database_settings AS
SELECT name, value FROM mv_meta.database_settings;
