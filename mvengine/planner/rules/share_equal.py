"""``Join(γ(R AS r) AS a, γ(R AS s) AS b)  =>  Join(γ(R AS r) AS a, γ(R AS r) AS b)``: the same under the same names.

A view or a CTE that a query reads twice is bound twice, and each time its tables and columns get other names. Operators
that are equal but for these become equal values, and so one stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from mvengine.planner.emit.select import columns_of
from mvengine.planner.logical import (
    Aggregate,
    Constant,
    Distinct,
    Filter,
    Join,
    Match,
    Materialize,
    Project,
    Scan,
    UnionAll,
    Window,
)
from mvengine.planner.node import Node, rewrite
from mvengine.planner.scalar import Expr, Output, column
from mvengine.planner.scopes import Stateful


def share_equal(node: Node) -> Node | None:
    """``Join(γ(R AS r) AS a, γ(R AS s) AS b)  =>  Join(γ(R AS r) AS a, γ(R AS r) AS b)``"""
    if not isinstance(node, Materialize):
        return None
    known: dict[Node, Stateful] = {}

    def shared(part: Node) -> Node | None:
        if not isinstance(part, Stateful):
            return None
        try:
            form = _Canonical().of(part)
        except _Unreadable:
            return None
        first = known.setdefault(form, part)
        return None if replace(first, alias=part.alias) == part else _under_names_of(part, first)

    after = rewrite(node.input, shared)
    return None if after is node.input else node.with_children((after,))


def _under_names_of(part: Stateful, first: Stateful) -> Node:
    names = columns_of(part)
    if columns_of(first) == names:
        return replace(first, alias=part.alias)
    pairs = zip(names, columns_of(first), strict=True)
    outputs = tuple(Output(name=name, expr=column(first.alias, own)) for name, own in pairs)
    return Project(input=first, outputs=outputs, alias=part.alias)


class _Unreadable(Exception):  # noqa: N818 - no error: it ends the attempt
    """An expression or an operator in which names cannot be told from other texts."""


class _Canonical:
    """The form of a plan: numbers for the aliases and columns that it makes, in the order in which they stand. It is
    for comparison only."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, node: Node) -> Node:
        form, _ = self._of(node)
        return form

    def _of(self, node: Node) -> tuple[Node, dict[tuple[str, str], Expr]]:
        """The form, and what the columns that are seen from above have become."""
        found = [self._of(child) for child in node.children]
        seen = {key: expr for _, known in found for key, expr in known.items()}
        form = node.with_children(tuple(child for child, _ in found)) if node.children else node
        form = _with_exprs(form, lambda expr: _renamed(expr, seen))
        if isinstance(node, Filter | Join):
            return form, seen
        if not isinstance(node, Scan | Constant | Project | UnionAll | Stateful):
            raise _Unreadable
        self.count += 1
        alias = f"q{self.count}"
        names = self._names(node, seen)
        lowered = {(node.alias.lower(), old.lower()): column(alias, new) for old, new in names.items()}
        return _with_names(replace(form, alias=alias), names), lowered

    def _names(self, node: Node, seen: dict[tuple[str, str], Expr]) -> dict[str, str]:
        """What the columns of a node are called in its form: those that it makes by number."""
        names = columns_of(node)
        if isinstance(node, Scan | Constant):
            return {name: name for name in names}
        numbered = {name: f"c{i}" for i, name in enumerate(names, 1)}
        if isinstance(node, Window):
            passed = {key[1]: expr.columns[0].name for key, expr in seen.items()}
            made = {call.name for call in node.calls}
            return {name: numbered[name] if name in made else passed[name.lower()] for name in names}
        return numbered


def _with_names(node: Node, names: dict[str, str]) -> Node:
    match node:
        case Project() | Match():
            node = replace(node, outputs=tuple(replace(o, name=names[o.name]) for o in node.outputs))
            if isinstance(node, Match) and node.value is not None:
                node = replace(node, value=replace(node.value, name=names[node.value.name]))
            return node
        case Aggregate():
            keys = tuple(replace(key, name=names[key.name]) for key in node.keys)
            return replace(node, keys=keys, aggregates=tuple(replace(c, name=names[c.name]) for c in node.aggregates))
        case Window():
            lowered = {name.lower(): new for name, new in names.items()}
            by = tuple(lowered[name.lower()] for name in node.partition_by)
            return replace(node, partition_by=by, calls=tuple(replace(c, name=names[c.name]) for c in node.calls))
        case UnionAll() | Distinct():
            return replace(node, columns=tuple(names[name] for name in node.columns))
        case _:
            return node


def _renamed(expr: Expr, seen: dict[tuple[str, str], Expr]) -> Expr:
    put = expr.substituted(seen)
    if put is None:
        raise _Unreadable
    return put


def _with_exprs(value: Any, change: Callable[[Expr], Expr]) -> Any:
    """The value with every expression in its fields changed; what is below a node is left as it is."""
    changes: dict[str, Any] = {}
    for field in fields(value):
        old = getattr(value, field.name)
        new = _changed(old, change)
        if new is not old:
            changes[field.name] = new
    return replace(value, **changes) if changes else value


def _changed(value: Any, change: Callable[[Expr], Expr]) -> Any:
    match value:
        case Expr():
            return change(value)
        case tuple():
            new = tuple(_changed(item, change) for item in value)
            return value if all(a is b for a, b in zip(new, value, strict=True)) else new
        case Node():
            return value
        case _ if is_dataclass(value):
            return _with_exprs(value, change)
        case _:
            return value
