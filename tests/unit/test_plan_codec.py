"""The codec refuses what is not exactly a plan, and names the place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mvengine.errors import FormatError, InternalError
from mvengine.planner.codec import decode, encode
from mvengine.planner.logical import Filter, Load, Scan, Version
from mvengine.planner.node import REGISTRY, Node
from mvengine.planner.scalar import column
from mvengine.planner.source import Encoding, FileSource, OnError
from mvengine.schema import Column, Name

PLAN = Filter(
    input=Scan(
        relation=Name(schema="main", name="orders"),
        storage="main.orders",
        alias="o",
        columns=(Column(name="id", type="INTEGER"),),
        version=Version.CURRENT,
    ),
    predicates=(column("o", "paid"),),
)
LOAD = Load(
    source=FileSource(
        connector="posix_fs",
        root="/data",
        pattern=None,
        encoding=Encoding.CSV,
        options=(("delimiter", ","),),
        on_error=OnError.FAIL,
        errors_max=0,
    )
)


def test_a_node_is_its_class_and_its_fields() -> None:
    assert encode(PLAN) == {
        "node": "Filter",
        "input": {
            "node": "Scan",
            "relation": {"schema": "main", "name": "orders"},
            "storage": "main.orders",
            "alias": "o",
            "columns": [{"name": "id", "type": "INTEGER"}],
            "version": "current",
        },
        "predicates": [{"sql": "o.paid", "columns": [{"relation": "o", "name": "paid"}]}],
    }


def test_the_case_of_a_name_survives_although_names_compare_without_it() -> None:
    document: Any = encode(PLAN)
    document["input"]["relation"]["name"] = "Orders"
    assert encode(decode(document)) == document


def scan_of(document: Any) -> Any:
    return document["input"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d.pop("node"), r"\$: a node without its class"),
        (lambda d: d.update(node="Sieve"), r"\$: unknown node class 'Sieve'"),
        (lambda d: d.update(node=7), r"\$: unknown node class 7"),
        (lambda d: scan_of(d).update(colour="red"), r"\$\.input: Scan has no field 'colour'"),
        (lambda d: scan_of(d).pop("storage"), r"\$\.input: field 'storage' of Scan is missing"),
        (lambda d: scan_of(d).update(storage=None), r"\$\.input\.storage: expected str, found None"),
        (lambda d: scan_of(d).update(storage=1), r"\$\.input\.storage: expected str, found 1"),
        (
            lambda d: scan_of(d).update(version="tomorrow"),
            r"expected one of current, delta, previous, both, found 'tomorrow'",
        ),
        (lambda d: scan_of(d).update(version=["current"]), r"\$\.input\.version: expected one of"),
        (lambda d: scan_of(d).update(columns={}), r"\$\.input\.columns: expected a list, found {}"),
        (lambda d: scan_of(d)["columns"][0].pop("type"), r"\$\.input\.columns\[0\]: field 'type' of Column is missing"),
        (lambda d: scan_of(d).update(relation="orders"), r"\$\.input\.relation: expected the fields of a Name"),
        (lambda d: d["predicates"][0].update(columns=[None]), r"\$\.predicates\[0\]\.columns\[0\]: expected"),
        (lambda d: d.update(input=None), r"\$\.input: expected a node, found None"),
        (lambda d: d.update(input=[scan_of(d)]), r"\$\.input: expected a node"),
    ],
)
def test_a_damaged_document_is_refused_with_its_place(damage: Callable[[Any], object], message: str) -> None:
    document = encode(PLAN)
    damage(document)
    with pytest.raises(FormatError, match=message):
        decode(document)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("errors_max", True, r"\$\.source\.errors_max: expected int, found True"),
        ("errors_max", 1.0, r"\$\.source\.errors_max: expected int, found 1\.0"),
        ("pattern", 1, r"\$\.source\.pattern: expected str, found 1"),
        ("options", [["delimiter"]], r"\$\.source\.options\[0\]: expected a list of 2"),
    ],
)
def test_a_value_of_another_type_is_refused(field: str, value: object, message: str) -> None:
    document: Any = encode(LOAD)
    document["source"][field] = value
    with pytest.raises(FormatError, match=message):
        decode(document)


def test_a_document_that_is_no_node_is_refused() -> None:
    with pytest.raises(FormatError, match=r"\$: expected a node, found \[\]"):
        decode([])


def test_a_node_with_a_field_that_fragments_do_not_have_is_a_bug_that_is_named() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Unwritable(Node):
        ratio: float

    try:
        with pytest.raises(InternalError, match="a float cannot stand in a fragment"):
            encode(Unwritable(ratio=0.5))
        with pytest.raises(InternalError, match=r"\$\.ratio: no field of a node can have the type"):
            decode({"node": "Unwritable", "ratio": 1})
    finally:
        del REGISTRY["Unwritable"]
