# ruff: noqa: E501 - a query stays on one line, to be read
"""The constructs that DuckDB's documentation of SELECT lists, an example each, over the tables of ``TABLES``.

A view is made of each. How it is maintained stands in ``docs/sql.md``, in a table that is made from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import duckdb

import mvengine

TABLES = """
CREATE TABLE t (k INTEGER, g INTEGER, x INTEGER, price DECIMAL(8, 2), name VARCHAR, day DATE, happened TIMESTAMP, flag BOOLEAN, xs INTEGER[]);
CREATE TABLE u (k INTEGER, y INTEGER, since DATE);
INSERT INTO t SELECT i, i % 3, i * 7 % 31, i * 1.25, 'n' || i % 5, DATE '2024-01-01' + i::INTEGER, TIMESTAMP '2024-01-01' + to_hours(i), i % 2 = 0, [i, i % 4] FROM range(12) AS r(i);
INSERT INTO t VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 1, 100, 0.5, 'n9', DATE '2024-02-01', TIMESTAMP '2024-02-01', NULL, []);
INSERT INTO u SELECT i * 2, i * 5 % 7, DATE '2024-01-02' + (3 * i)::INTEGER FROM range(6) AS r(i);
INSERT INTO u VALUES (NULL, 1, NULL), (2, 6, DATE '2024-01-03');
"""
EPOCHS = (
    """
    BEGIN;
    DELETE FROM t WHERE k IN (2, 5);
    INSERT INTO t VALUES (2, 2, 41, 9.5, 'new', DATE '2024-01-20', TIMESTAMP '2024-01-20', true, [7]);
    UPDATE t SET g = 0, x = x + 50 WHERE k = 7;
    DELETE FROM u WHERE k = 4;
    INSERT INTO u VALUES (5, 3, DATE '2024-01-06'), (7, 3, DATE '2024-01-09');
    UPDATE u SET y = y + 1 WHERE k = 0;
    COMMIT;
    """,
    """
    BEGIN;
    DELETE FROM u WHERE k IS NULL;
    DELETE FROM t WHERE k = 3;
    UPDATE t SET k = 4, price = 3 WHERE k = 9;
    INSERT INTO t VALUES (20, 5, 60, 77, 'n1', DATE '2024-03-01', TIMESTAMP '2024-03-01', false, [1, 2]);
    COMMIT;
    """,
)

SELECTS: dict[str, dict[str, str]] = {
    "SELECT and FROM": {
        "projection, expressions": "SELECT k, x + 1 AS more, upper(name) AS name, CASE WHEN flag THEN 1 ELSE 0 END AS n FROM t",
        "SELECT *": "SELECT * FROM t",
        "* EXCLUDE, REPLACE, RENAME": "SELECT * EXCLUDE (xs) REPLACE (x * 2 AS x) RENAME (name AS title) FROM t",
        "COLUMNS(…)": "SELECT COLUMNS('k|x') FROM t",
        "FROM first": "FROM u",
        "DISTINCT": "SELECT DISTINCT g, flag FROM t",
        "DISTINCT ON": "SELECT DISTINCT ON (g) g, k, x FROM t ORDER BY g, x DESC, k",
        "VALUES": "SELECT t.k, v.label FROM t JOIN (VALUES (0, 'zero'), (1, 'one')) AS v(g, label) ON t.g = v.g",
        "a query without a table": "SELECT 1 AS one",
        "subquery in FROM": "SELECT s.g, s.n FROM (SELECT g, count(*) AS n FROM t GROUP BY g) AS s WHERE s.n > 2",
        "table function range()": "SELECT t.k, r.i FROM t, range(3) AS r(i) WHERE t.g = r.i",
        "UNNEST in FROM": "SELECT t.k, u.v FROM t CROSS JOIN UNNEST(t.xs) AS u(v)",
        "UNNEST in SELECT": "SELECT k, unnest(xs) AS v FROM t",
        "USING SAMPLE": "SELECT k FROM t USING SAMPLE 3 ROWS",
        "TABLESAMPLE": "SELECT k FROM t TABLESAMPLE reservoir(20%)",
        "PIVOT": "PIVOT t ON flag USING sum(x) GROUP BY g",
        "PIVOT with IN": "SELECT * FROM (SELECT g, name, x FROM t) PIVOT (sum(x) FOR name IN ('n0', 'n1'))",
        "UNPIVOT": "SELECT * FROM (SELECT k, g, x FROM t) UNPIVOT (value FOR what IN (g, x))",
    },
    "JOIN": {
        "INNER JOIN": "SELECT t.k, u.y FROM t JOIN u ON t.k = u.k",
        "comma join": "SELECT t.k, u.y FROM t, u WHERE t.k = u.k AND t.x > u.y",
        "self-join": "SELECT a.k, b.k AS other FROM t AS a JOIN t AS b ON a.g = b.g AND a.x < b.x",
        "NATURAL JOIN": "SELECT k, x, y FROM t NATURAL JOIN u",
        "JOIN … USING": "SELECT k, x, y FROM t JOIN u USING (k)",
        "IS NOT DISTINCT FROM join": "SELECT t.x, u.y FROM t JOIN u ON t.k IS NOT DISTINCT FROM u.k",
        "join without equality": "SELECT t.k, u.k AS other FROM t JOIN u ON t.x < u.y",
        "range join": "SELECT t.k, u.k AS other FROM t JOIN u ON t.day BETWEEN u.since AND u.since + 3",
        "CROSS JOIN": "SELECT t.k, u.y FROM t CROSS JOIN u",
        "LEFT JOIN": "SELECT t.k, u.y FROM t LEFT JOIN u ON t.k = u.k",
        "LEFT JOIN with a residual": "SELECT t.k, u.y FROM t LEFT JOIN u ON t.k = u.k AND t.x > u.y",
        "LEFT JOIN without equality": "SELECT t.k, u.y FROM t LEFT JOIN u ON t.x < u.y",
        "LEFT JOIN … WHERE … IS NULL": "SELECT t.k FROM t LEFT JOIN u ON t.k = u.k WHERE u.k IS NULL",
        "RIGHT JOIN": "SELECT t.x, u.k FROM t RIGHT JOIN u ON t.k = u.k",
        "FULL JOIN": "SELECT t.k, u.k AS other FROM t FULL JOIN u ON t.k = u.k",
        "FULL JOIN … USING": "SELECT k, x, y FROM t FULL JOIN u USING (k)",
        "SEMI JOIN": "SELECT t.k, t.x FROM t SEMI JOIN u ON t.k = u.k",
        "ANTI JOIN": "SELECT t.k, t.x FROM t ANTI JOIN u ON t.k = u.k",
        "LATERAL": "SELECT t.k, l.y FROM t, LATERAL (SELECT max(u.y) AS y FROM u WHERE u.k < t.k) AS l",
        "LEFT JOIN LATERAL": "SELECT t.k, l.y FROM t LEFT JOIN LATERAL (SELECT u.y FROM u WHERE u.k = t.k) AS l ON true",
        "ASOF JOIN": "SELECT t.k, u.y FROM t ASOF JOIN u ON t.day >= u.since",
        "ASOF LEFT JOIN": "SELECT t.k, u.y FROM t ASOF LEFT JOIN u ON t.k = u.k AND t.day >= u.since",
        "POSITIONAL JOIN": "SELECT t.k, u.y FROM t POSITIONAL JOIN u",
    },
    "WHERE": {
        "WHERE": "SELECT k FROM t WHERE x > 5 AND (flag OR name LIKE 'n%')",
        "EXISTS": "SELECT k FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k)",
        "NOT EXISTS": "SELECT k FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.y > t.g)",
        "EXISTS without correlation": "SELECT k FROM t WHERE EXISTS (SELECT 1 FROM u WHERE y > 5)",
        "EXISTS under OR": "SELECT k FROM t WHERE x > 20 OR EXISTS (SELECT 1 FROM u WHERE u.k = t.k)",
        "IN (query)": "SELECT k FROM t WHERE k IN (SELECT k FROM u)",
        "NOT IN (query)": "SELECT k FROM t WHERE k NOT IN (SELECT k FROM u WHERE y > 1)",
        "IN (query) as an output": "SELECT k, k IN (SELECT k FROM u) AS found FROM t",
        "ANY": "SELECT k FROM t WHERE x > ANY (SELECT y FROM u)",
        "ALL": "SELECT k FROM t WHERE x > ALL (SELECT y FROM u WHERE u.k = t.k)",
        "scalar subquery": "SELECT k FROM t WHERE x > (SELECT avg(y) FROM u)",
        "correlated scalar subquery": "SELECT k, (SELECT max(y) FROM u WHERE u.k = t.k) AS y FROM t",
    },
    "GROUP BY and HAVING": {
        "GROUP BY": "SELECT g, count(*) AS n, sum(x) AS x FROM t GROUP BY g",
        "GROUP BY ALL": "SELECT g, flag, count(*) AS n FROM t GROUP BY ALL",
        "GROUP BY an expression": "SELECT g % 2 AS parity, sum(x) AS x FROM t GROUP BY 1",
        "global aggregate": "SELECT count(*) AS n, sum(x) AS x, min(x) AS lowest FROM t",
        "HAVING": "SELECT g, sum(x) AS x FROM t GROUP BY g HAVING count(*) > 3",
        "ROLLUP": "SELECT g, flag, sum(x) AS x FROM t GROUP BY ROLLUP (g, flag)",
        "CUBE": "SELECT g, flag, sum(x) AS x FROM t GROUP BY CUBE (g, flag)",
        "GROUPING SETS": "SELECT g, flag, grouping(g, flag) AS level, count(*) AS n FROM t GROUP BY GROUPING SETS ((g), (flag), ())",
        "FILTER": "SELECT g, count(*) FILTER (WHERE flag) AS n FROM t GROUP BY g",
        "agg(DISTINCT x)": "SELECT g, count(DISTINCT name) AS n, sum(DISTINCT x) AS x FROM t GROUP BY g",
        "ORDER BY in an aggregate": "SELECT g, string_agg(name, ',' ORDER BY x DESC) AS names FROM t GROUP BY g",
        "aggregate over a join": "SELECT u.y, sum(t.x) AS x FROM t JOIN u ON t.k = u.k GROUP BY u.y",
        "aggregate of an aggregate": "SELECT max(n) AS most FROM (SELECT g, count(*) AS n FROM t GROUP BY g)",
    },
    "Windows and QUALIFY": {
        "PARTITION BY": "SELECT k, sum(x) OVER (PARTITION BY g) AS x FROM t",
        "PARTITION BY, ORDER BY": "SELECT k, sum(x) OVER (PARTITION BY g ORDER BY k, x) AS x FROM t",
        "no PARTITION BY": "SELECT k, row_number() OVER (ORDER BY x, k) AS place FROM t",
        "two partitionings": "SELECT k, rank() OVER (PARTITION BY g ORDER BY x) AS a, count(*) OVER (PARTITION BY name) AS b FROM t",
        "ROWS frame": "SELECT k, avg(x) OVER (PARTITION BY g ORDER BY k, x ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS x FROM t",
        "RANGE frame": "SELECT k, sum(x) OVER (PARTITION BY g ORDER BY day RANGE BETWEEN INTERVAL 3 DAY PRECEDING AND CURRENT ROW) AS x FROM t",
        "GROUPS frame, EXCLUDE": "SELECT k, sum(x) OVER (PARTITION BY g ORDER BY flag GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) AS x FROM t",
        "named WINDOW": "SELECT k, min(x) OVER w AS a, max(x) OVER w AS b FROM t WINDOW w AS (PARTITION BY g ORDER BY k, x)",
        "IGNORE NULLS": "SELECT k, last_value(x IGNORE NULLS) OVER (PARTITION BY g ORDER BY k, x) AS x FROM t",
        "window over an aggregate": "SELECT g, sum(x) AS x, rank() OVER (PARTITION BY g % 2 ORDER BY sum(x)) AS place FROM t GROUP BY g",
        "QUALIFY": "SELECT g, k, x FROM t QUALIFY row_number() OVER (PARTITION BY g ORDER BY x DESC, k) <= 2",
    },
    "ORDER BY and LIMIT": {
        "ORDER BY": "SELECT k, x FROM t ORDER BY x",
        "LIMIT": "SELECT k, x FROM t ORDER BY x DESC, k LIMIT 3",
        "LIMIT … OFFSET": "SELECT k, x FROM t ORDER BY x, k LIMIT 3 OFFSET 2",
        "LIMIT of a percentage": "SELECT k, x FROM t ORDER BY x, k LIMIT 20%",
        "LIMIT without ORDER BY": "SELECT g FROM (SELECT DISTINCT g FROM t WHERE g = 1) LIMIT 1",
    },
    "Set operations": {
        "UNION ALL": "SELECT k FROM t UNION ALL SELECT k FROM u",
        "UNION": "SELECT k FROM t UNION SELECT k FROM u",
        "UNION ALL BY NAME": "SELECT k, x FROM t UNION ALL BY NAME SELECT y, k FROM u",
        "INTERSECT": "SELECT k FROM t INTERSECT SELECT k FROM u",
        "INTERSECT ALL": "SELECT k FROM t INTERSECT ALL SELECT k FROM u",
        "EXCEPT": "SELECT k FROM t EXCEPT SELECT k FROM u",
        "EXCEPT ALL": "SELECT g FROM t EXCEPT ALL SELECT y FROM u",
    },
    "WITH": {
        "CTE": "WITH s AS (SELECT g, sum(x) AS x FROM t GROUP BY g) SELECT g, x FROM s WHERE x > 10",
        "CTE used twice": "WITH s AS (SELECT g, sum(x) AS x FROM t GROUP BY g) SELECT a.g, b.g AS other FROM s AS a JOIN s AS b ON a.x < b.x",
        "MATERIALIZED CTE": "WITH s AS MATERIALIZED (SELECT k FROM u WHERE y > 1) SELECT t.k FROM t JOIN s ON t.k = s.k",
        "recursive CTE": "WITH RECURSIVE r AS (SELECT k, y FROM u WHERE k = 0 UNION SELECT u.k, u.y FROM u JOIN r ON u.k = r.k + 2) SELECT k, y FROM r",
        "recursive CTE with UNION ALL": "WITH RECURSIVE r(k, depth) AS (SELECT k, 0 FROM u UNION ALL SELECT k, depth + 1 FROM r WHERE depth < 2) SELECT k, depth FROM r",
    },
    "Functions with a hidden input": {
        "now(), current_date": "SELECT k FROM t WHERE day < current_date",
        "random(), uuid()": "SELECT k, random() AS luck FROM t",
        "files: read_csv and the like": "SELECT count(*) AS files FROM glob('*.none')",
    },
}  # fmt: skip

ARGUMENTS = {
    "approx_quantile": "x, 0.5", "approx_top_k": "g, 2", "bit_and": "x", "bit_or": "x", "bit_xor": "x", "bitstring_agg": "x, 0, 200",
    "bool_and": "flag", "bool_or": "flag", "count_if": "flag", "countif": "flag", "count_star": "", "decimal_average": "price",
    "histogram_exact": "g, [0, 1, 2]", "lttb": "k, x, 3", "product": "x / 10", "quantile": "x, 0.5", "quantile_cont": "x, 0.5",
    "quantile_disc": "x, 0.5", "reservoir_quantile": "x, 0.5, 100", "string_agg": "name, ','", "group_concat": "name, ','", "listagg": "name, ','",
    "variant_group_object": "coalesce(name, ''), x::VARIANT",
}  # fmt: skip
"""Of aggregates that take something else than one number."""

PAIRS = ("arg_", "argm", "corr", "covar_", "regr_", "max_by", "min_by")
ORDERED = (
    "any_value",
    "arbitrary",
    "array_agg",
    "first",
    "group_concat",
    "last",
    "list",
    "listagg",
    "string_agg",
    "mode",
)
"""Their results depend on the order of their rows: examples give one."""

SKIPPED = {"combine_aggr": "takes states of aggregates, which no table holds"}

FUNCTIONS = ("Aggregate functions", "Window functions")
WINDOWS = {
    "row_number": "", "rank": "", "dense_rank": "", "rank_dense": "", "percent_rank": "", "cume_dist": "", "ntile": "2",
    "lag": "x", "lead": "x", "first_value": "x", "last_value": "x", "nth_value": "x, 2", "fill": "x",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Example:
    section: str
    construct: str
    query: str


def examples() -> Iterator[Example]:
    """All of them, in the order of the document."""
    for section, queries in SELECTS.items():
        for construct, query in queries.items():
            yield Example(section=section, construct=construct, query=query)
    for name in aggregate_functions():
        if name not in SKIPPED:
            query = f"SELECT g, {aggregate_call(name)} AS v FROM t GROUP BY g"
            yield Example(section="Aggregate functions", construct=name, query=query)
    for name, arguments in WINDOWS.items():
        order = "k" if name == "fill" else "k, x"
        query = f"SELECT k, {name}({arguments}) OVER (PARTITION BY g ORDER BY {order}) AS v FROM t"
        yield Example(section="Window functions", construct=name, query=query)


def aggregate_functions() -> list[str]:
    """All that this DuckDB has."""
    names = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate' ORDER BY 1"
    with duckdb.connect() as connection:
        return [name for (name,) in connection.execute(names).fetchall()]


def aggregate_call(name: str) -> str:
    arguments = ARGUMENTS.get(name, "name, x" if name.startswith(PAIRS[:2]) or name in PAIRS[5:] else "x")
    if name.startswith(PAIRS[2:5]):
        arguments = "x, k"
    return f"{name}({arguments}{' ORDER BY x, name' if name in ORDERED else ''})"


def make_views(connection: mvengine.Connection, chosen: Iterable[Example]) -> dict[str, Example]:
    """The tables, and a view of each example; by its name."""
    connection.execute(TABLES)
    views = {f"v{number}": example for number, example in enumerate(chosen)}
    for name, example in views.items():
        connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {example.query}")
    return views


def table_of_strategies() -> str:
    """In Markdown: how each construct is maintained, and why so. Functions that are maintained alike share a row."""
    with mvengine.connect() as connection:
        views = make_views(connection, examples())
        rows = connection.execute("SELECT name, strategy, reason FROM mv_catalog.materialized_views").fetchall()
    found = {name: (strategy, reason) for name, strategy, reason in rows}
    lines = ["| construct | example | strategy | why |", "|---|---|---|---|"]
    for section, names in groupby(views, key=lambda name: views[name].section):
        lines.append(f"| **{section}** | | | |")
        if section in FUNCTIONS:
            lines += _functions([(views[name], *found[name]) for name in names])
        else:
            lines += [_row(views[name].construct, views[name].query, *found[name]) for name in names]
    return "".join(f"{line}\n" for line in lines)


def _functions(measured: list[tuple[Example, str, str]]) -> list[str]:
    """A row for those of one strategy and reason."""
    alike: dict[tuple[str, str], list[Example]] = {}
    for example, strategy, reason in measured:
        alike.setdefault((strategy, reason), []).append(example)
    return [
        _row(", ".join(f"`{example.construct}`" for example in them), them[0].query, *how)
        for how, them in alike.items()
    ]


def _row(construct: str, query: str, strategy: str, reason: str) -> str:
    cells = (construct, f"`{query}`", strategy, reason)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
