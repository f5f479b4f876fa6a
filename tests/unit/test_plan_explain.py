"""What EXPLAIN of a plan looks like; that it loses nothing is a law (tests/property/test_plan_laws.py)."""

from __future__ import annotations

from textwrap import dedent

import pytest

from mvengine.planner.explain import explain
from mvengine.planner.logical import (
    Aggregate,
    AggregateCall,
    AggregateFunction,
    BagRead,
    BagStage,
    Filter,
    Maintenance,
    Scan,
    Version,
)
from mvengine.planner.scalar import ColumnRef, Expr, Output, column
from mvengine.schema import Column, Name

SCAN = Scan(
    relation=Name(schema="main", name="orders"),
    storage="main.orders",
    alias="o",
    columns=(Column(name="day", type="TIMESTAMP WITH TIME ZONE"), Column(name="net price", type="DECIMAL(15,2)")),
    version=Version.CURRENT,
)


def test_a_plan_reads_as_an_indented_tree_with_every_field() -> None:
    price = ColumnRef(relation="o", name="net price")
    plan = Aggregate(
        input=Filter(input=SCAN, predicates=(Expr(sql='o."net price" BETWEEN 1 AND 2', columns=(price,)),)),
        keys=(Output(name="d", expr=column("o", "day")),),
        aggregates=(
            AggregateCall(name="n", function=AggregateFunction.COUNT_STAR, argument=None, argument_type=""),
            AggregateCall(
                name="total",
                function=AggregateFunction.SUM,
                argument=column("o", "net price"),
                argument_type="DECIMAL(15,2)",
            ),
        ),
        alias="g",
    )
    calls = (
        "AggregateCall(name=n, function=count_star, argument=none, argument_type=``), "
        'AggregateCall(name=total, function=sum, argument=o."net price", argument_type=DECIMAL(15,2))'
    )
    columns = "day TIMESTAMP WITH TIME ZONE, `net price` DECIMAL(15,2)"
    assert explain(plan) == dedent(
        f"""\
        Aggregate keys=[o.day AS d] aggregates=[{calls}] alias=g
          Filter predicates=[o."net price" BETWEEN 1 AND 2 {{o.`net price`}}]
            Scan relation=main.orders storage=main.orders alias=o columns=[{columns}] version=current"""
    )


def test_inputs_of_different_kinds_are_told_apart_by_their_fields() -> None:
    stage = BagStage(input=SCAN, name="v", storage="mv.v", columns=("a",), twins=())
    plan = Maintenance(stages=(stage, stage), visible=BagRead(storage="mv.v", columns=("a",), alias="v"), twins=())
    heads = [
        line.split(" name=")[0].split(" storage=")[0].split(" relation=")[0] for line in explain(plan).splitlines()
    ]
    assert heads == [
        "Maintenance twins=[]",
        "  stages: BagStage",
        "    Scan",
        "  stages: BagStage",
        "    Scan",
        "  visible: BagRead",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders", "orders"),
        ("mv_data.orders", "mv_data.orders"),
        ('"My Data".orders', '"My Data".orders'),
        ("", "``"),
        ("none", "`none`"),
        ("two words", "`two words`"),
        ("SELECT 1\nFROM `x`", "`SELECT 1\\nFROM \\`x\\``"),
        ("a\u2028b\\", "`a\\u{2028}b\\\\`"),
    ],
)
def test_a_text_that_could_be_misread_is_fenced(text: str, shown: str) -> None:
    assert explain(BagRead(storage=text, columns=(), alias="v")) == f"BagRead storage={shown} columns=[] alias=v"
