"""Equalities of columns of different types → equalities that say no more than that.

    o.k = l.k  =>  (o.k) = (l.k)      where o.k is a number and l.k a text

What is equal to the same is the same only within one type: the texts '1' and '01' are both equal to the number 1, and
two large integers to one DOUBLE. Delta rules that put a column in the place of an equal one (affected keys that are
pushed down, reductions to what is near a change) read columns without parentheses only.
"""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.binder.matches import types_of
from mvengine.planner.binder.scopes import scopes
from mvengine.planner.delta.equality import equality
from mvengine.planner.delta.state import INTEGER_TYPES
from mvengine.planner.emit.select import scope_of
from mvengine.planner.logical import Filter, Join, Match, MatchKey, Project, RecursionRead, Scan
from mvengine.planner.node import Node, rewrite, walk
from mvengine.planner.reader import SchemaReader
from mvengine.planner.scalar import ColumnRef, Expr, column


def of_one_type(plan: Node, reader: SchemaReader) -> Node:
    """The plan, in which plain equalities compare values of one type, or exact numbers."""

    def told_apart(node: Node) -> Node | None:
        match node:
            case Filter() | Join():
                predicates = tuple(_told_apart(node, predicate, reader) for predicate in node.predicates)
                return None if predicates == node.predicates else replace(node, predicates=predicates)
            case Match():
                keys = tuple(_key_told_apart(node, key, reader) for key in node.keys)
                return None if keys == node.keys else replace(node, keys=keys)
            case _:
                return None

    return rewrite(plan, told_apart)


def _told_apart(node: Filter | Join, predicate: Expr, reader: SchemaReader) -> Expr:
    if equality(predicate) is None:
        return predicate
    one, other = predicate.columns
    if _are_comparable(_type_of(node, one, reader), _type_of(node, other, reader)):
        return predicate
    return Expr(sql=f"({one.sql}) = ({other.sql})", columns=predicate.columns)


def _key_told_apart(node: Match, key: MatchKey, reader: SchemaReader) -> MatchKey:
    if not (key.left.is_column and key.right.is_column):
        return key
    left, right = (side.columns[0] for side in (key.left, key.right))
    if _are_comparable(_type_of(node.left, left, reader), _type_of(node.right, right, reader)):
        return key
    return replace(key, left=_in_parentheses(key.left), right=_in_parentheses(key.right))


def _in_parentheses(expr: Expr) -> Expr:
    return replace(expr, sql=f"({expr.sql})")


def _are_comparable(one: str | None, other: str | None) -> bool:
    """An unknown type is that of a recursion's own rows, which no rule looks through."""
    if one is None or other is None:
        return True
    return one == other or all(t in INTEGER_TYPES or t.startswith("DECIMAL(") for t in (one, other))


def _type_of(node: Node, ref: ColumnRef, reader: SchemaReader) -> str | None:
    """The type of a column, as its table says, or the engine where it is computed; None in a recursion's own rows."""
    known = _declared(node, ref)
    if known is not None:
        return known
    scope = next(scope for scope in scopes(node) if scope_of(scope).lower() == ref.relation.lower())
    if any(isinstance(part, RecursionRead) for part in walk(scope)):
        return None
    return types_of([column(ref.relation, ref.name)], scope, reader)[0]


def _declared(node: Node, ref: ColumnRef) -> str | None:
    """The type of what is a column of a table, whatever it is called by now."""
    scope = next((scope for scope in scopes(node) if scope_of(scope).lower() == ref.relation.lower()), None)
    match scope:
        case Scan():
            return next((c.type for c in scope.columns if c.name.lower() == ref.name.lower()), None)
        case Project():
            expr = next((o.expr for o in scope.outputs if o.name.lower() == ref.name.lower()), None)
            return _declared(scope.input, expr.columns[0]) if expr is not None and expr.is_column else None
        case _:
            return None
