# ruff: noqa: E501 - a query stays on one line
"""Window functions over all rows that look backwards only: they follow from the first changed row on."""

from __future__ import annotations

from trap_case import case

_T = (
    "CREATE TABLE t (k INT, o INT, x INT, d DECIMAL(6, 2), s VARCHAR);"
    " INSERT INTO t SELECT i, i // 2, (i * 7) % 5, i / 4, chr(97 + i::INT) FROM range(9) AS r(i)"
)
_EPOCHS = (
    "INSERT INTO t VALUES (20, 20, 3, 1.5, 'z'), (21, 20, NULL, 2.5, 'y')",
    "INSERT INTO t VALUES (22, 21, 0, NULL, 'x'); INSERT INTO t VALUES (23, 22, 9, 0, NULL)",
    "DELETE FROM t WHERE k = 22",
    "INSERT INTO t VALUES (30, 2, 100, 9, 'm'); DELETE FROM t WHERE k = 21",
    "UPDATE t SET x = x + 1 WHERE k = 20",
    "DELETE FROM t WHERE o < 2",
    "INSERT INTO t VALUES (40, NULL, 1, 1, 'n')",
    "INSERT INTO t VALUES (41, 50, 1, 1, 'o'); UPDATE t SET o = 7 WHERE o IS NULL",
    "UPDATE t SET o = o + 1",
    "DELETE FROM t",
    "INSERT INTO t VALUES (1, 1, 1, 1, 'a'), (2, 1, 2, 2, 'b'), (3, 0, 3, 3, 'c')",
)

TAILS = [
    case(
        "numbers, ranks and running sums, extrema and counts over all rows",
        _T,
        {
            "numbers": "SELECT k, o, row_number() OVER (ORDER BY o, k) AS n FROM t",
            "ranks": "SELECT k, rank() OVER (ORDER BY o) AS r, dense_rank() OVER (ORDER BY o) AS d FROM t",
            "backwards": "SELECT k, row_number() OVER (ORDER BY o DESC, k) AS n, sum(x) OVER (ORDER BY o DESC) AS s FROM t",
            "sums": "SELECT k, sum(x) OVER (ORDER BY o) AS s, sum(d) OVER (ORDER BY o, k) AS d, count(x) OVER (ORDER BY o) AS c FROM t",
            "extrema": "SELECT k, min(x) OVER (ORDER BY o, k) AS l, max(s) OVER (ORDER BY o, k) AS h FROM t",
            "chosen": "SELECT k, sum(x) FILTER (WHERE x > 1) OVER (ORDER BY o, k) AS s, count(*) OVER (ORDER BY o, k) AS n FROM t",
        },
        *_EPOCHS,
    ),
    case(
        "rows before, and frames of some rows",
        _T,
        {
            "before": "SELECT k, lag(x) OVER (ORDER BY o, k) AS a, lag(x, 3, -1) OVER (ORDER BY o, k DESC) AS b FROM t",
            "frames": "SELECT k, sum(x) OVER (ORDER BY o, k ROWS 2 PRECEDING) AS s, max(d) OVER (ORDER BY o, k ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS m FROM t",
            "all_so_far": "SELECT k, count(*) OVER (ORDER BY o, k ROWS UNBOUNDED PRECEDING) AS n FROM t",
            "mixed": "SELECT k, lag(o) OVER (ORDER BY o, k) AS l, row_number() OVER (ORDER BY o, k) AS n, avg(x) OVER (ORDER BY o, k ROWS 1 PRECEDING) AS m FROM t",
        },
        *_EPOCHS,
        full="mixed",
    ),
    case(
        "over joins and groups, below filters and other views",
        _T + "; CREATE TABLE u (o INT, f INT); INSERT INTO u SELECT i, i % 2 FROM range(30) AS r(i)",
        {
            "joined": "SELECT t.k, row_number() OVER (ORDER BY t.o, t.k) AS n, sum(u.f) OVER (ORDER BY t.o, t.k) AS s FROM t JOIN u USING (o)",
            "daily": "SELECT o, count(*) AS n, sum(count(*)) OVER (ORDER BY o) AS total FROM t GROUP BY o",
            "odd": "SELECT k, n FROM (SELECT k, row_number() OVER (ORDER BY o, k) AS n FROM t) AS q WHERE n % 2 = 1",
            "first": "SELECT k FROM t QUALIFY row_number() OVER (ORDER BY o, k) <= 3",
            "skipped": "SELECT k, o FROM t ORDER BY o, k OFFSET 2",
            "expression": "SELECT k, row_number() OVER (ORDER BY o + x, k) AS n FROM t",
            "down": "SELECT n % 3 AS m, count(*) AS c FROM joined GROUP BY m",
        },
        *_EPOCHS,
    ),
    case(
        "window functions that look forwards, or whose sums round",
        _T,
        {
            "after": "SELECT k, lead(x) OVER (ORDER BY o, k) AS l FROM t",
            "share": "SELECT k, percent_rank() OVER (ORDER BY o, k) AS p FROM t",
            "doubles": "SELECT k, sum(x::DOUBLE) OVER (ORDER BY o, k) AS s FROM t",
            "two_orders": "SELECT k, row_number() OVER (ORDER BY o, k) AS a, row_number() OVER (ORDER BY k) AS b FROM t",
            "beyond": "SELECT k, sum(x) OVER (ORDER BY o, k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s FROM t",
            "others": "SELECT k, sum(x) OVER (ORDER BY o, k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) AS s FROM t",
        },
        *_EPOCHS,
        full="after share doubles two_orders beyond others",
    ),
]
