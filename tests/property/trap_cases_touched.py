# ruff: noqa: E501 - a query stays on one line
"""Joins that are no inner ones and have no equality: they follow by the rows that a change can touch."""

from __future__ import annotations

from trap_case import case

_LR = (
    "CREATE TABLE l (k INT, x INT); CREATE TABLE r (k INT, y INT);"
    " INSERT INTO l VALUES (1, 1), (1, 1), (2, 3), (3, NULL), (4, 5), (NULL, 0);"
    " INSERT INTO r VALUES (1, 0), (2, 2), (2, 2), (3, NULL), (4, 9)"
)
_EPOCHS = (
    "INSERT INTO r VALUES (5, 2), (5, 1)",
    "DELETE FROM r WHERE y = 2",
    "INSERT INTO l VALUES (5, 2), (5, 2), (6, NULL), (7, -1); INSERT INTO r VALUES (6, 1), (6, 1), (7, 4)",
    "DELETE FROM l WHERE x = 1; DELETE FROM r WHERE y = 1; INSERT INTO l VALUES (8, 1)",
    "UPDATE l SET x = x + 1; UPDATE r SET y = y - 1",
    "DELETE FROM r",
    "INSERT INTO r SELECT i % 3, i % 5 FROM range(12) AS t(i); DELETE FROM l WHERE k = 5",
    "DELETE FROM l; INSERT INTO l VALUES (1, 2), (2, 2)",
)

TOUCHED = [
    case(
        "outer joins by an inequality, a range, a difference, a disjunction",
        _LR,
        {
            "less": "SELECT l.k, x, y FROM l LEFT JOIN r ON x < y",
            "on_right": "SELECT l.k, r.k AS rk, x, y FROM l RIGHT JOIN r ON x >= y",
            "on_both": "SELECT l.k, r.k AS rk, x, y FROM l FULL JOIN r ON x > y",
            "in_range": "SELECT l.k, count(r.k) AS n, sum(y) AS s FROM l LEFT JOIN r ON y BETWEEN x - 1 AND x + 1 GROUP BY l.k",
            "other": "SELECT l.k, y FROM l FULL JOIN r ON x <> y AND l.k <> r.k",
            "either": "SELECT l.k, x, r.k AS rk FROM l LEFT JOIN r ON l.k = r.k OR x = y",
            "sum": "SELECT l.k, r.k AS rk FROM l FULL JOIN r ON l.k + r.k > 4 AND x IS NOT NULL",
        },
        *_EPOCHS,
    ),
    case(
        "outer joins by a condition on one side, or by none",
        _LR,
        {
            "always": "SELECT l.k, y FROM l LEFT JOIN r ON true",
            "never": "SELECT l.k, y FROM l FULL JOIN r ON false",
            "left_only": "SELECT l.k, x, y FROM l LEFT JOIN r ON x > 1",
            "right_only": "SELECT l.k, x, y FROM l FULL JOIN r ON y = 2",
            "unknown": "SELECT l.k, y FROM l LEFT JOIN r ON NULL",
        },
        *_EPOCHS,
    ),
    case(
        "semijoins and antijoins without an equality",
        _LR,
        {
            "with_one": "SELECT l.k, x FROM l SEMI JOIN r ON x < y",
            "without": "SELECT l.k, x FROM l ANTI JOIN r ON x < y",
            "exists": "SELECT k, x FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.y > l.x)",
            "none": "SELECT k, x FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.y > l.x AND r.k <> l.k)",
            "value": "SELECT k, EXISTS (SELECT 1 FROM r WHERE r.y > l.x) AS e FROM l",
        },
        *_EPOCHS,
    ),
    case(
        "the nearest row of all",
        "CREATE TABLE l (k INT, x INT); CREATE TABLE r (y INT, z INT); INSERT INTO l VALUES (1, 1), (2, 5), (2, 5), (3, NULL);"
        " INSERT INTO r VALUES (0, 1), (4, 2)",
        {
            "nearest": "SELECT l.k, y, z FROM l ASOF JOIN r ON l.x >= r.y",
            "or_none": "SELECT l.k, x, y, z FROM l ASOF LEFT JOIN r ON l.x > r.y",
        },
        "INSERT INTO r VALUES (3, 3), (5, 4), (-1, 5)",
        "DELETE FROM r WHERE y = 4; INSERT INTO l VALUES (4, 4), (5, -1)",
        "UPDATE l SET x = x - 1; DELETE FROM r WHERE y = 3",
        "DELETE FROM r",
        "INSERT INTO r VALUES (7, 7); UPDATE l SET x = 9 WHERE k = 2",
    ),
    case(
        "one table on both sides, joins above each other, views above",
        _LR,
        {
            "own": "SELECT a.k, a.x, b.x AS y FROM l AS a LEFT JOIN l AS b ON a.x < b.x",
            "own_full": "SELECT a.k, b.k AS bk FROM l AS a FULL JOIN l AS b ON a.x < b.x",
            "chain": "SELECT a.k, r.y, b.x FROM l AS a LEFT JOIN r ON a.x < r.y LEFT JOIN l AS b ON b.k > r.k",
            "grouped": "SELECT l.k, g.m FROM l LEFT JOIN (SELECT k, max(y) AS m FROM r GROUP BY k) AS g ON g.m > l.x",
            "down": "SELECT y, count(*) AS n FROM own GROUP BY y",
            "downer": "SELECT l.k, c.y FROM l LEFT JOIN chain AS c ON c.y > l.x",
        },
        *_EPOCHS,
    ),
]
