"""Null rejection: which conditions no row padded by an outer join can satisfy.

An expression is *strict* in an input if it is NULL whenever all columns of that input are. Only operators that are
known to be so count; functions, CASE and COALESCE never do. Source: Galindo-Legaria and Rosenthal,
"Outerjoin Simplification and Reordering for Query Optimization" (1997).
"""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.errors import SqlglotError

from mvengine.planner.parse import parse
from mvengine.planner.scalar import Expr

_STRICT_BINARY = (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like)
_STRICT_UNARY = (exp.Paren, exp.Neg, exp.Cast, exp.Not)
_QUANTIFIED = re.compile(r"\b(any|all|some)\b", re.I)  # over an empty list such a comparison is never NULL
_TAGGED = (exp.DType.UNION, exp.DType.VARIANT)  # a NULL inside such a value is no NULL


def rejects_nulls(predicate: Expr, alias: str) -> bool:
    """Whether the predicate is not true for any row in which every column of ``alias`` is NULL."""
    if _QUANTIFIED.search(predicate.sql):
        return False
    try:
        tree = parse(predicate.sql)
    except (SqlglotError, RecursionError):
        return False
    return _rejects(tree, alias.lower())


def _rejects(node: exp.Expr, alias: str) -> bool:
    match node:
        case exp.Paren():
            return _rejects(node.this, alias)
        case exp.And():
            return _rejects(node.left, alias) or _rejects(node.right, alias)
        case exp.Or():
            return _rejects(node.left, alias) and _rejects(node.right, alias)
        case exp.Not(this=exp.Is(this=tested, expression=exp.Null())):
            return _is_strict(tested, alias)
        case _:
            return _is_strict(node, alias)


def _is_strict(node: exp.Expr, alias: str) -> bool:
    if isinstance(node, exp.Column):
        return bool(node.table.lower() == alias)
    if isinstance(node, _STRICT_BINARY):
        return _is_strict(node.left, alias) or _is_strict(node.right, alias)
    if isinstance(node, exp.Cast) and (node.to.args.get("nested") or node.to.this in _TAGGED):
        return False
    if isinstance(node, _STRICT_UNARY):
        return _is_strict(node.this, alias)
    if isinstance(node, exp.Between):
        return not node.args.get("symmetric") and _is_strict(node.this, alias)
    if isinstance(node, exp.In):
        return bool(node.expressions) and not node.args.get("unnest") and _is_strict(node.this, alias)
    return False
