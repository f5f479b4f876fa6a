# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Traps of names, of graphs of views, and of views that are computed again."""

from __future__ import annotations

from trap_case import RS, R, case

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
        "expressions that are called as the column in them",
        "CREATE TABLE r (k INT, x INT, b BOOLEAN); INSERT INTO r VALUES (1, 1, true), (2, NULL, false)",
        {"p": "SELECT -r.k AS k, NOT r.b AS b FROM r", "g": "SELECT -r.x AS x, count(*) AS n FROM r GROUP BY -r.x"},
        "INSERT INTO r VALUES (3, 3, NULL); UPDATE r SET b = NOT b",
    ),
    case(
        "output names that stand twice",
        RS,
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
        f"{RS}; CREATE VIEW plain AS SELECT a.k, a.n, b.m FROM (SELECT k, count(*) AS n FROM r GROUP BY k) AS a JOIN (SELECT k, max(y) AS m FROM s GROUP BY k) AS b ON a.k = b.k",
        {
            "p": "SELECT r.x, plain.m FROM r JOIN plain ON r.k = plain.k",
            "l": "SELECT l.k FROM ((SELECT k FROM r) AS l JOIN (SELECT k FROM s) AS o ON l.k = o.k)",
        },
        "INSERT INTO r VALUES (1, 9); INSERT INTO s VALUES (1, 9)",
        "DELETE FROM s WHERE k = 1",
    ),
    case(
        "SELECT * over a USING join that stands among other joins",
        RS,
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
        RS,
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
        R,
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
        RS,
        {
            "o": "SELECT r.k, s.y FROM r LEFT JOIN s ON r.k = s.k",
            "n": "SELECT k, count(DISTINCT o.y) AS n FROM o GROUP BY k",
            "w": "SELECT k, rank() OVER (ORDER BY x) AS p FROM r",
            "i": "SELECT k FROM r WHERE k NOT IN (SELECT k FROM s WHERE k IS NOT NULL)",
        },
        "UPDATE s SET k = 1",
        "UPDATE r SET x = 10 - x",
        "UPDATE s SET y = NULL; UPDATE r SET k = 7 WHERE k = 1",
        asked="o n w i",
    ),
    case(
        "a view that is computed again hands on its difference",
        RS,
        {
            "o": "SELECT r.k, r.x, s.y FROM r LEFT JOIN s ON r.k = s.k",
            "g": "SELECT k, count(*) AS n, count(y) AS m, sum(x) AS s, min(y) AS low FROM o GROUP BY k",
            "j": "SELECT g.k, r.x FROM g JOIN r ON g.k = r.k",
            "d": "SELECT DISTINCT n FROM g",
        },
        "DELETE FROM s WHERE k = 2 AND y = 2",
        "DELETE FROM s WHERE k = 2; DELETE FROM s WHERE k = 1",
        "INSERT INTO s VALUES (1, 1), (1, 2); UPDATE r SET k = 1 WHERE k IS NULL",
        asked="o",
    ),
]
