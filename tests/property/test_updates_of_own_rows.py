"""Updates inside a transaction that has also inserted and deleted: DuckDB 2.0 damages other rows where it is asked the
obvious way, once in some dozens of runs and with two threads; so this runs some dozens of times."""

from __future__ import annotations

import duckdb
from bags import Bag, bag

import mvengine

ROUNDS, EPOCHS = 40, (1, 2, 3)
TABLE = """
CREATE TABLE t (a INTEGER, b INTEGER, c INTEGER, d DATE, q INTEGER, m DECIMAL(8, 2), l INTEGER);
INSERT INTO t SELECT i, i * 7 % 34, i % 6, DATE '2024-01-10' + (i * 11 % 200)::INTEGER, i % 4, i + 0.25, 1
FROM range(200) AS r(i);
"""
VIEW = "SELECT count(*) AS n, sum(a) AS a, sum(b) AS b, sum(c) AS c FROM t"
CHANGES = """
BEGIN;
INSERT INTO t SELECT * REPLACE (q + 1 AS q, m * 2 AS m, l + 1 AS l) FROM t WHERE a % 17 = {0};
INSERT INTO t SELECT * REPLACE (a + 1000 * {0} AS a, d + 3 AS d) FROM t WHERE a % 13 = {0};
INSERT INTO t VALUES (5000 + {0}, NULL, 1, DATE '2024-05-05', NULL, NULL, 1);
DELETE FROM t WHERE hash(a) % 23 = {0};
UPDATE t SET b = b + 1 WHERE hash(a) % 29 = {0};
UPDATE t SET d = d - 40 WHERE hash(a) % 31 = {0};
COMMIT;
"""


def test_updates_leave_all_other_rows_as_they_are() -> None:
    with duckdb.connect() as plain:
        plain.execute(TABLE)
        expected: list[Bag] = []
        for epoch in EPOCHS:
            plain.execute(CHANGES.format(epoch))
            expected += [bag(plain.execute("FROM t").fetchall()), bag(plain.execute(VIEW).fetchall())]
    with mvengine.connect() as connection:
        for _ in range(ROUNDS):
            connection.execute(TABLE)
            connection.execute(f"CREATE MATERIALIZED VIEW v AS {VIEW}")
            found: list[Bag] = []
            for epoch in EPOCHS:
                connection.execute(CHANGES.format(epoch))
                found += [bag(connection.execute(f"FROM {name}").fetchall()) for name in ("t", "v")]
            assert found == expected
            connection.execute("DROP TABLE t CASCADE")
