"""SHOW CREATE writes the statement that makes the same again, whatever ALTER has changed since."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvengine
from mvengine.errors import WrongObject

TABLES = {
    "as it was made": ("CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR) REFRESHABLE FROM '{folder}/*.csv'", ()),
    "with inferred columns": ("CREATE TABLE t REFRESHABLE FROM '{folder}/*.csv' PRIMARY KEY (id)", ()),
    "with options": (
        "CREATE TABLE t (id INTEGER, name VARCHAR DEFAULT 'x' CHECK (name <> ''), UNIQUE (id, name), CHECK (id > 3)) "
        "WITH (connector = 'posix_fs', root = '{folder}', refresh_mode = 'FULL_RELOAD', max_attempts = 4) "
        "FORMAT PLAIN ENCODE CSV (delimiter = ';')",
        (),
    ),
    "with a foreign key": (
        "CREATE TABLE t (id INTEGER REFERENCES parent (id)) REFRESHABLE FROM '{folder}/*.csv' ON CONFLICT DO NOTHING",
        (),
    ),
    "altered": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR) REFRESHABLE FROM '{folder}/*.csv'",
        (
            "ALTER TABLE t ADD COLUMN price INTEGER DEFAULT 3",
            "ALTER TABLE t RENAME COLUMN name TO title",
            "ALTER TABLE t ALTER COLUMN price TYPE BIGINT",
            "ALTER TABLE t SET (refresh_interval_sec = 5, max_attempts = 7)",
        ),
    ),
}
VIEWS = {
    "as it was made": ("CREATE MATERIALIZED VIEW v AS SELECT id, 1 + 1 FROM parent", ()),
    "with names and options": (
        "CREATE MATERIALIZED VIEW v (a, \"b c\") WITH (policy = 'incremental', target_lag = '1 hour') AS "
        "SELECT id, count(*) FROM parent GROUP BY id",
        (),
    ),
    "altered": (
        "CREATE MATERIALIZED VIEW v WITH (exact_floats = true) AS SELECT id FROM parent",
        ("ALTER MATERIALIZED VIEW v SET (on_error = 'suspend')",),
    ),
}


@pytest.fixture
def con(tmp_path: Path) -> mvengine.Connection:
    (tmp_path / "a.csv").write_text("id,name\n4,ann\n")
    connection = mvengine.connect()
    connection.execute(f"CREATE TABLE parent (id INTEGER PRIMARY KEY) REFRESHABLE FROM '{tmp_path}/*.csv'")
    return connection


def shown(con: mvengine.Connection, kind: str, name: str) -> str:
    ((_, statement),) = con.execute(f"SHOW CREATE {kind} {name}").fetchall()
    return str(statement)


@pytest.mark.parametrize("case", TABLES)
def test_a_refreshable_table_made_from_its_statement_has_the_same_statement(
    con: mvengine.Connection, tmp_path: Path, case: str
) -> None:
    create, alterations = TABLES[case]
    con.execute(create.format(folder=tmp_path))
    for alteration in alterations:
        con.execute(alteration)
    columns = con.execute("DESCRIBE t").fetchall()
    statement = shown(con, "TABLE", "t")
    con.execute("DROP TABLE t")
    con.execute(statement)
    assert shown(con, "TABLE", "t") == statement
    assert con.execute("DESCRIBE t").fetchall() == columns


@pytest.mark.parametrize("case", VIEWS)
def test_a_materialized_view_made_from_its_statement_has_the_same_statement(
    con: mvengine.Connection, case: str
) -> None:
    create, alterations = VIEWS[case]
    con.execute(create)
    for alteration in alterations:
        con.execute(alteration)
    columns = con.execute("DESCRIBE v").fetchall()
    statement = shown(con, "MATERIALIZED VIEW", "v")
    con.execute("DROP MATERIALIZED VIEW v")
    con.execute(statement)
    assert shown(con, "MATERIALIZED VIEW", "v") == statement
    assert con.execute("DESCRIBE v").fetchall() == columns


def test_secrets_of_a_source_are_not_written_down(con: mvengine.Connection) -> None:
    con.execute(
        "CREATE TABLE t (id int) WITH (connector = 's3', s3.bucket_name = 'nowhere', s3.region = 'us-east-1', "
        "s3.endpoint_url = 'http://127.0.0.1:9', s3.credentials.access = 'AKIASECRET', "
        "s3.credentials.secret = 'hunter2') FORMAT PLAIN ENCODE CSV"
    )
    statement = shown(con, "TABLE", "t")
    assert "s3.bucket_name = 'nowhere'" in statement
    assert "hunter2" not in statement
    assert "AKIASECRET" not in statement


def test_the_wrong_kind_is_refused_and_the_right_one_named(con: mvengine.Connection) -> None:
    with pytest.raises(WrongObject, match="parent is a table") as caught:
        shown(con, "VIEW", "parent")
    assert caught.value.hint == "use SHOW CREATE TABLE"
