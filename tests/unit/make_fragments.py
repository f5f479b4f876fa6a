"""Writes the example fragments of the present format: ``python -m tests.unit.make_fragments``.

They stand for what users have in their databases. So an example that is there is never written again: when the format
grows, raise ``fragment.FORMAT``, add the upgrade, and run this once for the new folder.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mvengine
from mvengine.planner.delta.stages import maintenance_plan
from mvengine.planner.fragment import FORMAT, Fragment, dumps
from mvengine.planner.logical import (
    Aggregate,
    AggregateCall,
    AggregateFunction,
    ConstrainedTable,
    Distinct,
    Filter,
    ForeignKeyConstraint,
    Join,
    KeyConstraint,
    Load,
    Materialize,
    MaterializeTable,
    Opaque,
    Project,
    Root,
    Scan,
    Setting,
    Strategy,
    UnionAll,
    Version,
)
from mvengine.planner.node import Node
from mvengine.planner.rules import optimize
from mvengine.planner.scalar import ColumnRef, Expr, Output, column
from mvengine.planner.source import Encoding, FileSource, OnError
from mvengine.schema import Column, Columns, Name
from tests.unit.described import describe

EXAMPLES = Path(__file__).parent.parent / "data" / "fragments"

ORDERS: Columns = (
    Column(name="id", type="INTEGER"),
    Column(name="customer", type="INTEGER"),
    Column(name="Net Price", type="DECIMAL(15,2)"),
)


def scan(alias: str, columns: Columns = ORDERS) -> Scan:
    return Scan(
        relation=Name(schema="main", name="orders"),
        storage="main.orders",
        alias=alias,
        columns=columns,
        version=Version.CURRENT,
    )


def expr(sql: str, *refs: tuple[str, str]) -> Expr:
    return Expr(sql=sql, columns=tuple(ColumnRef(relation=relation, name=name) for relation, name in refs))


def outputs(alias: str, *names: str) -> tuple[Output, ...]:
    return tuple(Output(name=name, expr=column(alias, name)) for name in names)


def call(name: str, function: AggregateFunction, argument: Expr | None, type_: str) -> AggregateCall:
    return AggregateCall(name=name, function=function, argument=argument, argument_type=type_)


def view(name: str, plan: Node, columns: Columns, strategy: Strategy, reason: str) -> Materialize:
    return Materialize(
        input=plan,
        relation=Name(schema="main", name=name),
        storage=f"mv_data.{name}",
        staging=f"mv_data.{name}_staging",
        columns=columns,
        order_by=(columns[0].name,),
        policy="auto",
        exact_floats=False,
        strategy=strategy,
        reason=reason,
        definition=f"CREATE MATERIALIZED VIEW {name} AS\nSELECT 'Zürich' …",
        settings=(Setting(name="TimeZone", value="Europe/Zurich"),),
    )


def table() -> MaterializeTable:
    """A refreshable table with everything that one can have."""
    source = FileSource(
        connector="posix_fs",
        root="/data/orders",
        pattern="*.csv",
        encoding=Encoding.CSV,
        options=(("delimiter", ";"), ("header", "true")),
        on_error=OnError.SKIP,
        errors_max=1000,
    )
    return MaterializeTable(
        input=Load(source=source),
        relation=Name(schema="main", name="Orders"),
        storage="mv_data.orders",
        staging="mv_data.orders_staging",
        shadow="mv_data.orders_shadow",
        columns=(*ORDERS, Column(name="tax", type="DECIMAL(15,2)")),
        stored_columns=tuple(c.name for c in ORDERS),
        column_definitions=("id INTEGER NOT NULL", "customer INTEGER", '"Net Price" DECIMAL(15,2) DEFAULT 0'),
        checks=('"Net Price" >= 0',),
        keys=(
            KeyConstraint(columns=("id",), is_primary=True),
            KeyConstraint(columns=("customer", "id"), is_primary=False),
        ),
        foreign_keys=(
            ForeignKeyConstraint(
                columns=("customer",),
                references=Name(schema="main", name="customers"),
                referenced_storage="main.customers",
                referenced_columns=("id",),
            ),
        ),
        ignore_conflicts=True,
        interval_seconds=60,
        definition="CREATE TABLE Orders (…) REFRESHABLE FROM '/data/orders'",
    )


def table_without_key() -> MaterializeTable:
    return replace(table(), checks=(), keys=(), foreign_keys=(), ignore_conflicts=False, interval_seconds=None)


def group_view() -> Materialize:
    """Self-join, GROUP BY with every function, HAVING: one stage that holds the view's groups."""
    join = Join(
        inputs=(Filter(input=scan("a"), predicates=(expr('a."Net Price" > 0', ("a", "Net Price")),)), scan("b")),
        predicates=(expr("a.id = b.customer", ("a", "id"), ("b", "customer")),),
    )
    price = column("a", "Net Price")
    functions = [f for f in AggregateFunction if f is not AggregateFunction.COUNT_STAR]
    group = Aggregate(
        input=join,
        keys=(Output(name="bucket", expr=expr("a.customer % 10", ("a", "customer"))),),
        aggregates=(
            call("n", AggregateFunction.COUNT_STAR, None, ""),
            *(call(f.value, f, price, "DECIMAL(15,2)") for f in functions),
        ),
        alias="g",
    )
    having = Filter(input=group, predicates=(expr("g.n > 1", ("g", "n")),))
    plan = Project(input=having, outputs=outputs("g", "bucket", "sum"), alias="v")
    columns = (Column(name="bucket", type="INTEGER"), Column(name="sum", type="DECIMAL(38,2)"))
    return view("buckets", plan, columns, Strategy.AFFECTED, "MIN or MAX")


def join_over_group_view() -> Materialize:
    """A join with a derived table that groups: two stages."""
    group = Aggregate(input=scan("o"), keys=outputs("o", "customer"), aggregates=(), alias="c")
    join = Join(
        inputs=(scan("o"), group), predicates=(expr("o.customer = c.customer", ("o", "customer"), ("c", "customer")),)
    )
    plan = Project(input=join, outputs=outputs("o", "id"), alias="v")
    return view("known", plan, ORDERS[:1], Strategy.AUXILIARY, "DISTINCT keeps a hidden count of each row")


def union_view() -> Materialize:
    legs = tuple(Project(input=scan(a), outputs=outputs(a, "id"), alias="u") for a in ("a", "b"))
    plan = Project(
        input=UnionAll(inputs=legs, columns=("id",), alias="u"),
        outputs=(Output(name="id", expr=expr("u.id + 1", ("u", "id"))),),
        alias="v",
    )
    return view("twice", plan, ORDERS[:1], Strategy.ALGEBRAIC, "linear")


def distinct_view() -> Materialize:
    inner = Project(input=scan("o"), outputs=outputs("o", "customer"), alias="v")
    plan = Distinct(input=inner, columns=("customer",), alias="v")
    return view("customers", plan, ORDERS[1:2], Strategy.AUXILIARY, "DISTINCT keeps a hidden count of each row")


def full_view() -> Materialize:
    reason = "computed again: LIMIT has no delta rule"
    query = 'SELECT id FROM orders ORDER BY "Net Price" LIMIT 10'
    plan = Opaque(query=query, relations=(Name(schema="main", name="orders"),), is_tracked=True, reason=reason)
    return view("dearest", plan, ORDERS[:1], Strategy.FULL, reason)


QUERIES = {
    "match_view": "SELECT o.id, c.id AS other FROM orders AS o LEFT JOIN orders AS c ON o.customer = c.id",
    "partition_view": "SELECT id, rank() OVER (PARTITION BY customer ORDER BY id) AS place, median FROM orders "
    "JOIN (SELECT customer AS k, median(id) AS median FROM orders GROUP BY customer) ON k = customer",
    "top_view": "SELECT id, customer FROM orders ORDER BY customer, id LIMIT 3 OFFSET 1",
    "top_groups_view": "SELECT customer, sum(id) AS ids FROM orders GROUP BY customer ORDER BY ids LIMIT 2",
    "tail_view": "SELECT id, lag(customer) OVER (ORDER BY id) AS before, count(*) OVER (ORDER BY id) AS n FROM orders",
    "constant_view": "SELECT id, x FROM orders JOIN (VALUES (1, 'a'), (2, 'b')) AS v(k, x) ON k = customer",
    "recursive_view": "WITH RECURSIVE r AS (SELECT id, customer FROM orders WHERE customer = 0 UNION "
    "SELECT o.id, o.customer FROM orders AS o JOIN r ON o.customer = r.id) SELECT id FROM r",
}
"""Queries that are planned as a user's are, one for each kind of stage that is not built by hand above."""


def planned_views() -> dict[str, Materialize]:
    with mvengine.connect() as connection:
        connection.execute('CREATE TABLE orders (id INTEGER, customer INTEGER, "Net Price" DECIMAL(15, 2))')
        for name, query in QUERIES.items():
            connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")
        plans = {view.name.name: view.plan for view in connection._database.graph.views.values()}
    setting = Setting(name="TimeZone", value="Europe/Zurich")
    return {name: replace(plans[name], settings=(setting,)) for name in QUERIES}


def constrained_table() -> ConstrainedTable:
    return ConstrainedTable(
        relation=Name(schema="main", name="lines"),
        storage="main.lines",
        foreign_keys=(
            ForeignKeyConstraint(
                columns=("order_id",),
                references=Name(schema="main", name="orders"),
                referenced_storage="mv_state.orders",
                referenced_columns=("id",),
            ),
        ),
        definition="CREATE TABLE lines (order_id INTEGER REFERENCES orders (id))",
    )


def roots() -> dict[str, Root]:
    """Every example under the name of its file."""
    found: dict[str, Root] = {
        "table": table(),
        "table_without_key": table_without_key(),
        "constrained_table": constrained_table(),
    }
    for make in (group_view, join_over_group_view, union_view, distinct_view, full_view):
        optimized = optimize(make())
        assert isinstance(optimized, Materialize)
        found[make.__name__] = maintenance_plan(optimized, describe)
    return {**found, **planned_views()}


def main() -> None:
    folder = EXAMPLES / f"v{FORMAT}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, root in roots().items():
        path = folder / f"{name}.json"
        if path.exists():
            print(f"{path.name} is there and stays as it is")
        else:
            path.write_text(dumps(Fragment(format=FORMAT, root=root)), encoding="utf-8")
            print(f"{path.name} written")


if __name__ == "__main__":
    main()
