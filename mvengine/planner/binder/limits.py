"""LIMIT inside a correlated subquery: the first rows of each partition, by their number."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from mvengine.planner.binder.names import unaliased
from mvengine.planner.binder.scalar import Unsupported


def limit_to_qualify(query: exp.Select, keys: Sequence[exp.Expr]) -> None:
    """``ORDER BY o LIMIT n OFFSET m  =>  QUALIFY m < number AND number <= n + m``, the number of a row among those with
    its keys: ``row_number() OVER (PARTITION BY keys ORDER BY o)``.

    Ties are broken by all outputs. Raises Unsupported where LIMIT is no number, is applied to what QUALIFY or DISTINCT
    has left, or where a window function would have to order rows for another.
    """
    limit, offset = query.args.get("limit"), query.args.get("offset")
    if limit is None and offset is None:
        return
    if query.args.get("qualify") or query.args.get("distinct"):
        raise Unsupported("LIMIT after DISTINCT or QUALIFY in a correlated subquery")
    number = exp.Window(
        this=exp.RowNumber(), partition_by=[key.copy() for key in keys], order=exp.Order(expressions=_order(query))
    )
    skipped = _number(offset)
    parts: list[exp.Expr] = [exp.GT(this=number, expression=exp.Literal.number(skipped))] if offset else []
    if limit is not None:
        last = exp.Literal.number(skipped + _number(limit))
        parts.append(exp.LTE(this=number.copy(), expression=last))
    query.set("qualify", exp.Qualify(this=exp.and_(*parts)))
    for key in ("limit", "offset", "order"):
        query.set(key, None)


def _number(clause: exp.Expr | None) -> int:
    if clause is None:
        return 0
    count = clause.args.get("expression")
    if not isinstance(clause, exp.Limit | exp.Offset) or not isinstance(count, exp.Literal) or not count.is_int:
        raise Unsupported("LIMIT of something else than a number in a correlated subquery")
    return int(count.name)


def _order(query: exp.Select) -> list[exp.Expr]:
    """The ORDER BY, and after it all outputs."""
    order = query.args.get("order")
    ordered = [node.copy() for node in order.expressions] if order else []
    outputs = [unaliased(node) for node in query.expressions]
    terms = [*ordered, *(exp.Ordered(this=node.copy()) for node in outputs if node.find(exp.Column))]
    if any(term.find(exp.Window) for term in terms):
        raise Unsupported("LIMIT beside a window function in a correlated subquery")
    return terms
