"""The rule for DISTINCT arguments, and grouping sets over one finest grouping: their plans, and that engine's rows."""

from __future__ import annotations

import duckdb
import pytest

import mvengine
from mvengine.planner.emit.select import select
from mvengine.planner.logical import Aggregate, AggregateCall, AggregateFunction, Project, Scan, Version
from mvengine.planner.node import rewrite
from mvengine.planner.rules.distinct_argument_to_finer_group import distinct_argument_to_finer_group
from mvengine.planner.scalar import Output, column
from mvengine.schema import Column, Name

SCAN = Scan(
    relation=Name(schema="main", name="t"),
    storage="main.t",
    alias="t",
    columns=tuple(Column(name=name, type="INTEGER") for name in ("k", "x", "y")),
    version=Version.CURRENT,
)


def call(name: str, function: AggregateFunction, argument: str | None, type_: str = "INTEGER") -> AggregateCall:
    return AggregateCall(
        name=name,
        function=function,
        argument=column("t", argument) if argument else None,
        argument_type=type_ if argument else "",
    )


def aggregate(*calls: AggregateCall, keys: tuple[str, ...] = ("k",)) -> Aggregate:
    outputs = tuple(Output(name=key, expr=column("t", key)) for key in keys)
    return Aggregate(input=SCAN, keys=outputs, aggregates=calls, alias="groups")


DISTINCT = call("d", AggregateFunction.COUNT_DISTINCT, "x")
ALL = (
    DISTINCT,
    call("n", AggregateFunction.COUNT_STAR, None),
    call("c", AggregateFunction.COUNT, "y"),
    call("s", AggregateFunction.SUM, "y"),
    call("a", AggregateFunction.AVG, "y"),
    call("low", AggregateFunction.MIN, "y"),
    call("high", AggregateFunction.MAX, "y"),
    call("e", AggregateFunction.SUM_DISTINCT, "x"),
    call("f", AggregateFunction.AVG_DISTINCT, "x"),
)


@pytest.mark.parametrize("keys", [("k",), ()])
@pytest.mark.parametrize("rows", ["(1, 1, 1), (1, 1, 2), (1, 2, NULL), (NULL, NULL, 5), (2, NULL, NULL)", ""])
def test_the_rule_keeps_the_rows(keys: tuple[str, ...], rows: str) -> None:
    before = aggregate(*ALL, keys=keys)
    after = distinct_argument_to_finer_group(before)
    assert isinstance(after, Project)
    assert distinct_argument_to_finer_group(after.input) is None
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (k INTEGER, x INTEGER, y INTEGER)")
        if rows:
            connection.execute(f"INSERT INTO t VALUES {rows}")
        whole = Project(
            input=before,
            outputs=tuple(Output(name=o.name, expr=column("groups", o.name)) for o in after.outputs),
            alias="v",
        )
        found = [connection.sql(f"{select(plan, weighted=False)} ORDER BY ALL") for plan in (whole, after)]
        assert found[0].fetchall() == found[1].fetchall()
        assert found[0].types == found[1].types


@pytest.mark.parametrize(
    "others",
    [
        (call("e", AggregateFunction.SUM_DISTINCT, "y"),),
        (call("s", AggregateFunction.SUM, "y", "DOUBLE"),),
        (call("m", AggregateFunction.GENERAL, "y"),),
    ],
    ids=["two different arguments", "a sum of doubles", "an aggregate without a state"],
)
def test_the_rule_leaves_alone(others: tuple[AggregateCall, ...]) -> None:
    plan = aggregate(DISTINCT, *others)
    assert rewrite(plan, distinct_argument_to_finer_group) is plan
    assert rewrite(SCAN, distinct_argument_to_finer_group) is SCAN


def stages(query: str) -> list[str]:
    """The keys of a view's stages."""
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (k INTEGER, x INTEGER, y INTEGER)")
        connection.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
        rows = connection.execute(
            "SELECT string_agg(column_name, ' ' ORDER BY column_index) "
            "FILTER (WHERE NOT starts_with(column_name, '_mv')) "
            "FROM duckdb_columns() WHERE schema_name = 'mv_state' GROUP BY table_name ORDER BY table_name DESC"
        )
        return [row[0] or "" for row in rows.fetchall()]


def test_grouping_sets_share_one_finest_grouping() -> None:
    """The last table holds the rows of all sets."""
    assert stages("SELECT k, x, sum(y) AS s FROM t GROUP BY ROLLUP (k, x)") == ["", "k", "k x", "k x s"]
    assert stages("SELECT k, x, count(*) AS n FROM t GROUP BY GROUPING SETS ((k), (x), (k))") == [
        "x",
        "k",
        "k x",
        "k x n",
    ]


def test_a_distinct_argument_is_a_key_of_the_finer_grouping() -> None:
    assert stages("SELECT k, count(DISTINCT x) AS d, sum(y) AS s FROM t GROUP BY k") == ["k value", "k"]
