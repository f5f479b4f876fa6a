"""Smaller queries than a given one: a clause, a join, an output, a side of an operator left out; by its syntax tree.

Many of them are no valid queries, or mean nothing alike: whoever asks tries each, shortest first.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

CLAUSES = ("where", "group", "having", "qualify", "distinct", "offset", "limit", "order", "with_")
LISTS = ("joins", "laterals", "expressions", "partition_by", "ifs")


def smaller_queries(query: str) -> list[str]:
    """Shortest first; none where the text cannot be taken apart and put together again."""
    try:
        tree = sqlglot.parse_one(query, read="duckdb")
        found = {text for text in _smaller(tree) if len(text) < len(query)}
    except SqlglotError:
        return []
    return sorted(found, key=len)


def _smaller(tree: exp.Expr) -> Iterator[str]:
    positions = list(tree.walk())
    for position, node in enumerate(positions):
        for key in CLAUSES:
            if node.args.get(key) is not None:
                yield _changed(tree, position, lambda at, key=key: at.set(key, None))
        for key in LISTS:
            items = node.args.get(key)
            if isinstance(items, list) and items and (len(items) > 1 or key in ("joins", "laterals", "partition_by")):
                for i in range(len(items)):
                    yield _changed(tree, position, lambda at, key=key, i=i: at.set(key, _without(at.args[key], i)))
        for child in _parts(node):
            yield _replaced(tree, position, child)


def _parts(node: exp.Expr) -> list[exp.Expr]:
    """What may stand in the place of a node: what it is made of, and for a query the queries inside."""
    if isinstance(node, exp.Query):
        return [
            query for query in node.find_all(exp.Query) if query is not node and not isinstance(query, exp.Subquery)
        ]
    if isinstance(node, exp.Condition | exp.Paren | exp.Filter | exp.Window | exp.Order | exp.Case):
        children = [
            child for child in node.iter_expressions() if isinstance(child, exp.Condition | exp.Paren | exp.Func)
        ]
        return [*children, exp.Literal.number(1)] if not isinstance(node, exp.Literal | exp.Column) else []
    return []


def _changed(tree: exp.Expr, position: int, change) -> str:  # type: ignore[no-untyped-def]
    copy = tree.copy()
    change(list(copy.walk())[position])
    return copy.sql(dialect="duckdb", unsupported_level=ErrorLevel.IGNORE)


def _replaced(tree: exp.Expr, position: int, child: exp.Expr) -> str:
    if position == 0:
        return child.sql(dialect="duckdb", unsupported_level=ErrorLevel.IGNORE)
    copy = tree.copy()
    list(copy.walk())[position].replace(child.copy())
    return copy.sql(dialect="duckdb", unsupported_level=ErrorLevel.IGNORE)


def _without(items: list[exp.Expr], i: int) -> list[exp.Expr]:
    return [item for j, item in enumerate(items) if j != i]
