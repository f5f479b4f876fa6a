"""Changes larger than a row group of DuckDB (122,880 rows): what DuckDB 2.0 inserts in parallel into a table that the
same transaction made by an empty CREATE TABLE … AS is lost without a word."""

from __future__ import annotations

import pytest
from behaviour_world import check_views, one

import mvengine

ROWS = 200_000
VIEWS = (
    "CREATE MATERIALIZED VIEW sums AS SELECT g, sum(x) AS x, count(*) AS n FROM t GROUP BY g",
    "CREATE MATERIALIZED VIEW copy WITH (policy = 'full') AS SELECT id, x FROM t WHERE x > 1",
)
CHANGES = {
    "insert": "INSERT INTO t SELECT i + 1000000, i % 10, 5 FROM range(150000) AS r(i)",
    "insert returning": "INSERT INTO t SELECT i + 1000000, i % 10, 5 FROM range(150000) AS r(i) RETURNING id",
    "delete": "DELETE FROM t WHERE id < 150000",
    "update": "UPDATE t SET x = x + 1 WHERE id < 150000",
    "copy": "COPY t FROM 'big.parquet'",
    "truncate": "TRUNCATE t",
}


@pytest.fixture
def big(con: mvengine.Connection, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> mvengine.Connection:
    monkeypatch.chdir(str(tmp_path))
    con.execute("COPY (SELECT i + 1000000 AS id, i % 10 AS g, 5 AS x FROM range(150000) AS r(i)) TO 'big.parquet'")
    con.execute(
        f"CREATE TABLE t AS SELECT i::INT AS id, (i % 10)::INT AS g, (i % 7)::INT AS x FROM range({ROWS}) AS r(i)"
    )
    return con


@pytest.mark.parametrize("policy", ["auto", "incremental"])
@pytest.mark.parametrize("change", CHANGES)
def test_views_follow_a_change_of_more_rows_than_a_row_group(
    big: mvengine.Connection, change: str, policy: str
) -> None:
    for view in VIEWS:
        big.execute(view.replace(" AS SELECT g", f" WITH (policy = '{policy}') AS SELECT g"))
    big.execute(CHANGES[change])
    check_views(big)


def test_a_view_made_over_nothing_follows_a_large_change_of_the_same_transaction(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t (id INT, x INT); BEGIN")
    con.execute("CREATE MATERIALIZED VIEW kept AS SELECT id, x FROM t WHERE x >= 0")
    con.execute("CREATE MATERIALIZED VIEW counts AS SELECT id, count(*) AS n FROM t GROUP BY id")
    con.execute(f"INSERT INTO t SELECT i, i FROM range({ROWS}) AS r(i)")
    con.execute("COMMIT")
    assert one(con, "SELECT count(*) FROM kept") == ROWS
    assert one(con, "SELECT count(*) FROM counts") == ROWS
