# ruff: noqa: E501 - a statement stays on one line, to be pasted
"""Traps of grouping sets, of DISTINCT arguments, and of aggregates whose groups are derived again."""

from __future__ import annotations

from trap_case import R, case

_T = (
    "CREATE TABLE t (a INT, b VARCHAR, x INT, d DECIMAL(9,2)); "
    "INSERT INTO t VALUES (1, 'p', 1, 0.1), (1, 'q', 2, 0.2), (1, NULL, 3, 0.4), (NULL, 'p', 3, 0.7), (NULL, NULL, NULL, NULL)"
)
_CHANGES = (
    "INSERT INTO t VALUES (2, 'q', 2, 1.1), (NULL, 'p', 5, 2.2), (1, 'p', 1, 0.1); DELETE FROM t WHERE x = 2",
    "UPDATE t SET a = NULL WHERE a = 1; UPDATE t SET b = 'r', x = NULL WHERE b = 'p'",
    "DELETE FROM t WHERE b IS NOT NULL",
    "DELETE FROM t",
    "INSERT INTO t VALUES (1, 'p', 7, 3.3)",
)

GROUPING = [
    case(
        "a NULL key and a subtotal stay apart, () over nothing is one row, a set twice gives its rows twice",
        _T,
        {
            "rollup_": "SELECT a, b, count(*) AS n, sum(x) AS s, avg(x) AS m, round(avg(d), 9) AS e, max(x) AS h, grouping(a, b) AS g FROM t GROUP BY ROLLUP (a, b)",
            "cube_": "SELECT a + 1 AS h, b, count(x) AS n, sum(d) AS s, grouping_id(b) AS g FROM t GROUP BY CUBE (a + 1, b) HAVING count(*) > 1",
            "sets": "SELECT a, b, min(x) AS n FROM t GROUP BY GROUPING SETS ((a), (b), (), (a), (a, b))",
            "product": "SELECT a, b, count(*) AS n, round(avg(d), 9) AS e FROM t GROUP BY a, ROLLUP (b)",
            "labelled": "SELECT coalesce(b, '-') AS b, CASE WHEN grouping(b) = 1 THEN 'all' ELSE 'one' END AS t, sum(x) FILTER (WHERE x > 1) AS s FROM t GROUP BY ROLLUP (b)",
            "distinct_": "SELECT a, count(DISTINCT x) AS d FROM t GROUP BY ROLLUP (a)",
            "derived": "SELECT a, b, median(x) AS m FROM t GROUP BY GROUPING SETS ((a), (b))",
            "number": "SELECT a, grouping(a) AS z, count(*) AS n FROM t GROUP BY a",
        },
        *_CHANGES,
    ),
    case(
        "forms of GROUP BY that have no key, or name it otherwise",
        _T,
        {
            "nothing": "SELECT count(*) AS n FROM t GROUP BY ()",
            "constants": "SELECT 1 AS one, count(*) AS n FROM t GROUP BY ALL",
            "all_": "SELECT a, 5 AS five, x + 1 AS w, count(*) AS s FROM t GROUP BY ALL",
            "ordinals": "SELECT b AS y, a, max(d) AS m FROM t GROUP BY 2, y",
            "row_": "SELECT a, b, count(*) AS n FROM t GROUP BY (a, b)",
            "having_": "SELECT 7 AS x FROM t HAVING true",
            "having_key": "SELECT a FROM t GROUP BY a HAVING a > 0",
            "distinct_": "SELECT DISTINCT count(*) AS n FROM t GROUP BY a",
        },
        *_CHANGES,
    ),
    case(
        "DISTINCT arguments with duplicates and NULL, beside other aggregates, with and without a key",
        _T,
        {
            "one": "SELECT a, count(DISTINCT x) AS c, sum(DISTINCT x) AS s, avg(DISTINCT x) AS v, count(*) AS n, sum(x) AS t, avg(x) AS e, min(d) AS m FROM t GROUP BY a",
            "whole": "SELECT count(DISTINCT b) AS c, max(x) AS m, round(avg(d), 9) AS e, count(x) AS n FROM t",
            "filtered": "SELECT a, count(DISTINCT b) FILTER (WHERE x > 1) AS c FROM t GROUP BY a",
            "several": "SELECT a, count(DISTINCT b) AS c, sum(DISTINCT x) AS s FROM t GROUP BY a",
            "decimal_": "SELECT a, avg(DISTINCT d) AS v, sum(DISTINCT d) AS s FROM t GROUP BY a",
            "key_": "SELECT a, count(DISTINCT a) AS c, count(DISTINCT x) AS value FROM t GROUP BY a",
        },
        *_CHANGES,
    ),
    case(
        "conditions over only NULL are NULL, and counted ones are not",
        R,
        {
            "g": "SELECT k, bool_or(x > 1) AS o, bool_and(x > 1) AS n, count_if(x = 1) AS c, bool_and(k = 1) FILTER (WHERE x > 1) AS f FROM r GROUP BY k",
            "t": "SELECT bool_or(x > 1) AS o, bool_and(x > 1) AS n, count_if(x = 1) AS c, mean(x) AS m FROM r",
        },
        "UPDATE r SET x = NULL WHERE k = 1",
        "INSERT INTO r VALUES (1, 2), (NULL, 1)",
        "UPDATE r SET x = 1 WHERE x = 2",
        "DELETE FROM r",
    ),
    case(
        "groups without a state, with order, ties and several arguments",
        _T,
        {
            "ordered": "SELECT a, mode() WITHIN GROUP (ORDER BY x) AS m, percentile_cont(0.3) WITHIN GROUP (ORDER BY x DESC) AS p, list(DISTINCT x ORDER BY x) AS l FROM t GROUP BY a HAVING count(*) < 3",
            "several": "SELECT a, max(x, 2) AS m, arg_max(b, x * 100 + 1) AS g, string_agg(b, '-' ORDER BY b DESC, x) FILTER (WHERE x > 1) AS s, bit_xor(x) AS p FROM t GROUP BY a",
            "spread": "SELECT b, stddev(x) AS s, histogram(x) AS h, arg_min_null(x, d) AS n FROM t GROUP BY b",
        },
        *_CHANGES,
    ),
]
