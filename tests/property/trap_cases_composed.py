# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Constructs that went wrong together, as random composed queries found them (see long_run.py)."""

from __future__ import annotations

from trap_case import case

_A = (
    "CREATE TABLE a (id INT, g INT, v INT); INSERT INTO a VALUES (0, 0, 0), (1, 1, 2), (2, 2, 4), (3, 0, 1), (4, 1, 3),"
    " (5, NULL, 2), (6, NULL, NULL)"
)
_CHANGES = (
    "DELETE FROM a WHERE v = 4; INSERT INTO a VALUES (8, 2, 9), (9, 3, -1)",
    "UPDATE a SET g = 0 WHERE g = 1",
    "DELETE FROM a",
    "INSERT INTO a VALUES (1, 1, 1), (1, 1, 1), (2, NULL, NULL)",
)

COMPOSED = [
    case(
        "the first rows of partitions, which other views read",
        _A,
        {
            "w": "SELECT id, max(v) OVER (PARTITION BY g) AS m FROM a ORDER BY m DESC NULLS LAST, id LIMIT 3",
            "m": "SELECT g, median(v) AS m FROM a GROUP BY g ORDER BY m DESC NULLS LAST, g LIMIT 2",
            "down": "SELECT w.id, count(*) AS n FROM w JOIN m ON w.m >= m.m GROUP BY w.id",
        },
        *_CHANGES,
    ),
    case(
        "groups that have neither a key nor an aggregate",
        _A,
        {
            "one": "SELECT 1 AS x FROM a HAVING true",
            "none": "SELECT 1 AS x FROM a GROUP BY ()",
            "sets": "SELECT g FROM a GROUP BY ROLLUP (g)",
            "down": "SELECT count(*) AS n FROM sets CROSS JOIN one CROSS JOIN none",
            "inner_sets": "SELECT count(*) AS n FROM (SELECT 1 AS x FROM a GROUP BY CUBE (g, id)) AS q",
        },
        *_CHANGES,
    ),
    case(
        "conditions among the keys of grouping sets",
        _A,
        {
            "r": "SELECT g, v > 1 AS b, count(*) AS n, grouping(g, v > 1) AS i FROM a AS x GROUP BY ROLLUP (g, v > 1)",
            "c": "SELECT sum(id) AS s, g IS NULL AS n FROM a AS x GROUP BY CUBE (g IS NULL)",
        },
        *_CHANGES,
    ),
    case(
        "tables under an alias in texts that the planner does not read",
        _A + "; CREATE VIEW plain AS SELECT id, v! AS f FROM a AS y WHERE v > 0",
        {
            "f": "SELECT x.id, x.v! AS f FROM a AS x WHERE x.v > 0",
            "c": "WITH a AS (SELECT v FROM a AS z WHERE v > 0) SELECT sum(q.v!) AS s FROM a AS q",
            "p": "SELECT p.id FROM plain AS p WHERE p.f > 1",
        },
        *_CHANGES,
        full="f c",
    ),
    case(
        "VALUES inside of subqueries that read columns from outside",
        _A,
        {
            "s": "SELECT id, (SELECT sum(x.c) FROM (VALUES (0, 'a'), (3, 'b')) AS x(c, d) WHERE x.c < a.v) AS s FROM a",
            "e": "SELECT id FROM a WHERE EXISTS (SELECT 1 FROM (VALUES (0), (2)) AS x(c) WHERE x.c = a.g AND x.c < 2)",
            "o": "SELECT id, (SELECT q.c FROM (SELECT sum(x.c) AS c FROM (VALUES (0)) AS x(c)) AS q ORDER BY q.c LIMIT 1) AS s FROM a",
        },
        *_CHANGES,
    ),
    case(
        "values of several types in one column of rows that may conflict",
        "CREATE TABLE t (k INT PRIMARY KEY, x DOUBLE)",
        {"v": "SELECT k, x FROM t"},
        (
            "INSERT OR IGNORE INTO t VALUES (0, 0.5), (6, '-Infinity');"
            " INSERT INTO t VALUES (0, 1.5), (7, 'inf') ON CONFLICT (k) DO UPDATE SET x = excluded.x"
        ),
        "WITH q AS (SELECT 7 AS k) INSERT OR REPLACE INTO t (x, k) SELECT 2, k FROM q; INSERT OR REPLACE INTO t (k) VALUES ('6'), (8)",
    ),
]
