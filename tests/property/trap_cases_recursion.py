# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Traps of recursive CTEs: cycles, other paths, changes that only insert, only delete, or do both."""

from __future__ import annotations

from trap_case import case

_E = "CREATE TABLE e (src INT, dst INT); INSERT INTO e VALUES (1, 2), (2, 3), (1, 3), (3, 4), (NULL, 1), (5, 5)"
_REACHED = "WITH RECURSIVE r(s, d) AS (SELECT src, dst FROM e UNION SELECT r.s, e.dst FROM r JOIN e ON r.d = e.src)"
_PATHS = (
    "WITH RECURSIVE r(s, d, n) AS (SELECT src, dst, 1 FROM e WHERE src < 3"
    " UNION ALL SELECT r.s, e.dst, n + 1 FROM r JOIN e ON r.d = e.src WHERE n < 5)"
)
_CHANGES = (
    "INSERT INTO e VALUES (4, 6), (6, 7)",
    "INSERT INTO e VALUES (7, 1)",  # a cycle
    "DELETE FROM e WHERE src = 2",  # there is another path to 3
    "DELETE FROM e WHERE src = 1 AND dst = 3; INSERT INTO e VALUES (2, 3), (2, 3)",
    "UPDATE e SET dst = NULL WHERE src = 6",
    "DELETE FROM e WHERE src IS NULL OR dst IS NULL",
    "DELETE FROM e",
    "INSERT INTO e VALUES (1, 1), (1, 1), (2, 1)",
)

RECURSIONS = [
    case(
        "what a step asks of its own rows, by more than joins",
        f"{_E}; CREATE TABLE n (d INT); INSERT INTO n VALUES (2), (3)",
        {
            "l": "WITH RECURSIVE r AS (SELECT 1 AS d UNION SELECT e.dst FROM r LEFT JOIN e ON r.d = e.src) SELECT d FROM r",
            "x": "WITH RECURSIVE r AS (SELECT 1 AS d UNION SELECT e.dst FROM r JOIN e ON r.d = e.src WHERE EXISTS (SELECT 1 FROM n WHERE n.d = e.dst)) SELECT d FROM r",
            "m": "WITH RECURSIVE r AS (SELECT 1 AS d, 0 AS n UNION SELECT max(e.dst), n + 1 FROM r JOIN e ON r.d = e.src WHERE n < 3 GROUP BY n) SELECT d, n FROM r",
        },
        *_CHANGES,
        "INSERT INTO n VALUES (1); DELETE FROM n WHERE d = 2",
        full="l x m",
    ),
    case(
        "what can be reached, by UNION",
        _E,
        {
            "t": f"{_REACHED} SELECT s, d FROM r",
            "p": f"{_REACHED} SELECT d FROM r WHERE s = 1",
            "c": f"{_REACHED} SELECT s, count(*) AS n FROM r GROUP BY s",
            "twice": f"{_REACHED} SELECT x.s, y.d FROM r AS x JOIN r AS y ON x.d = y.s",
            "below": "SELECT count(*) AS n, sum(d) AS d FROM p",
        },
        *_CHANGES,
    ),
    case(
        "all paths, by UNION ALL",
        _E,
        {
            "t": f"{_PATHS} SELECT s, d, n FROM r",
            "p": f"{_PATHS} SELECT d FROM r WHERE n > 1",
            "m": f"{_PATHS} SELECT d, min(n) AS n FROM r GROUP BY d",
            "below": "SELECT count(*) AS n FROM p",
        },
        *_CHANGES,
    ),
    case(
        "over other tables, groups and itself",
        f"{_E}; CREATE TABLE w (k INT, x INT); INSERT INTO w VALUES (1, 1), (2, 1), (3, 0)",
        {
            "g": "WITH RECURSIVE q AS (SELECT src, count(*) AS n FROM e GROUP BY src), r(s, d) AS (SELECT src, src FROM q WHERE n > 1 UNION SELECT x.s, e.dst FROM r AS x JOIN e ON x.d = e.src JOIN q ON q.src = e.src) SELECT s, d FROM r",
            "j": "WITH RECURSIVE r(d) AS (SELECT k FROM w WHERE x = 1 UNION SELECT e.dst FROM e, r, w WHERE e.src = r.d AND w.k = e.src AND w.x < 2) SELECT d FROM r",
        },
        "INSERT INTO e VALUES (3, 1), (4, 2); INSERT INTO w VALUES (4, 1)",
        "DELETE FROM e WHERE src = 1; DELETE FROM w WHERE k = 2",
        "INSERT INTO w VALUES (2, 1), (2, 1); INSERT INTO e VALUES (2, 2)",
        "UPDATE w SET x = 1 - x; DELETE FROM e WHERE dst = 2",
        "DELETE FROM w",
    ),
    case(
        "a step that reads the rows twice",
        _E,
        {
            "t": "WITH RECURSIVE r(s, d) AS (SELECT src, dst FROM e UNION SELECT x.s, y.d FROM r AS x JOIN r AS y ON x.d = y.s) SELECT s, d FROM r"
        },
        *_CHANGES,
        full="t",
    ),
]
