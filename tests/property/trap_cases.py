"""The cases of ``test_differential_traps``: what is promised is in their names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Case:
    """Tables, views over them, and epochs of statements. ``full``: the views that are computed again."""

    name: str
    setup: tuple[str, ...]
    views: dict[str, str]
    epochs: tuple[tuple[str, ...], ...]
    full: frozenset[str]


def case(name: str, setup: str, views: dict[str, str], *epochs: str, full: str = "") -> Case:
    """Statements are parted by semicolons. ``full`` names views."""
    return Case(
        name=name,
        setup=_parts(setup),
        views=views,
        epochs=tuple(_parts(epoch) for epoch in epochs),
        full=frozenset(full.split()),
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


_R = "CREATE TABLE r (k INT, x INT); INSERT INTO r VALUES (1, 1), (1, 1), (1, 2), (2, NULL), (NULL, 3), (NULL, NULL)"
_RS = (
    "CREATE TABLE r (k INT, x INT); CREATE TABLE s (k INT, y INT); INSERT INTO r VALUES (1, 1), (2, 2), (2, 2), (NULL, 3);"
    " INSERT INTO s VALUES (1, 1), (2, 2), (2, 3), (NULL, 4)"
)

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
        _R,
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
        _R,
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
        "inserts on both sides, deletes on both, and one here with one there, in one epoch",
        _RS,
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
        _RS,
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
        _R,
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
        _R,
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
        _RS,
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
        _R,
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
]

ENVIRONMENT = [
    case(
        "reserved words, odd characters and upper case as names",
        'CREATE TABLE "select" ("order" INT, "Group" INT, "a ""b""" INT, "x.y" INT, "ä é" INT); INSERT INTO "select" VALUES (1, 2, 3, 4, 5)',
        {
            "p": 'SELECT "order", "Group", "a ""b""", "x.y", "ä é" FROM "select" WHERE "order" > 0',
            "g": 'SELECT "Group" AS "from", sum("x.y") AS "s u m", max("ä é") AS "where" FROM "select" GROUP BY "Group"',
            "j": 'SELECT l."order", "R"."x.y" FROM "select" AS l JOIN "select" AS "R" ON l."a ""b""" = "R"."a ""b"""',
        },
        'INSERT INTO "select" VALUES (2, 2, 3, 4, 5)',
        'UPDATE "select" SET "order" = "order" + 1, "Group" = NULL WHERE "order" = 1',
        'DELETE FROM "select" WHERE "Group" IS NULL',
    ),
    case(
        "names that are aliases of mvengine's own",
        "CREATE TABLE r (_mv INT, c INT, mv_delta_r INT, v INT, input INT, groups INT, row_id INT, d INT, s INT, n INT);"
        " INSERT INTO r VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)",
        {
            "p": "SELECT _mv, c, input, groups, row_id FROM r",
            "g": "SELECT c, sum(_mv) AS w, max(d) AS d, min(s) AS s FROM r GROUP BY c",
            "h": "SELECT groups, input, v, count(*) AS n FROM r AS groups GROUP BY ALL",
            "j": "SELECT v.d, input.s, count(*) AS n FROM r AS v JOIN r AS input ON v.row_id = input.row_id GROUP BY v.d, input.s",
        },
        "INSERT INTO r VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)",
        "UPDATE r SET _mv = 5, c = 6",
        "UPDATE r SET row_id = 7, c = 8 WHERE d = 8 RETURNING *",
        "DELETE FROM r WHERE rowid = (SELECT min(rowid) FROM r)",
    ),
    case(
        "output names that stand twice",
        _RS,
        {
            "j": "SELECT r.k, s.k, x, y AS x FROM r JOIN s ON r.k = s.k",
            "g": "SELECT k, sum(x), sum(x), count(*) AS k FROM r GROUP BY k",
            "w": "SELECT k_1, x_1 FROM j WHERE k_1 > 0",
        },
        "INSERT INTO r VALUES (1, 9); INSERT INTO s VALUES (1, 9)",
        "DELETE FROM s WHERE k = 1",
    ),
    case(
        "seventy columns",
        f"CREATE TABLE r ({', '.join(f'c{i} INT' for i in range(70))}); INSERT INTO r VALUES ({', '.join(map(str, range(70)))})",
        {
            "p": "SELECT * FROM r",
            "d": "SELECT DISTINCT * FROM r",
            "g": f"SELECT c0, {', '.join(f'sum(c{i}) AS s{i}' for i in range(1, 70))} FROM r GROUP BY c0",
        },
        "INSERT INTO r SELECT * FROM r",
        "UPDATE r SET c69 = NULL; UPDATE r SET c68 = 1 WHERE c0 = 0",
        "DELETE FROM r WHERE rowid = (SELECT min(rowid) FROM r)",
    ),
    case(
        "views with parenthesized joins, and plain views between",
        f"{_RS}; CREATE VIEW plain AS SELECT a.k, a.n, b.m FROM (SELECT k, count(*) AS n FROM r GROUP BY k) AS a JOIN (SELECT k, max(y) AS m FROM s GROUP BY k) AS b ON a.k = b.k",
        {
            "p": "SELECT r.x, plain.m FROM r JOIN plain ON r.k = plain.k",
            "l": "SELECT l.k FROM ((SELECT k FROM r) AS l JOIN (SELECT k FROM s) AS o ON l.k = o.k)",
        },
        "INSERT INTO r VALUES (1, 9); INSERT INTO s VALUES (1, 9)",
        "DELETE FROM s WHERE k = 1",
    ),
    case(
        "SELECT * over a USING join that stands among other joins",
        _RS,
        {"a": "SELECT * FROM r JOIN s USING (k) JOIN r AS o ON o.k = s.y", "b": "SELECT * FROM r JOIN s USING (k)"},
        "INSERT INTO r VALUES (3, 9); INSERT INTO s VALUES (3, 1)",
        full="a",
    ),
    case(
        "strings that DuckDB keeps apart",
        "CREATE TABLE r (s VARCHAR, x INT); INSERT INTO r VALUES ('a', 1), ('A', 2), ('', 3), (NULL, 4), (E'a\\n', 5)",
        {
            "g": "SELECT s, count(*) FROM r GROUP BY s",
            "d": "SELECT DISTINCT lower(s) AS s FROM r",
            "f": "SELECT x FROM r WHERE s = 'it''s' OR s LIKE 'a%'",
        },
        "INSERT INTO r VALUES ('it''s', 6), ('', 7), ('A', 8)",
        "DELETE FROM r WHERE s = '' OR s IS NULL",
    ),
]

GRAPHS = [
    case(
        "a diamond of views reads one state",
        _RS,
        {
            "a": "SELECT k, count(*) AS n FROM r GROUP BY k",
            "b": "SELECT k, sum(n) AS t FROM a GROUP BY k",
            "c": "SELECT k, n + 1 AS m FROM a WHERE n > 0",
            "d": "SELECT b.k, b.t, c.m FROM b JOIN c ON b.k = c.k",
            "e": "SELECT count(*) AS all_rows, sum(t) AS total FROM d",
        },
        "INSERT INTO r VALUES (1, 1), (3, 3)",
        "DELETE FROM r WHERE k = 2; INSERT INTO r VALUES (3, 4)",
        "DELETE FROM r",
    ),
    case(
        "COUNT(*) over an aggregate view, and over a view whose visible rows do not change",
        _R,
        {
            "g": "SELECT k, sum(x) AS s FROM r GROUP BY k",
            "n": "SELECT count(*) AS n FROM g",
            "m": "SELECT s, count(*) AS n FROM g GROUP BY s",
        },
        "INSERT INTO r VALUES (1, 0)",
        "INSERT INTO r VALUES (9, 9)",
        "DELETE FROM r WHERE k = 9",
        "UPDATE r SET x = x + 1",
    ),
]

FULL = [
    case(
        "a view that is computed again follows an update that keeps the number of rows",
        _RS,
        {
            "o": "SELECT r.k, s.y FROM r LEFT JOIN s ON r.k = s.k",
            "n": "SELECT k, count(DISTINCT o.y) AS n FROM o GROUP BY k",
            "w": "SELECT k, rank() OVER (ORDER BY x) AS p FROM r",
            "i": "SELECT k FROM r WHERE k NOT IN (SELECT k FROM s WHERE k IS NOT NULL)",
        },
        "UPDATE s SET k = 1",
        "UPDATE r SET x = 10 - x",
        "UPDATE s SET y = NULL; UPDATE r SET k = 7 WHERE k = 1",
        full="o n w i",
    ),
    case(
        "a view that is computed again hands on its difference",
        _RS,
        {
            "o": "SELECT r.k, r.x, s.y FROM r LEFT JOIN s ON r.k = s.k",
            "g": "SELECT k, count(*) AS n, count(y) AS m, sum(x) AS s, min(y) AS low FROM o GROUP BY k",
            "j": "SELECT g.k, r.x FROM g JOIN r ON g.k = r.k",
            "d": "SELECT DISTINCT n FROM g",
        },
        "DELETE FROM s WHERE k = 2 AND y = 2",
        "DELETE FROM s WHERE k = 2; DELETE FROM s WHERE k = 1",
        "INSERT INTO s VALUES (1, 1), (1, 2); UPDATE r SET k = 1 WHERE k IS NULL",
        full="o",
    ),
]
