"""Files with other columns than their table: ignored, refused, or followed, as ``on_schema_change`` says."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from behaviour_world import Files, rows

import mvengine
from mvengine.errors import LoadError, ProgrammingError


def csv_table(con: mvengine.Connection, files: Files, policy: str) -> None:
    files.path("1.csv").write_text("id,x\n1,10\n")
    con.execute(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER) REFRESHABLE FROM '{files.folder}' "
        f"WITH (on_schema_change = '{policy}') FORMAT PLAIN ENCODE CSV"
    )
    con.execute("REFRESH TABLE t")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT * FROM t")


def parquet(path: Path, query: str) -> None:
    duckdb.sql(query).write_parquet(str(path))


def test_ignore_leaves_new_columns_out(con: mvengine.Connection, files: Files) -> None:
    csv_table(con, files, "ignore")
    files.path("2.csv").write_text("id,x,extra\n2,20,zz\n")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10), (2, 20)]


def test_fail_says_file_column_and_type_and_loads_nothing(con: mvengine.Connection, files: Files) -> None:
    csv_table(con, files, "fail")
    files.path("2.csv").write_text("id,x,extra\n2,20,zz\n")
    with pytest.raises(LoadError, match=r"2\.csv.*t has no column extra \(VARCHAR\)") as caught:
        con.execute("REFRESH TABLE t")
    assert caught.value.hint is not None
    assert "ALTER TABLE t ADD COLUMN extra VARCHAR" in caught.value.hint
    assert rows(con, "t") == [(1, 10)]
    con.execute("ALTER TABLE t SET (on_schema_change = 'ignore')")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10), (2, 20)]


def test_add_columns_gives_the_table_what_files_have_and_views_keep_theirs(
    con: mvengine.Connection, files: Files
) -> None:
    csv_table(con, files, "add_columns")
    files.path("2.csv").write_text("id,x,extra\n2,20,zz\n")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10, None), (2, 20, "zz")]
    assert rows(con, "v") == [(1, 10), (2, 20)]
    files.path("3.csv").write_text("id,extra\n3,only\n")  # a column that is missing is NULL
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10, None), (2, 20, "zz"), (3, None, "only")]
    causes = rows(con, "SELECT cause FROM mv_catalog.state_history WHERE subject = 'definition' AND name = 't'")
    assert len(causes) == 1
    assert "2.csv has extra VARCHAR" in str(causes[0][0])


def test_a_key_must_be_in_every_file(con: mvengine.Connection, files: Files) -> None:
    csv_table(con, files, "add_columns")
    files.path("2.csv").write_text("x\n20\n")
    with pytest.raises(LoadError, match="column id is not in the header"):
        con.execute("REFRESH TABLE t")


def test_widen_follows_the_types_of_parquet_files_and_builds_views_anew(con: mvengine.Connection, files: Files) -> None:
    parquet(files.path("1.parquet"), "SELECT 1::INTEGER AS id, 10::INTEGER AS x, 1.5::DECIMAL(4, 2) AS m")
    con.execute(
        f"CREATE TABLE p (id INTEGER PRIMARY KEY, x INTEGER, m DECIMAL(4, 2)) REFRESHABLE FROM '{files.folder}' "
        "WITH (on_schema_change = 'widen')"
    )
    con.execute("REFRESH TABLE p")
    con.execute("CREATE MATERIALIZED VIEW sums AS SELECT sum(x) AS x, sum(m) AS m FROM p")
    con.execute("CREATE MATERIALIZED VIEW more AS SELECT x + 1 AS x, m FROM sums")
    parquet(
        files.path("2.parquet"),
        "SELECT 2::INTEGER AS id, 10000000000 AS x, 100000.125::DECIMAL(12, 3) AS m, DATE '2026-01-01' AS d",
    )
    con.execute("REFRESH TABLE p")
    types = con.execute("SELECT column_name, column_type FROM (DESCRIBE p)").fetchall()
    assert types == [("id", "INTEGER"), ("x", "BIGINT"), ("m", "DECIMAL(12,3)"), ("d", "DATE")]
    assert [(str(x), str(m)) for x, m in rows(con, "more")] == [("10000000011", "100001.625")]
    assert {verdict for *_, verdict, _ in con.execute("VERIFY ALL").fetchall()} == {"equal"}


def test_types_that_nothing_holds_exactly_fail_the_refresh(con: mvengine.Connection, files: Files) -> None:
    parquet(files.path("1.parquet"), "SELECT 1::INTEGER AS id, 10::BIGINT AS x")
    con.execute(f"CREATE TABLE p REFRESHABLE FROM '{files.folder}' WITH (on_schema_change = 'widen')")
    con.execute("REFRESH TABLE p")
    parquet(files.path("2.parquet"), "SELECT 2::INTEGER AS id, 1.5::DOUBLE AS x")
    with pytest.raises(LoadError, match=r"2\.parquet.*column x is DOUBLE, and no type holds that and BIGINT"):
        con.execute("REFRESH TABLE p")
    con.execute("ALTER TABLE p SET (on_schema_change = 'fail')")
    parquet(files.path("2.parquet"), "SELECT 2::INTEGER AS id, 1::HUGEINT AS x")
    with pytest.raises(LoadError, match="column x"):
        con.execute("REFRESH TABLE p")
    assert rows(con, "p") == [(1, 10)]


def test_a_policy_that_is_none_is_refused_with_those_there_are(con: mvengine.Connection, files: Files) -> None:
    csv_table(con, files, "ignore")
    with pytest.raises(ProgrammingError, match="on_schema_change") as caught:
        con.execute("ALTER TABLE t SET (on_schema_change = 'merge')")
    assert caught.value.hint is not None
    assert "ignore, fail, add_columns, widen" in caught.value.hint
