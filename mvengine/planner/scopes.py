"""Which names the expressions above a plan can use, and what they stand for below it: what rules need to move them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mvengine.planner.delta.state import WITHOUT_STATE
from mvengine.planner.emit.select import columns_of
from mvengine.planner.logical import Aggregate, Distinct, Filter, Join, Match, Window
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output, column

Mapped = Mapping[tuple[str, str], Expr]
"""What a column stands for, by alias and name in lower case (``ColumnRef.key``)."""

_STRING = re.compile(r"'(?:[^']|'')*'")


def aliases(node: Node) -> tuple[str, ...]:
    """The aliases by which expressions above can name the columns of a node."""
    if isinstance(node, Filter | Join):
        return tuple(alias for child in node.children for alias in aliases(child))
    alias = getattr(node, "alias", None)
    return () if alias is None else (alias,)


def mapped(alias: str, outputs: Iterable[Output]) -> Mapped:
    """What the columns of a node with these outputs stand for below it."""
    return {(alias.lower(), output.name.lower()): output.expr for output in outputs}


def below(expr: Expr, found: Mapped) -> Expr | None:
    """The expression as it is computed below a node. None where it reads what is not among ``found``, a constant (as a
    column it has a type; in an expression a literal takes that of its neighbours), or UNNEST."""
    refs = {ref.key for ref in expr.columns}
    if not refs or not refs <= found.keys() or any(not is_movable(found[key]) for key in refs):
        return None
    return expr.substituted(found)


def is_movable(expr: Expr) -> bool:
    """Whether an expression can be computed in the place of the column that it is."""
    return bool(expr.columns) and not is_unnesting(expr)


def is_unnesting(expr: Expr) -> bool:
    """Whether it makes several rows of one."""
    return "unnest(" in _STRING.sub("''", expr.sql).lower()


def reads_only(expr: Expr, names: Iterable[str]) -> bool:
    """Whether an expression reads columns, all of them of these aliases."""
    lowered = {name.lower() for name in names}
    return bool(expr.columns) and all(ref.relation.lower() in lowered for ref in expr.columns)


def filtered(node: Node, predicates: tuple[Expr, ...]) -> Node:
    """The rows of a node that satisfy the predicates."""
    match node:
        case Filter(input=child):
            return Filter(input=child, predicates=(*node.predicates, *predicates))
        case Join(inputs=inputs):
            return Join(inputs=inputs, predicates=(*node.predicates, *predicates))
        case _:
            return Filter(input=node, predicates=predicates)


def identity(node: Node, alias: str) -> tuple[Output, ...]:
    """All columns of a node as outputs over it."""
    return tuple(Output(name=name, expr=column(alias, name)) for name in columns_of(node))


Stateful = Aggregate | Window | Match | Distinct
"""Operators that become stages: equal ones of a view are computed once."""


def is_general(node: Aggregate) -> bool:
    """Whether its groups are derived from their rows: then its input has a scope of its own, and its keys are columns
    of that."""
    return any(call.function in WITHOUT_STATE for call in node.aggregates)
