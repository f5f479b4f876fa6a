"""Files of older, newer and foreign formats."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from mvengine.errors import FormatError, InternalError
from mvengine.meta.migrate import Migration, migrations, open_format

# A file as an older version left it: format 1 of a history of two steps.
OLD_FILE = """
CREATE SCHEMA mv_meta;
CREATE TABLE mv_meta.migrations (version INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL, applied_by VARCHAR NOT NULL);
INSERT INTO mv_meta.migrations VALUES (1, TIMESTAMP '2026-01-01 00:00:00', '0.0.9');
CREATE TABLE mv_meta.relations (name VARCHAR);
INSERT INTO mv_meta.relations VALUES ('orders');
"""
STEPS = (
    Migration(version=1, sql="CREATE TABLE mv_meta.relations (name VARCHAR)"),
    Migration(
        version=2, sql="ALTER TABLE mv_meta.relations ADD COLUMN epoch BIGINT DEFAULT 0; CREATE SCHEMA mv_catalog"
    ),
)


def clock() -> datetime:
    return datetime(2026, 11, 20, 12, tzinfo=UTC)


def applied(cursor: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return cursor.execute("SELECT version, applied_by FROM mv_meta.migrations ORDER BY version").fetchall()


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    assert [step.version for step in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_new_file_gets_every_migration_once_and_keeps_them_when_opened_again(tmp_path: Path) -> None:
    newest = migrations()[-1].version
    for found in (0, newest):
        with duckdb.connect(tmp_path / "new.db") as cursor:
            assert open_format(cursor, "0.1.0", clock) == found
            assert applied(cursor) == [(step.version, "0.1.0") for step in migrations()]


def test_an_older_file_is_migrated_and_keeps_its_rows() -> None:
    cursor = duckdb.connect()
    cursor.execute(OLD_FILE)
    assert open_format(cursor, "0.1.0", clock, STEPS) == 1
    assert cursor.execute("FROM mv_meta.relations").fetchall() == [("orders", 0)]
    assert applied(cursor) == [(1, "0.0.9"), (2, "0.1.0")]


def test_a_file_with_the_tables_of_format_one_gets_the_views() -> None:
    cursor = duckdb.connect()
    open_format(cursor, "0.0.9", clock, migrations()[:1])
    cursor.execute("INSERT INTO mv_meta.epochs VALUES (7, TIMESTAMP '2026-01-01', 'test')")
    open_format(cursor, "0.1.0", clock)
    assert cursor.execute("SELECT epoch FROM mv_catalog.epochs").fetchall() == [(7,)]


def test_a_failing_migration_rolls_back_with_its_transaction() -> None:
    cursor = duckdb.connect()
    cursor.execute(OLD_FILE)
    cursor.execute("BEGIN")
    broken = Migration(version=2, sql="ALTER TABLE mv_meta.relations ADD COLUMN a INT; SELECT no_such_column")
    with pytest.raises(duckdb.Error):
        open_format(cursor, "0.1.0", clock, (STEPS[0], broken))
    cursor.execute("ROLLBACK")
    assert cursor.execute("FROM mv_meta.relations").fetchall() == [("orders",)]
    assert applied(cursor) == [(1, "0.0.9")]


def test_a_newer_file_is_refused_naming_both_versions_and_what_to_do() -> None:
    cursor = duckdb.connect()
    open_format(cursor, "0.1.0", clock)
    cursor.execute("INSERT INTO mv_meta.migrations VALUES (99, TIMESTAMP '2027-01-01', '9.0.0')")
    with pytest.raises(
        FormatError, match=r"format 99, written by mvengine 9\.0\.0; this is mvengine 0\.1\.0"
    ) as refused:
        open_format(cursor, "0.1.0", clock)
    assert refused.value.hint == "install mvengine 9.0.0 or newer"


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE SCHEMA mv_meta",
        "CREATE SCHEMA mv_catalog",
        "CREATE SCHEMA mv_meta; CREATE TABLE mv_meta.migrations (id INT)",
    ],
)
def test_a_schema_of_that_name_that_is_somebody_elses_is_refused_and_left_alone(foreign: str) -> None:
    cursor = duckdb.connect()
    cursor.execute(foreign)
    schemas = cursor.execute("SELECT count(*) FROM duckdb_schemas()").fetchall()
    with pytest.raises(FormatError, match="that mvengine did not make"):
        open_format(cursor, "0.1.0", clock)
    assert cursor.execute("SELECT count(*) FROM duckdb_schemas()").fetchall() == schemas


def test_a_format_without_any_recorded_step_is_refused() -> None:
    cursor = duckdb.connect()
    open_format(cursor, "0.1.0", clock)
    cursor.execute("DELETE FROM mv_meta.migrations")
    with pytest.raises(FormatError, match="no recorded format"):
        open_format(cursor, "0.1.0", clock)


def test_a_clock_without_a_time_zone_is_refused() -> None:
    with pytest.raises(InternalError, match="without a time zone"):
        open_format(duckdb.connect(), "0.1.0", lambda: datetime(2026, 1, 1))
