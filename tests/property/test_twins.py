# ruff: noqa: E501 - a query stays on one line
"""Values that are equal and yet not the same: what is stored of them, and computed from them, is what the query gives."""

from __future__ import annotations

import pytest

import mvengine

VALUES = {
    "INTERVAL": ("INTERVAL 1 MONTH", "INTERVAL 30 DAY", "INTERVAL 720 HOUR", "NULL", "INTERVAL 1 DAY"),
    "DOUBLE": ("0.0", "-0.0::DOUBLE", "'NaN'", "-('NaN'::DOUBLE)", "1.5"),
    "FLOAT": ("-0.0::FLOAT", "0.0", "'NaN'", "1.5", "NULL"),
    "INTERVAL[]": ("[INTERVAL 1 MONTH]", "[INTERVAL 30 DAY]", "[NULL]", "NULL", "[]"),
    "STRUCT(a DOUBLE)": ("{'a': 0.0}", "{'a': -0.0::DOUBLE}", "{'a': NULL}", "NULL", "{'a': 1}"),
    "VARIANT": ("1::INTEGER", "1::BIGINT", "1::DECIMAL(4, 2)", "NULL", "2::INTEGER"),
}
"""By type, five values: some are twins of the first."""

QUERIES = {
    "bag": "SELECT k, x FROM t",
    "text": "SELECT k, CAST(x AS VARCHAR) AS s FROM t",
    "above": "SELECT CAST(bag.x AS VARCHAR) AS s, count(*) AS n FROM bag GROUP BY s",
    "twice": "SELECT x FROM t UNION ALL SELECT x FROM t WHERE k > 1",
    "padded": "SELECT t.k, t.x, u.y FROM t LEFT JOIN u ON t.k = u.k",
    "other": "SELECT t.k, u.y, t.x FROM u FULL JOIN t ON t.k = u.k AND u.y > 1",
    "windows": "SELECT k, x, count(*) OVER (PARTITION BY k) AS n, max(CAST(x AS VARCHAR)) OVER (PARTITION BY x) AS m FROM t",
    "lists": "SELECT k, list(x ORDER BY CAST(x AS VARCHAR)) AS l FROM t GROUP BY k",
    "least": "SELECT k, x FROM t ORDER BY k, CAST(x AS VARCHAR) LIMIT 3",
    "again": "SELECT x, CAST(x AS VARCHAR) AS s FROM least",
    "recompute": "SELECT k, x, row_number() OVER (ORDER BY k, CAST(x AS VARCHAR)) AS r FROM t",
}
EITHER = {
    "groups": "SELECT x, count(*) AS n FROM t GROUP BY x",
    "different": "SELECT DISTINCT x FROM t",
    "joined": "SELECT DISTINCT t.x FROM t JOIN u ON t.k = u.k",
    "low": "SELECT k, min(x) AS x FROM t GROUP BY k",
    "high": "SELECT max(x) AS x FROM t",
}
"""Queries that may show any of the twins that are there."""


def _check(con: mvengine.Connection) -> None:
    for name, query in QUERIES.items():
        found, wanted = (
            sorted(con.execute(f"SELECT CAST(ROW(COLUMNS(*)) AS VARCHAR) FROM {rows}").fetchall())
            for rows in (name, f"({query})")
        )
        assert found == wanted, name
    for name, query in EITHER.items():
        for left, right in ((name, f"({query})"), (f"({query})", name)):
            assert not con.execute(f"FROM {left} EXCEPT ALL FROM {right}").fetchall(), name
        shown, wanted, there = (
            {row[0] for row in con.execute(f"SELECT CAST(x AS VARCHAR) FROM {rows}").fetchall()}
            for rows in (name, f"({query})", "t")
        )
        assert shown <= there | wanted, name  # the least of structs is none of them: DuckDB makes it anew
    assert {row[5] for row in con.execute("VERIFY ALL").fetchall()} <= {"equal", "undetermined"}


@pytest.mark.parametrize("type_", VALUES)
def test_twins_come_and_go_each_by_itself(type_: str) -> None:
    a, b, c, d, e = VALUES[type_]
    with mvengine.connect() as con:
        con.execute(f"CREATE TABLE t (k INTEGER, x {type_})")
        con.execute("CREATE TABLE u (k INTEGER, y INTEGER)")
        con.execute(f"INSERT INTO t VALUES (1, {a}), (1, {b}), (2, {b}), (3, {c})")
        con.execute("INSERT INTO u VALUES (1, 1), (1, 2), (2, 3)")
        for name, query in (QUERIES | EITHER).items():
            con.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")
        _check(con)
        for statements in (
            [f"DELETE FROM t WHERE CAST(x AS VARCHAR) = CAST(CAST({a} AS {type_}) AS VARCHAR)"],
            [f"INSERT INTO t VALUES (1, {a}), (2, {a}), (4, {d})", "DELETE FROM u WHERE y = 1"],
            [
                f"DELETE FROM t WHERE CAST(x AS VARCHAR) = CAST(CAST({b} AS {type_}) AS VARCHAR)",
                f"INSERT INTO t VALUES (2, {b})",
            ],
            [f"INSERT INTO t VALUES (5, {c}), (5, {c}), (1, {e})", "INSERT INTO u VALUES (5, 5), (4, 4)"],
            ["DELETE FROM t WHERE k = 5", f"INSERT INTO t VALUES (5, {a}), (5, {b})"],
            ["DELETE FROM t WHERE k IN (1, 2)"],
            ["DELETE FROM t"],
            [f"INSERT INTO t VALUES (1, {b}), (1, {b}), (2, {a}), (2, {d})"],
        ):
            con.execute("BEGIN")
            for statement in statements:
                con.execute(statement)
            con.execute("COMMIT")
            _check(con)
