# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Traps of windows, orders and limits. Orders are total where rows tie: which of them is kept is nobody's promise."""

from __future__ import annotations

from trap_case import R, case

_A = (
    "CREATE TABLE a (id INT, g INT, v INT); INSERT INTO a VALUES (0, 0, 0), (1, 1, 2), (2, 2, 4), (3, 0, 1), (4, 1, 3),"
    " (5, 2, 0), (6, NULL, 2), (7, NULL, NULL), (7, NULL, NULL)"
)
_CHANGES = (
    "DELETE FROM a WHERE v = 4; INSERT INTO a VALUES (8, 2, 9), (9, 3, -1)",
    "UPDATE a SET g = 0 WHERE g = 1; UPDATE a SET v = v + 1 WHERE id IN (3, 7)",
    "DELETE FROM a WHERE g IS NULL OR id = 9",
    "DELETE FROM a",
    "INSERT INTO a VALUES (1, 1, 1), (1, 1, 1), (2, NULL, NULL)",
)

ORDERS = [
    case(
        "windows that are named, inherit, and have every kind of frame",
        _A,
        {
            "n": "SELECT id, g, sum(v) OVER w AS s, count(*) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS c FROM a WINDOW w AS (PARTITION BY g ORDER BY id, v)",
            "i": "SELECT id, sum(v) OVER (w ORDER BY id, v) AS x FROM a WINDOW w AS (PARTITION BY g)",
            "r": "SELECT id, g, rank() OVER w AS r, dense_rank() OVER w AS d, percent_rank() OVER w AS p, cume_dist() OVER w AS c, ntile(2) OVER w AS t FROM a WINDOW w AS (PARTITION BY g ORDER BY id, v)",
            "l": "SELECT id, g, v, lag(v, 1, -1) OVER w AS l, lead(v IGNORE NULLS) OVER w AS d, first_value(v IGNORE NULLS) OVER w AS f, nth_value(v, 2) OVER w AS n FROM a WINDOW w AS (PARTITION BY g ORDER BY id, v)",
            "e": "SELECT id, g, sum(v) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) AS s, sum(v) OVER (PARTITION BY g ORDER BY id GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS t, count(*) OVER (PARTITION BY g ORDER BY v RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS n FROM a",
            "f": "SELECT id, g, sum(v) FILTER (WHERE v > 1) OVER (PARTITION BY g) AS s, count(DISTINCT v) OVER (PARTITION BY g) AS d FROM a",
            "ag": "SELECT g, v, sum(count(*)) OVER (PARTITION BY g ORDER BY v) AS s FROM a GROUP BY g, v",
            "t": "SELECT id, sum(v) OVER (PARTITION BY g) AS s, count(*) OVER (PARTITION BY v) AS c FROM a",
            "q": "SELECT id, g, v, rank() OVER (PARTITION BY g ORDER BY v) AS r FROM a QUALIFY r <= 2",
        },
        *_CHANGES,
    ),
    case(
        "the first rows of an order, few and many, and what is made of them",
        _A,
        {
            "t": "SELECT id, g, v FROM a ORDER BY v DESC, id, g LIMIT 3",
            "o": "SELECT id, g, v FROM a ORDER BY v DESC NULLS FIRST, id LIMIT 2 OFFSET 1",
            "z": "SELECT id FROM a LIMIT 0",
            "h": "SELECT id FROM a ORDER BY v * -1, id LIMIT 3",
            "x": "SELECT g + 1 AS h FROM a ORDER BY h * -1, id LIMIT 2",
            "g": "SELECT g, sum(v) AS s FROM a GROUP BY g ORDER BY s DESC, g LIMIT 2",
            "c": "SELECT max(v) AS m, g FROM a GROUP BY g ORDER BY count(*) DESC, g LIMIT 1",
            "d": "SELECT DISTINCT g FROM a ORDER BY g LIMIT 2",
            "n": "SELECT sum(q.v) AS s FROM (SELECT v FROM a ORDER BY v, id LIMIT 2) AS q",
            "w": "WITH q AS (SELECT id, g FROM a ORDER BY id, g LIMIT 3) SELECT q.id, count(*) AS n FROM q JOIN a ON a.g = q.g GROUP BY q.id",
            "u": "(SELECT id FROM a ORDER BY id LIMIT 1) UNION ALL (SELECT v FROM a ORDER BY v DESC NULLS LAST LIMIT 1)",
            "s": "SELECT id FROM a UNION SELECT v FROM a ORDER BY id LIMIT 2",
            "down": "SELECT count(*) AS n, sum(s) AS s FROM g",
            "downer": "SELECT h, count(*) AS n FROM x GROUP BY h",
        },
        *_CHANGES,
    ),
    case(
        "limits that need all rows: an offset alone, a percentage",
        _A,
        {
            "o": "SELECT q.id, count(*) AS n FROM (SELECT id FROM a ORDER BY id, v OFFSET 2) AS q GROUP BY q.id",
            "p": "SELECT id, g, v FROM a ORDER BY v DESC, id, g LIMIT 40% OFFSET 1",
            "e": "SELECT id, g, v FROM a ORDER BY v, id, g LIMIT (1 + 1)",
        },
        *_CHANGES,
        full="p",
    ),
    case(
        "DISTINCT ON, in an order and in a part of it",
        _A,
        {
            "d": "SELECT DISTINCT ON (g) g, id, v FROM a ORDER BY g, id DESC, v",
            "h": "SELECT DISTINCT ON (g) v FROM a ORDER BY g, v DESC NULLS LAST",
            "e": "SELECT DISTINCT ON (g % 2) g % 2 AS p, min(v) AS m FROM a GROUP BY g ORDER BY p, m",
            "l": "SELECT DISTINCT ON (g) g, v, id FROM a ORDER BY g, v, id LIMIT 2",
            "c": "SELECT DISTINCT ON (a.v > 1) -a.v AS v FROM a ORDER BY a.v",
            "f": "SELECT -a.id AS id FROM a ORDER BY a.id LIMIT 2",
        },
        *_CHANGES,
    ),
    case(
        "columns that are called as what a limit computes",
        "CREATE TABLE r (place INT, before INT, copies INT, position INT, total INT, first INT); INSERT INTO r SELECT i, i % 2, i, i, i, i FROM range(5) AS t(i)",
        {
            "t": "SELECT * FROM r ORDER BY before DESC, place LIMIT 2",
            "d": "SELECT DISTINCT ON (before) * FROM r ORDER BY before, place DESC",
        },
        "DELETE FROM r WHERE place = 3",
        "INSERT INTO r SELECT i, i % 3, i, i, i, i FROM range(9) AS t(i)",
    ),
    case(
        "equal rows at the end of the first rows",
        R,
        {"t": "SELECT x FROM r ORDER BY x LIMIT 1", "k": "SELECT k, x FROM r ORDER BY k, x LIMIT 2"},
        "DELETE FROM r WHERE rowid = (SELECT min(rowid) FROM r WHERE x = 1)",
        "INSERT INTO r VALUES (0, 0), (0, 0), (0, 0)",
        "DELETE FROM r WHERE rowid IN (SELECT min(rowid) FROM r WHERE x = 0)",
        "DELETE FROM r WHERE x = 0",
        "UPDATE r SET x = 7",
    ),
]
