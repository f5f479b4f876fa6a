"""Constructs whose result a query does not determine: two computations of it may differ, and neither is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.errors import SqlglotError

from mvengine.planner.function_names import function_name
from mvengine.planner.parse import parse

_ORDERED = {"list", "array_agg", "string_agg", "group_concat", "listagg", "first", "last", "any_value", "arbitrary"}
_TIES = {"arg_min", "arg_max", "min_by", "max_by", "argmin", "argmax", "mode"}
_APPROXIMATE = {"approx_count_distinct", "approx_quantile", "approx_top_k", "reservoir_quantile"}
_NUMBERING = (exp.RowNumber, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)


def undetermined_by(query: str) -> str | None:
    """The first construct of a query that leaves its result open, in words; None where there is none."""
    try:
        tree = parse(query)
    except (SqlglotError, RecursionError):
        return "a form that the planner does not read"
    return next(_found(tree), None)


def _found(tree: exp.Expr) -> Iterator[str]:
    for node in tree.walk():
        if isinstance(node, exp.Limit | exp.Offset | exp.Fetch):
            yield "LIMIT, where rows tie in its order"
        elif isinstance(node, exp.Distinct) and node.args.get("on"):
            yield "DISTINCT ON, where rows tie in its order"
        elif isinstance(node, _NUMBERING):
            yield f"{function_name(node)}(), where rows tie in its order"
        elif isinstance(node, exp.Func):
            name = function_name(node)
            if name in _ORDERED and not _is_ordered(node):
                yield f"{name}() without ORDER BY"
            elif name in _TIES:
                yield f"{name}(), where values tie"
            elif name in _APPROXIMATE:
                yield f"{name}(), which is approximate"


def _is_ordered(node: exp.Expr) -> bool:
    return node.find(exp.Order) is not None or isinstance(node.parent, exp.WithinGroup)
