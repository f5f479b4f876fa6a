# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Traps of aggregates."""

from __future__ import annotations

from trap_case import RS, R, case

AGGREGATES = [
    case(
        "a global aggregate over nothing is one row, with HAVING false none",
        "CREATE TABLE r (k INT, x INT)",
        {
            "a": "SELECT count(*), sum(x), min(x), avg(x) FROM r",
            "h": "SELECT count(*) AS n FROM r HAVING false",
            "p": "SELECT sum(x) AS s FROM r HAVING count(*) > 1",
            "w": "SELECT min(k) AS low, count(*) AS n FROM r WHERE x = 1",
        },
        "INSERT INTO r VALUES (1, 5)",
        "INSERT INTO r VALUES (2, NULL)",
        "UPDATE r SET x = 1 WHERE k = 1",
        "DELETE FROM r WHERE k = 1",
        "TRUNCATE r",
    ),
    case(
        "the last value of a group goes and the group stays",
        R,
        {"g": "SELECT k, sum(x) AS s, avg(x) AS a, min(x) AS n, max(x) AS m, count(x) AS c FROM r GROUP BY k"},
        "UPDATE r SET x = NULL WHERE k = 1",
        "UPDATE r SET x = 0",
        "INSERT INTO r VALUES (1, -1), (1, 1)",
        "UPDATE r SET x = NULL",
    ),
    case(
        "an extremum is deleted, a copy of it remains, a better and a worse one come in the same epoch",
        "CREATE TABLE r (k INT, x INT, s VARCHAR); INSERT INTO r VALUES (1, 1, 'a'), (1, 9, 'z'), (1, 9, 'z'), (2, 4, NULL)",
        {"g": "SELECT k, min(x), max(x), min(s), max(s) FROM r GROUP BY k", "t": "SELECT max(x), min(x) FROM r"},
        "DELETE FROM r WHERE rowid = (SELECT max(rowid) FROM r WHERE x = 9)",
        "DELETE FROM r WHERE x = 9; INSERT INTO r VALUES (1, 5, 'm')",
        "INSERT INTO r VALUES (1, 99, 'zz'); DELETE FROM r WHERE x = 99",
        "UPDATE r SET x = 10 - x",
        "DELETE FROM r WHERE k = 1; INSERT INTO r VALUES (1, 0, '')",
    ),
    case(
        "result types do not drift, and averages keep their last digits",
        "CREATE TABLE r (k INT, i INT, d DECIMAL(10,2), b BOOLEAN, f FLOAT, u UBIGINT, w DECIMAL(38,4)); "
        "INSERT INTO r VALUES (1, 1, 0.1, true, 0.5, 1, 1.5), (1, 2, 0.2, false, 1.5, 2, 2.25), (1, 4, 0.4, NULL, 2.5, 3, 0.25)",
        {
            "g": "SELECT k, sum(i), sum(d), avg(i), avg(d), sum(b), avg(f), sum(f), sum(u), sum(w), avg(w) FROM r GROUP BY k",
            "m": "SELECT min(d), max(b), count(f), sum(d) / count(*), CAST(sum(i) AS INT) FROM r",
        },
        "INSERT INTO r VALUES (1, 7, 0.7, true, 0.25, 18446744073709551615, 3)",
        "DELETE FROM r WHERE i = 1; INSERT INTO r VALUES (2, 3, 1.1, true, 1, 1, 1), (2, 3, 2.2, true, 1, 1, 1)",
        "UPDATE r SET d = d + 0.33",
    ),
    case(
        "groups whose sum is zero or whose count of values is zero stay, and FILTER counts what it lets through",
        R,
        {
            "g": "SELECT k, sum(x) FILTER (WHERE x > 1) AS s, count(*) FILTER (WHERE NULL) AS n, count(x) FILTER (x = 1) FROM r GROUP BY k",
            "h": "SELECT k, sum(x) AS s FROM r GROUP BY k HAVING sum(x) IS NULL OR sum(x) > 2",
            "c": "SELECT CASE WHEN sum(x) > 3 THEN 'high' ELSE 'low' END AS level, sum(x) * 1.0 / count(*) AS r FROM r GROUP BY k",
        },
        "INSERT INTO r VALUES (7, -1), (7, 1), (8, NULL)",
        "UPDATE r SET x = 2 WHERE k = 7; DELETE FROM r WHERE k = 1 AND x = 2",
        "DELETE FROM r WHERE x IS NOT NULL",
    ),
    case(
        "sums of doubles lose what was retracted, also 1e17, NaN and infinities",
        "CREATE TABLE r (k INT, x DOUBLE); INSERT INTO r VALUES (1, 0.5)",
        {
            "g": "SELECT k, sum(x), avg(x) FROM r GROUP BY k",
            "t": "SELECT sum(x) FROM r",
            "h": "SELECT k FROM r GROUP BY k HAVING sum(x) = 0.5",
        },
        "INSERT INTO r VALUES (1, 1e17)",
        "DELETE FROM r WHERE x = 1e17",
        "INSERT INTO r VALUES (1, 'Infinity'), (1, '-Infinity'), (2, 'NaN')",
        "DELETE FROM r WHERE isinf(x) OR isnan(x)",
    ),
    case(
        "aggregates of aggregates and DISTINCT below them",
        RS,
        {
            "a": "SELECT s, count(*) AS n FROM (SELECT k, sum(x) AS s FROM r GROUP BY k) GROUP BY s",
            "d": "SELECT count(*), sum(k) FROM (SELECT DISTINCT k FROM r)",
            "j": "SELECT a.k, a.s, b.n FROM (SELECT k, sum(x) AS s FROM r GROUP BY k) AS a JOIN (SELECT k, count(*) AS n FROM s GROUP BY k) AS b ON a.k = b.k",
            "c": "WITH g AS (SELECT k, max(x) AS m FROM r GROUP BY k HAVING count(*) > 1) SELECT x.k, y.m FROM g AS x JOIN g AS y ON x.k = y.k",
            "u": "SELECT k FROM r UNION SELECT k FROM s",
        },
        "INSERT INTO r VALUES (1, 3), (NULL, 3); INSERT INTO s VALUES (3, 3), (1, 1)",
        "DELETE FROM r WHERE k = 2; DELETE FROM s WHERE y = 3",
        "UPDATE r SET x = 1; UPDATE s SET k = 2 WHERE k = 1",
        "DELETE FROM r; DELETE FROM s WHERE k IS NULL",
    ),
    case(
        "GROUP BY ALL, by position, by alias and by expression, also when nobody sees the keys",
        R,
        {
            "a": "SELECT k, count(*) AS n FROM r GROUP BY ALL",
            "o": "SELECT k + 1, sum(x) FROM r GROUP BY 1",
            "l": "SELECT k % 2 AS odd, sum(x) FROM r GROUP BY odd",
            "h": "SELECT sum(x) FROM r GROUP BY k",
            "e": "SELECT coalesce(k, 0) + 1 AS e, count(*) FROM r GROUP BY coalesce(k, 0)",
        },
        "INSERT INTO r VALUES (1, 5), (4, NULL)",
        "UPDATE r SET k = 0 WHERE k IS NULL",
        "DELETE FROM r WHERE k IN (0, 4)",
    ),
    case(
        "an average of decimals has DuckDB's last digit, alone and beside sums and counts",
        "CREATE TABLE r (k INT, d DECIMAL(6,2), w DECIMAL(15,4)); INSERT INTO r SELECT i // 7, ((i * 37) % 991) / 100, i / 3 FROM range(700) AS t (i)",
        {
            "a": "SELECT k, avg(d) AS a FROM r GROUP BY k",
            "w": "SELECT k, avg(w) AS a, min(d) AS m FROM r GROUP BY k",
            "s": "SELECT k, avg(d) AS a, sum(d) AS s FROM r GROUP BY k",
            "c": "SELECT k, avg(d) AS a, count(d) AS n FROM r GROUP BY k",
            "n": "SELECT k, avg(d) AS a, count(*) AS n FROM r GROUP BY k",
        },
        "UPDATE r SET d = d + 0.33, w = w - 0.0001",
        "DELETE FROM r WHERE d < 2",
        "INSERT INTO r SELECT k + 1, d - 1, w FROM r WHERE d > 3",
    ),
]
