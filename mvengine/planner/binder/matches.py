"""Joins that are not inner ones → Match.

A conjunct that equates one side with the other is a key; one that reads only the right side filters it before the match
(but for FULL); the others are predicates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from mvengine.planner.binder.conditions import operand
from mvengine.planner.binder.scalar import bind_expr
from mvengine.planner.binder.scopes import carried, reads_only
from mvengine.planner.delta.state import INTEGER_TYPES
from mvengine.planner.emit.select import columns_of, scope_of, select
from mvengine.planner.logical import Filter, Match, MatchKey, MatchKind, Project
from mvengine.planner.node import Node
from mvengine.planner.reader import FunctionFacts, SchemaReader
from mvengine.planner.scalar import Expr, Output, column

_FAMILIES = (frozenset({"FLOAT", "DOUBLE"}), frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_NS"}))
"""Types that hold all values of those before them."""

_ROW = Output(name="_mv_row", expr=Expr(sql="1", columns=()))


def bind_match(
    tree: exp.Expr,
    left: Node,
    right: Node,
    kind: MatchKind,
    conditions: Sequence[exp.Expr],
    alias: str,
    *,
    reader: SchemaReader,
    facts: FunctionFacts,
    value: Output | None = None,
) -> Match:
    """The match of two sealed plans. ``tree`` is what is still to be bound: it names the match's columns afterwards."""
    keys, predicates = [], []
    left, right = _with_a_column(left), _with_a_column(right)
    for condition in conditions:
        expr = bind_expr(condition, facts)
        key = _key(condition, scope_of(left), scope_of(right), lambda part: bind_expr(part, facts))
        if key is not None:
            keys.append((key, expr))
        elif kind is not MatchKind.FULL and reads_only(expr, scope_of(right)):
            right = _filtered(right, expr)
        else:
            predicates.append(expr)
    kept = _comparable([key for key, _ in keys], left, right, reader)
    predicates = [*(expr for key, expr in keys if key not in kept), *predicates]
    is_one_sided = kind in (MatchKind.SEMI, MatchKind.ANTI, MatchKind.MARK, MatchKind.SINGLE)
    return Match(
        left=left,
        right=right,
        kind=kind,
        keys=tuple(key for key, _ in keys if key in kept),
        predicates=tuple(predicates),
        outputs=_outputs(tree, (left,) if is_one_sided else (left, right), alias, value),
        value=value,
        alias=alias,
    )


def _key(condition: exp.Expr, left: str, right: str, bind: Callable[[exp.Expr], Expr]) -> MatchKey | None:
    if not isinstance(condition, exp.EQ | exp.NullSafeEQ):
        return None
    one, other = bind(operand(condition.left)), bind(operand(condition.right))
    if reads_only(one, right) and reads_only(other, left):
        one, other = other, one
    if not (reads_only(one, left) and reads_only(other, right)):
        return None
    return MatchKey(left=one, right=other, is_null_safe=isinstance(condition, exp.NullSafeEQ))


def _with_a_column(node: Node) -> Node:
    """A change of rows is told by their columns: where a query reads none, one is made."""
    if columns_of(node):
        return node
    return Project(input=node, outputs=(_ROW,), alias=scope_of(node))


def _filtered(node: Node, predicate: Expr) -> Project:
    """The rows of a node that satisfy a predicate, under its alias."""
    alias = scope_of(node)
    outputs = tuple(Output(name=name, expr=column(alias, name)) for name in columns_of(node))
    return Project(input=Filter(input=node, predicates=(predicate,)), outputs=outputs, alias=alias)


def _comparable(keys: Sequence[MatchKey], left: Node, right: Node, reader: SchemaReader) -> list[MatchKey]:
    """Keys whose values can stand in one column and still compare as they do: of one type, or of two of which neither
    loses anything where it is cast to the other.

    A text compared with a number is cast to it, but in one column with it, the number becomes a text. Two large
    integers are equal to one DOUBLE: rows with the one would be left out where only the other has changed.
    """
    if not keys:
        return []
    left_types = types_of([key.left for key in keys], left, reader)
    right_types = types_of([key.right for key in keys], right, reader)
    found = []
    for key, one, other in zip(keys, left_types, right_types, strict=True):
        if (one == other and "UNION(" not in one) or _are_lossless(one, other):  # a UNION may hold a NULL inside
            found.append(key)
    return found


def _are_lossless(one: str, other: str) -> bool:
    """Whether values of two types are compared in one that holds all values of both."""
    are_exact = all(t in INTEGER_TYPES or t.startswith("DECIMAL(") for t in (one, other))
    return are_exact or any({one, other} <= family for family in _FAMILIES)


def types_of(exprs: Sequence[Expr], node: Node, reader: SchemaReader) -> list[str]:
    """The engine's types of expressions over a plan."""
    outputs = tuple(Output(name=f"k{i}", expr=expr) for i, expr in enumerate(exprs))
    columns = reader.describe(select(Project(input=node, outputs=outputs, alias="keys"), weighted=False))
    return [described.type for described in columns]


def _outputs(tree: exp.Expr, sides: Sequence[Node], alias: str, value: Output | None) -> tuple[Output, ...]:
    """What the tree still names of both sides: at least one column, where the match adds none."""
    outputs = carried(tree, sides, alias, {value.name.lower()} if value else set())
    return outputs or (() if value else (_ROW,))
