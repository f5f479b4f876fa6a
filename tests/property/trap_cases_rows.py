# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Traps of bags, keys, NULL and joins."""

from __future__ import annotations

from trap_case import RS, R, case

BAGS = [
    case(
        "one of several equal rows, all but one, and all are deleted",
        "CREATE TABLE r (k INT, x INT); INSERT INTO r SELECT 1, 1 FROM range(5)",
        {
            "p": "SELECT x FROM r",
            "u": "SELECT x FROM r UNION ALL SELECT k FROM r",
            "d": "SELECT DISTINCT x FROM r",
            "g": "SELECT k, count(*), sum(x) FROM r GROUP BY k",
        },
        "DELETE FROM r WHERE rowid IN (SELECT max(rowid) FROM r)",
        "DELETE FROM r WHERE rowid NOT IN (SELECT max(rowid) FROM r)",
        "DELETE FROM r",
        "INSERT INTO r VALUES (1, 1), (1, 1)",
    ),
    case(
        "a row is inserted, deleted and inserted again",
        R,
        {"p": "SELECT * FROM r", "g": "SELECT k, sum(x) AS s FROM r GROUP BY k", "d": "SELECT DISTINCT k FROM r"},
        "INSERT INTO r VALUES (9, 9); DELETE FROM r WHERE k = 9; INSERT INTO r VALUES (9, 9)",
        "DELETE FROM r WHERE k = 9; INSERT INTO r VALUES (9, 9); DELETE FROM r WHERE k = 9",
        "DELETE FROM r; INSERT INTO r VALUES (1, 1)",
    ),
    case(
        "two rows swap their keys, and an update moves a row across a filter",
        "CREATE TABLE r (k INT PRIMARY KEY, x INT); INSERT INTO r VALUES (1, 10), (2, 20), (3, 30)",
        {"f": "SELECT k, x FROM r WHERE x > 15", "g": "SELECT k, max(x) FROM r GROUP BY k HAVING max(x) > 15"},
        "UPDATE r SET x = CASE k WHEN 1 THEN 20 ELSE 10 END WHERE k < 3",
        "UPDATE r SET x = x WHERE true; UPDATE r SET x = 16 WHERE k = 3",
        "UPDATE r SET k = k + 10",
    ),
    case(
        "the groups of NULL keys, one, several and all NULL",
        R,
        {
            "g": "SELECT k, x, count(*) FROM r GROUP BY k, x",
            "h": "SELECT k, min(x), max(x), sum(x) FROM r GROUP BY k",
            "d": "SELECT DISTINCT k, x FROM r",
        },
        "INSERT INTO r VALUES (NULL, NULL), (NULL, 3), (3, NULL)",
        "DELETE FROM r WHERE k IS NULL AND x IS NULL",
        "UPDATE r SET k = NULL; UPDATE r SET x = NULL WHERE x = 1",
        "DELETE FROM r WHERE k IS NULL",
        "INSERT INTO r VALUES (NULL, 1)",
    ),
    case(
        "keys that are structs, lists and maps with NULL inside",
        "CREATE TABLE r (l INT[], s STRUCT(a INT, b VARCHAR), m MAP(VARCHAR, INT), x INT); "
        "INSERT INTO r VALUES ([1, NULL], {'a': NULL, 'b': 'x'}, MAP {'k': NULL}, 1), (NULL, NULL, NULL, 2), ([], {'a': NULL, 'b': NULL}, MAP {}, 3)",
        {
            "g": "SELECT l, s, m, sum(x), count(*) FROM r GROUP BY l, s, m",
            "d": "SELECT DISTINCT s FROM r",
            "p": "SELECT m, l FROM r",
        },
        "INSERT INTO r SELECT * FROM r",
        "UPDATE r SET x = 5 WHERE l = [1, NULL]; UPDATE r SET l = [2, NULL] WHERE x = 3",
        "DELETE FROM r WHERE x = 5",
        "DELETE FROM r WHERE s.b IS NULL",
    ),
    case(
        "NaN and minus zero among keys and values",
        "CREATE TABLE r (k DOUBLE, x DOUBLE); INSERT INTO r VALUES ('NaN', 1), (0.0, 2), (-0.0, 4), (1, 'NaN')",
        {"g": "SELECT k, count(*), sum(x), max(x), min(x) FROM r GROUP BY k", "t": "SELECT sum(x), avg(x) FROM r"},
        "INSERT INTO r VALUES ('NaN', 'NaN'), (-0.0, 1), (1, 'Infinity')",
        "DELETE FROM r WHERE isnan(x)",
        "DELETE FROM r WHERE isnan(k); INSERT INTO r VALUES (1, '-Infinity')",
        "DELETE FROM r WHERE isinf(x)",
    ),
    case(
        "the smallest values of their types are retracted",
        "CREATE TABLE r (t TINYINT, b BIGINT, h HUGEINT); INSERT INTO r VALUES (-128, -9223372036854775808, 1), (127, 9223372036854775807, 2)",
        {
            "s": "SELECT sum(t), sum(b), sum(h), avg(t) FROM r",
            "g": "SELECT t, sum(t), min(b) FROM r GROUP BY t",
            "p": "SELECT t, b FROM r",
        },
        "DELETE FROM r WHERE t = -128",
        "INSERT INTO r VALUES (-128, -9223372036854775808, -1), (-128, -9223372036854775808, -1)",
        "DELETE FROM r",
    ),
]

JOINS = [
    case(
        "several joins by the same named column, with rows that an outer one has padded",
        "CREATE TABLE a (k INT, j INT, x INT); CREATE TABLE b (k INT, j INT, y INT); CREATE TABLE c (k INT, j INT, z INT);"
        " INSERT INTO a VALUES (1, 1, 1), (2, 2, 2), (NULL, 3, 3); INSERT INTO b VALUES (2, 2, 1), (3, 3, 3), (NULL, 1, 1);"
        " INSERT INTO c VALUES (3, 3, 5), (1, 1, 1), (5, 5, 5), (NULL, NULL, 1)",
        {
            "full_full": "SELECT k, x, y, z FROM a FULL JOIN b USING (k) FULL JOIN c USING (k)",
            "full_inner": "SELECT k, x, z FROM a FULL JOIN b USING (k) JOIN c USING (k)",
            "right_left": "SELECT k, a.k AS ka, z FROM a RIGHT JOIN b USING (k) LEFT JOIN c USING (k)",
            "full_anti": "SELECT k, x, y FROM a FULL JOIN b USING (k) ANTI JOIN c USING (k)",
            "two_columns": "SELECT k, j, x, z FROM a FULL JOIN b USING (k, j) LEFT JOIN c USING (k, j)",
            "naturally": "SELECT * FROM a NATURAL FULL JOIN b NATURAL LEFT JOIN c",
        },
        "INSERT INTO a VALUES (3, 3, 3), (5, 5, 6); DELETE FROM b WHERE k = 3",
        "DELETE FROM a WHERE k = 1; UPDATE c SET k = k + 1; INSERT INTO b VALUES (6, 6, 6)",
        "DELETE FROM a; INSERT INTO c VALUES (6, 6, 6), (2, 2, 2)",
    ),
    case(
        "inserts on both sides, deletes on both, and one here with one there, in one epoch",
        RS,
        {
            "j": "SELECT r.k, x, y FROM r JOIN s ON r.k = s.k",
            "g": "SELECT r.k, count(*), sum(x * y) FROM r JOIN s ON r.k = s.k GROUP BY r.k",
            "c": "SELECT count(*) FROM r JOIN s USING (k)",
        },
        "INSERT INTO r VALUES (5, 5); INSERT INTO s VALUES (5, 5), (5, 6)",
        "DELETE FROM r WHERE k = 2; DELETE FROM s WHERE k = 2",
        "DELETE FROM r WHERE k = 5; INSERT INTO s VALUES (5, 7), (1, 8)",
        "UPDATE r SET k = 9 WHERE k = 1; DELETE FROM s WHERE k = 1; INSERT INTO s VALUES (9, 9)",
    ),
    case(
        "self-joins of every occurrence change at once",
        "CREATE TABLE r (k INT, up INT); INSERT INTO r VALUES (1, NULL), (2, 1), (3, 2), (4, 2)",
        {
            "two": "SELECT a.k, b.k AS b FROM r AS a JOIN r AS b ON a.up = b.k",
            "three": "SELECT a.k, c.k AS c FROM r AS a JOIN r AS b ON a.up = b.k JOIN r AS c ON b.up = c.k",
            "n": "SELECT b.k, count(*) FROM r AS a JOIN r AS b ON a.up = b.k GROUP BY b.k",
        },
        "INSERT INTO r VALUES (5, 5), (6, 5)",
        "UPDATE r SET up = 1 WHERE up = 2",
        "DELETE FROM r WHERE k IN (1, 5); INSERT INTO r VALUES (1, 2)",
        "UPDATE r SET k = up, up = k",
    ),
    case(
        "six inputs all change",
        "".join(
            f"CREATE TABLE t{i} (k INT, x INT); INSERT INTO t{i} VALUES (1, {i}), (2, {i}), (2, NULL);"
            for i in range(6)
        ),
        {
            "j": "SELECT t0.k, t1.x, t5.x AS y FROM t0 JOIN t1 USING (k) JOIN t2 ON t2.k = t1.k JOIN t3 ON t3.k = t2.k"
            " JOIN t4 ON t4.k = t3.k JOIN t5 ON t5.k = t4.k"
        },
        ";".join(f"DELETE FROM t{i} WHERE x IS NULL; INSERT INTO t{i} VALUES (1, 7), (3, 8)" for i in range(6)),
        ";".join(f"DELETE FROM t{i} WHERE k = 1" for i in range(6)),
        ";".join(f"UPDATE t{i} SET k = 5 - k" for i in range(0, 6, 2)),
        ";".join(f"UPDATE t{i} SET k = 5 - k" for i in range(1, 6, 2)),
    ),
    case(
        "joins on expressions, casts, ranges, NULL-safe equality, and on nothing",
        RS,
        {
            "e": "SELECT r.k, y FROM r JOIN s ON r.k + 1 = s.y AND CAST(r.x AS VARCHAR) <> CAST(s.k AS VARCHAR)",
            "n": "SELECT r.x, s.y FROM r JOIN s ON r.k IS NOT DISTINCT FROM s.k",
            "b": "SELECT r.x, s.y FROM r JOIN s ON s.y BETWEEN r.x AND r.x + 1",
            "c": "SELECT r.x, s.y FROM r CROSS JOIN s",
            "o": "SELECT r.x, s.y FROM r JOIN s ON r.x = 1 OR s.y = 3",
            "w": "SELECT r.x, s.y FROM r, s WHERE r.k = s.k AND r.x < s.y",
        },
        "INSERT INTO r VALUES (NULL, 1), (3, 3); INSERT INTO s VALUES (NULL, 1), (4, 2)",
        "DELETE FROM s",
        "DELETE FROM r WHERE k IS NULL; INSERT INTO s VALUES (1, 1), (NULL, 2)",
        "UPDATE r SET k = NULL; UPDATE s SET k = NULL",
    ),
]
