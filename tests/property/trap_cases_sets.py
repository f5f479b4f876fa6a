# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Traps of set operations."""

from __future__ import annotations

from trap_case import RS, case

_OPERATIONS = ("INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL", "UNION", "UNION ALL")

SETS = [
    case(
        "multiplicities of all six set operations, NULL and duplicates among the rows",
        RS,
        {
            f"{'one' if columns == 'k' else 'two'}_{operation.replace(' ', '_').lower()}": f"SELECT {columns} FROM r {operation} SELECT {columns.replace('x', 'y')} FROM s"
            for operation in _OPERATIONS
            for columns in ("k", "k, x")
        },
        "INSERT INTO s VALUES (2, 2), (NULL, 3), (NULL, NULL); INSERT INTO r VALUES (NULL, NULL), (NULL, NULL), (2, 2)",
        "DELETE FROM s WHERE y = 2; DELETE FROM r WHERE x = 1",
        "UPDATE r SET k = 2; UPDATE s SET k = NULL",
        "DELETE FROM r; INSERT INTO s VALUES (2, 2)",
        "INSERT INTO r SELECT 2, 2 FROM range(4); DELETE FROM s",
    ),
    case(
        "an insert on the right takes rows away, nested and mixed with CTEs, joins and groups",
        RS,
        {
            "nested": "SELECT k FROM r EXCEPT ALL (SELECT k FROM s INTERSECT SELECT x FROM r)",
            "mixed": "SELECT k FROM r UNION SELECT k FROM s EXCEPT SELECT y FROM s INTERSECT ALL SELECT x FROM r ORDER BY 1",
            "shared": "WITH c AS (SELECT k FROM r EXCEPT ALL SELECT k FROM s), d AS (SELECT k AS j FROM c UNION ALL SELECT y FROM s) SELECT k, count(*) AS n FROM c JOIN d ON j = k GROUP BY k",
            "padded": "SELECT c.k, s.y FROM (SELECT k FROM r INTERSECT ALL SELECT k FROM s) AS c LEFT JOIN s ON s.k = c.k",
            "grouped": "SELECT k, count(*) AS n FROM r GROUP BY k EXCEPT SELECT y, count(*) FROM s GROUP BY y",
            "itself": "SELECT k, x FROM r EXCEPT SELECT k, x FROM r WHERE x > 1",
        },
        "INSERT INTO s VALUES (1, 1), (1, 2); INSERT INTO r VALUES (1, 2), (3, 3)",
        "DELETE FROM s WHERE k = 1; UPDATE r SET x = 1 WHERE k IS NULL",
        "UPDATE r SET k = x, x = k; UPDATE s SET k = y, y = k",
        "TRUNCATE r; INSERT INTO s VALUES (NULL, NULL)",
    ),
    case(
        "columns by name, of other types, called alike or as the plan's own",
        RS,
        {
            "named": "SELECT k, x AS v FROM r UNION ALL BY NAME SELECT y + 0.5 AS V, k + 1 AS other FROM s",
            "different": "SELECT k, x AS v FROM r UNION BY NAME SELECT y AS v, CAST(k AS BIGINT) AS k FROM s",
            "alike": "SELECT k, k FROM r INTERSECT ALL SELECT k, k FROM s",
            "own": "SELECT k AS in_left, x AS copy, 1 AS rows FROM r EXCEPT ALL SELECT k, y, 1.0 FROM s",
        },
        "INSERT INTO s VALUES (1, 1), (1, 1); INSERT INTO r VALUES (3, NULL), (1, 1), (1, 1)",
        "DELETE FROM r WHERE k = 1; UPDATE s SET y = NULL WHERE k = 2",
        "UPDATE r SET k = NULL; DELETE FROM s WHERE k IS NULL",
    ),
]
