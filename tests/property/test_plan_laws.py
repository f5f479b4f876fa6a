"""Laws over every registered node class, its values drawn from the types of its fields.

A new class or field is covered the moment it is declared: nothing here names one.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvengine.planner.codec import TAG, decode, encode
from mvengine.planner.explain import explain
from mvengine.planner.fragment import FORMAT, Fragment, dumps, loads
from mvengine.planner.logical import Materialize, MaterializeTable
from mvengine.planner.node import REGISTRY, Node, child_fields, hints, rewrite, walk
from mvengine.planner.verify import verify

CLASSES = sorted(name for name, cls in REGISTRY.items() if cls.__module__.startswith("mvengine."))
each_class = pytest.mark.parametrize("name", CLASSES)
laws = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

DEPTH = 1
NASTY = [
    "",
    "a",
    "A",
    "b",
    "none",
    "a, b",
    "a AS b",
    "x.y",
    '"a"',
    "'a'",
    "`a`",
    "a\nb",
    "a {}",
    "(a",
    "f(a, b)",
    "] x=1",
    "é",
    "\\n",
]


@cache
def values(hint: Any, depth: int = DEPTH) -> st.SearchStrategy[Any]:
    """All values of a field's type; nodes at most ``depth`` deep."""
    if get_origin(hint) is tuple:
        items = get_args(hint)
        if items[-1] is Ellipsis:
            return st.lists(values(items[0], depth), max_size=2).map(tuple)
        return st.tuples(*(values(item, depth) for item in items))
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*(values(member, depth) for member in get_args(hint)))
    if hint is Node:
        leaves = [n for n in CLASSES if not child_fields(REGISTRY[n])]
        return st.sampled_from(CLASSES if depth else leaves).flatmap(lambda n: values(REGISTRY[n], depth - 1))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if is_dataclass(hint):
        return st.builds(hint, **{name: values(inner, depth) for name, inner in hints(hint).items()})
    plain = {
        str: st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
        int: st.integers(-5, 5),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return plain[hint]


def nodes(name: str) -> st.SearchStrategy[Node]:
    return values(REGISTRY[name])


@st.composite
def changed(draw: st.DrawFn, value: Any, hint: Any) -> Any:
    """The value with one thing in it changed, however deep it lies; sometimes (by chance) nothing."""
    if isinstance(value, tuple) and value and draw(st.booleans()):
        i = draw(st.integers(0, len(value) - 1))
        items = get_args(hint)
        item = draw(changed(value[i], items[0] if items[-1] is Ellipsis else items[i]))
        return (*value[:i], item, *value[i + 1 :])
    if is_dataclass(value):
        inner = hints(type(value))
        if not inner:
            return value
        field = draw(st.sampled_from(sorted(inner)))
        return replace(value, **{field: draw(changed(getattr(value, field), inner[field]))})
    return draw(values(hint, 1))


def carried(cls: type, found: set[type]) -> set[type]:
    """The dataclasses whose values a class carries, itself included."""
    if cls not in found:
        found.add(cls)
        pending = list(hints(cls).values())
        while pending:
            hint = pending.pop()
            pending.extend(get_args(hint))
            if isinstance(hint, type) and is_dataclass(hint) and hint is not Node:
                carried(hint, found)
    return found


@each_class
def test_no_field_that_a_plan_carries_has_a_default(name: str) -> None:
    for cls in carried(REGISTRY[name], set()):
        for field in fields(cls):
            assert field.default is MISSING, f"{cls.__name__}.{field.name} has a default"
            assert field.default_factory is MISSING, f"{cls.__name__}.{field.name} has a default"
            assert field.kw_only, f"{cls.__name__}.{field.name} can be given by position"


@each_class
def test_a_class_holds_at_most_one_tuple_of_inputs(name: str) -> None:
    cls = REGISTRY[name]
    assert sum(get_origin(hints(cls)[field]) is tuple for field in child_fields(cls)) <= 1


@each_class
def test_no_field_hides_the_tag_of_the_codec(name: str) -> None:
    assert TAG not in hints(REGISTRY[name])


@each_class
@laws
@given(data=st.data())
def test_new_children_change_nothing_else(name: str, data: st.DataObject) -> None:
    node = data.draw(nodes(name))
    children = tuple(data.draw(values(Node, 1)) for _ in node.children)
    copy = node.with_children(children)
    assert type(copy) is type(node)
    assert copy.children == children
    for field in hints(type(node)).keys() - set(child_fields(type(node))):
        assert getattr(copy, field) is getattr(node, field)
    assert copy.with_children(node.children) == node


@each_class
@laws
@given(data=st.data())
def test_decoding_what_was_encoded_is_the_identity(name: str, data: st.DataObject) -> None:
    node = data.draw(nodes(name))
    document = encode(node)
    assert decode(document) == node
    assert encode(decode(document)) == document


@laws
@given(root=values(Materialize) | values(MaterializeTable))
def test_a_fragment_survives_its_text(root: Materialize | MaterializeTable) -> None:
    text = dumps(Fragment(format=FORMAT, root=root))
    assert loads(text).root == root
    assert dumps(loads(text)) == text


@each_class
@settings(laws, max_examples=50)
@given(data=st.data())
def test_different_nodes_explain_differently(name: str, data: st.DataObject) -> None:
    node = data.draw(nodes(name))
    other = data.draw(changed(node, REGISTRY[name]))
    assert (explain(node) == explain(other)) == (encode(node) == encode(other))


@each_class
@laws
@given(data=st.data())
def test_a_plan_explains_itself_one_node_a_line(name: str, data: st.DataObject) -> None:
    node = data.draw(nodes(name))
    lines = explain(node).splitlines()
    assert len(lines) == len(list(walk(node)))
    for line, shown in zip(lines, walk(node), strict=True):
        for field in hints(type(shown)).keys() - set(child_fields(type(shown))):
            assert f" {field}=" in line


@each_class
@laws
@given(data=st.data())
def test_the_idle_rewrite_is_the_identity(name: str, data: st.DataObject) -> None:
    node = data.draw(nodes(name))
    assert rewrite(node, lambda _: None) is node
    rebuilt = rewrite(node, lambda found: replace(found))
    assert encode(rebuilt) == encode(node)
    verify("idle", node, rebuilt)
