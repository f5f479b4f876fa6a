"""Every aggregate that the engine lists, in its plain form, with FILTER and with DISTINCT: exact after each change."""

from __future__ import annotations

import duckdb
import pytest

import mvengine

REGRESSIONS = [f"regr_{name}" for name in ("avgx", "avgy", "count", "intercept", "r2", "slope", "sxx", "sxy", "syy")]
ARGUMENTS = {
    "approx_quantile": "x, 0.5",
    "approx_top_k": "x, 2",
    "arg_max": "y, id",
    "arg_max_null": "y, id",
    "arg_max_nulls_last": "y, id",
    "arg_min": "y, id",
    "arg_min_null": "y, id",
    "arg_min_nulls_last": "y, id",
    "argmax": "y, id",
    "argmin": "y, id",
    "bitstring_agg": "x, 0, 40",
    "bool_and": "x > 1",
    "bool_or": "x > 1",
    "corr": "x, y",
    "count_if": "x > 1",
    "countif": "x > 1",
    "count_star": "",
    "covar_pop": "x, y",
    "covar_samp": "x, y",
    "decimal_average": "d",
    "histogram_exact": "x, [0, 1, 2, 3]",
    "lttb": "id, y, 3",
    "max_by": "y, id",
    "min_by": "y, id",
    "quantile": "x, 0.5",
    "quantile_cont": "x, 0.25",
    "quantile_disc": "x, 0.75",
    "reservoir_quantile": "x, 0.5, 8192",
    "sum_no_overflow": "CAST(x AS INTEGER)",
    **dict.fromkeys(REGRESSIONS, "x, y"),
}
ORDERED = frozenset(
    {"any_value", "arbitrary", "array_agg", "first", "group_concat", "last", "list", "listagg", "lttb", "string_agg"}
)
"""Whose result depends on the order of rows."""
INTERNAL = frozenset({"combine_aggr", "variant_group_object"})
"""Which take arguments that no query can write, or a type without equality."""
PLAIN_ONLY = frozenset({"count_star"})
WITHOUT_DISTINCT = frozenset({*REGRESSIONS, "corr", "covar_pop", "covar_samp", "lttb"})
"""DISTINCT before two arguments is a form of these that the planner does not read."""
FUNCTIONS = sorted(
    row[0]
    for row in duckdb.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate' AND internal"
    ).fetchall()
    if row[0] not in INTERNAL
)
EPOCHS = (
    "INSERT INTO t VALUES (20, 1, 3, 2.5, 1.5), (21, 4, NULL, NULL, NULL)",
    "UPDATE t SET x = x + 1, y = -y WHERE id % 3 = 0",
    "DELETE FROM t WHERE k = 2 OR x = 1",
)


def forms(function: str) -> tuple[str, ...]:
    """The function's calls in one view."""
    arguments = ARGUMENTS.get(function, "x")
    order = " ORDER BY id" if function in ORDERED else ""
    plain = f"{function}({arguments}{order})"
    if function in PLAIN_ONLY:
        return (plain,)
    distinct_order = f" ORDER BY {arguments}" if function in ORDERED else ""
    filtered = f"{function}({arguments}{order}) FILTER (WHERE y > 0)"
    distinct = f"{function}(DISTINCT {arguments}{distinct_order})"
    return (plain, filtered) if function in WITHOUT_DISTINCT else (plain, filtered, distinct)


def rows(connection: mvengine.Connection, query: str) -> list[tuple[object, ...]]:
    found = connection.execute(query).fetchall()
    return sorted((tuple(rounded(value) for value in row) for row in found), key=repr)


def rounded(value: object) -> object:
    """Doubles in twelve digits: the engine adds in any order."""
    if isinstance(value, float):
        return "NaN" if value != value else float(f"{value:.12g}")
    return [rounded(item) for item in value] if isinstance(value, list) else repr(value)


def test_every_aggregate_of_the_engine_is_known_here() -> None:
    assert set(ARGUMENTS) | ORDERED <= set(FUNCTIONS)
    assert len(FUNCTIONS) > 70


@pytest.mark.parametrize("part", range(4))
def test_an_aggregate_equals_its_query_after_every_change(part: int) -> None:
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (id INTEGER, k INTEGER, x INTEGER, y DOUBLE, d DECIMAL(9, 2))")
        connection.execute(
            "INSERT INTO t SELECT i, nullif(i % 4, 0), nullif(i % 5, 2), i - 4.5, i / 10 FROM range(14) r(i)"
        )
        queries = {
            function: f"SELECT k, {', '.join(forms(function))} FROM t GROUP BY k" for function in FUNCTIONS[part::4]
        }
        for function, query in queries.items():
            connection.execute(f'CREATE MATERIALIZED VIEW "v_{function}" AS {query}')
        strategies = connection.execute(
            "SELECT name, reason FROM mv_catalog.materialized_views WHERE strategy = 'full'"
        )
        assert strategies.fetchall() == []
        for epoch in ("SELECT 1", *EPOCHS):
            connection.execute(epoch)
            for function, query in queries.items():
                assert rows(connection, f'FROM "v_{function}"') == rows(connection, query), (function, epoch)
        for function, query in queries.items():
            types = [
                connection.execute(f"SELECT column_type FROM (DESCRIBE {q})").fetchall()
                for q in (f'FROM "v_{function}"', query)
            ]
            assert types[0] == types[1], function
