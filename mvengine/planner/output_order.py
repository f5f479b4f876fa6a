"""The columns of a query's result by which its own ORDER BY orders the rows."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from mvengine.planner.parse import parse


def order_columns(query: str, columns_count: int) -> tuple[int, ...] | None:
    """The first keys of the outermost ORDER BY, as columns of the result from 0, up to one that is none.

    None where there is no ORDER BY, or where the query is not read. Two answers of the query agree in these columns,
    row by row, however rows tie.
    """
    try:
        tree = parse(query)
    except (SqlglotError, RecursionError):
        return None
    while isinstance(tree, exp.Subquery) and not tree.args.get("order"):
        tree = tree.this
    order = tree.args.get("order")
    if order is None:
        return None
    outputs = _outputs(tree)
    found: list[int] = []
    for ordered in order.expressions:
        key = ordered.this
        if isinstance(key, exp.Column) and not key.table and key.name.upper() == "ALL":
            return tuple(range(columns_count))
        at = _column(key, outputs)
        if at is None or not 0 <= at < columns_count:
            break
        found.append(at)
    return tuple(found)


def _outputs(tree: exp.Expr) -> list[exp.Expr]:
    """The expressions of SELECT, up to the first ``*``; of a set operation those of its first query."""
    while isinstance(tree, exp.SetOperation | exp.Subquery):
        tree = tree.this
    found: list[exp.Expr] = []
    for output in tree.expressions:
        if output.is_star:
            break
        found.append(output)
    return found


def _column(key: exp.Expr, outputs: list[exp.Expr]) -> int | None:
    if isinstance(key, exp.Literal):
        return None if key.is_string or not key.this.isdecimal() else int(key.this) - 1
    if isinstance(key, exp.Column) and not key.table:
        for at, output in enumerate(outputs):
            if output.alias_or_name.lower() == key.name.lower():
                return at
    return next((at for at, output in enumerate(outputs) if output.unalias() == key), None)
