"""The canary: a field that no code knows goes the whole way of a plan, and must arrive.

The founding bug of this field was a copy that named a node's fields and forgot one. A subclass of Materialize with a
field more is sent through rules, maintenance plan and codec; whoever names fields on the way loses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from described import describe

import mvengine
from mvengine.planner.binder import bind_view
from mvengine.planner.delta.stages import maintenance_plan
from mvengine.planner.explain import explain
from mvengine.planner.fragment import FORMAT, Fragment, dumps, loads
from mvengine.planner.logical import (
    Aggregate,
    AggregateCall,
    AggregateFunction,
    Distinct,
    Filter,
    Join,
    Maintenance,
    Match,
    MatchKey,
    MatchKind,
    Materialize,
    Opaque,
    Project,
    Scan,
    Strategy,
    Version,
)
from mvengine.planner.node import REGISTRY, Node
from mvengine.planner.rules import PIPELINE, optimize
from mvengine.planner.scalar import ColumnRef, Expr, Output, column
from mvengine.schema import Column, Name


@pytest.fixture
def canary() -> Iterator[type[Materialize]]:
    @dataclass(frozen=True, kw_only=True)
    class Canary(Materialize):
        song: tuple[str, ...]

    yield Canary
    del REGISTRY["Canary"]


def scan(alias: str) -> Scan:
    return Scan(
        relation=Name(schema="main", name="orders"),
        storage="main.orders",
        alias=alias,
        columns=(Column(name="id", type="INTEGER"),),
        version=Version.CURRENT,
    )


def matched(left: str, right: str) -> Match:
    return Match(
        left=scan(left),
        right=scan(right),
        kind=MatchKind.LEFT,
        keys=(MatchKey(left=column(left, "id"), right=column(right, "id"), is_null_safe=False),),
        predicates=(),
        outputs=(Output(name="id", expr=column(left, "id")), Output(name="other", expr=column(right, "id"))),
        value=None,
        alias=left,
    )


def every_rule_applies() -> Node:
    """A plan in which each rule of the pipeline finds something to do."""
    same = Expr(sql="a.id = b.id", columns=(ColumnRef(relation="a", name="id"), ColumnRef(relation="b", name="id")))
    plan: Node = Join(
        inputs=(Join(inputs=(matched("a", "e"), scan("b")), predicates=(same,)), matched("c", "f")), predicates=()
    )
    present = Expr(sql="NOT a.other IS NULL", columns=(ColumnRef(relation="a", name="other"),))
    for predicate in (same, present):
        plan = Filter(input=plan, predicates=(predicate,))
    project = Project(input=plan, outputs=(Output(name="id", expr=column("a", "id")),), alias="d")
    keys = (Output(name="id", expr=column("d", "id")),)
    count = AggregateCall(
        name="n", function=AggregateFunction.COUNT_DISTINCT, argument=column("d", "id"), argument_type="INTEGER"
    )
    several = Expr(sql="g.n > 0", columns=(ColumnRef(relation="g", name="n"),))
    counted = Filter(input=Aggregate(input=project, keys=keys, aggregates=(count,), alias="g"), predicates=(several,))
    shown = Project(input=counted, outputs=(Output(name="id", expr=column("g", "id")),), alias="h")
    distinct: Node = Distinct(input=shown, columns=("id",), alias="h")
    positive = Expr(sql="h.id > 0", columns=(ColumnRef(relation="h", name="id"),))
    distinct = Filter(input=distinct, predicates=(positive,))
    return Project(input=distinct, outputs=(Output(name="id", expr=column("h", "id")),), alias="v")


def linear() -> Node:
    return Project(input=scan("a"), outputs=(Output(name="id", expr=column("a", "id")),), alias="v")


def group_under_join() -> Node:
    group = Aggregate(input=scan("a"), keys=(Output(name="id", expr=column("a", "id")),), aggregates=(), alias="g")
    join = Join(inputs=(scan("b"), group), predicates=())
    return Project(input=join, outputs=(Output(name="id", expr=column("b", "id")),), alias="v")


def opaque() -> Node:
    return Opaque(
        query="SELECT 1 AS id", relations=(Name(schema="main", name="orders"),), is_tracked=True, reason="LIMIT"
    )


def under(cls: type[Materialize], plan: Node, **more: object) -> Materialize:
    fields: dict[str, Any] = {
        "input": plan,
        "relation": Name(schema="main", name="v"),
        "storage": "mv_data.v",
        "staging": "mv_data.v_staging",
        "columns": (Column(name="id", type="INTEGER"),),
        "order_by": (),
        "policy": "auto",
        "exact_floats": False,
        "strategy": Strategy.ALGEBRAIC,
        "reason": "",
        "definition": "",
        "settings": (),
    }
    return cls(**fields, **more)


@pytest.mark.parametrize("plan", [every_rule_applies(), linear(), group_under_join(), opaque()])
def test_a_field_that_no_code_knows_arrives(canary: type[Materialize], plan: Node) -> None:
    root = under(canary, plan, song=("tweet", "tweet"))
    optimized = optimize(root)
    assert isinstance(optimized, canary)
    planned = maintenance_plan(optimized, describe)
    text = dumps(Fragment(format=FORMAT, root=planned))
    arrived = loads(text).root
    assert type(arrived) is canary
    assert isinstance(arrived.input, Maintenance)
    assert replace(arrived, input=plan) == root
    assert "song=[tweet, tweet]" in explain(arrived)
    assert '"tweet"' in text


def test_it_arrives_through_create_store_and_restart(
    canary: type[Materialize], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: bound in CREATE, compiled, stored with its job, read again by another opening of the file."""
    bound: list[Materialize] = []

    def bind_canary(**arguments: Any) -> Materialize:
        root = bind_view(**arguments)
        bound.append(canary(**{field.name: getattr(root, field.name) for field in fields(root)}, song=("tweet",)))
        return bound[-1]

    monkeypatch.setattr("mvengine.planner.binder.bind_view", bind_canary)
    path = str(tmp_path / "canary.db")
    with mvengine.connect(path) as con:
        con.execute("CREATE TABLE orders (id INT, day DATE)")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT day, count(*) AS n FROM orders GROUP BY day ORDER BY day")
    with mvengine.connect(path) as con:
        con.execute("INSERT INTO orders VALUES (1, DATE '2026-01-01')")
        assert con.execute("SELECT n FROM v").fetchall() == [(1,)]
        (arrived,) = (view.plan for view in con._database.graph.views.values())
    assert type(arrived) is canary
    kept = {field.name for field in fields(arrived)} - {"input", "strategy", "reason"}  # compiling decides these three
    assert {name: getattr(arrived, name) for name in kept} == {name: getattr(bound[-1], name) for name in kept}
    assert arrived.staging == 'mv_state."v$staging"'


def test_the_first_canary_meets_every_rule() -> None:
    steps: set[str] = set()
    optimize(under(Materialize, every_rule_applies()), lambda rule, before, after: steps.add(rule))
    assert steps == {rule.__name__ for rule in PIPELINE}
