"""What a predicate says of two columns."""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.planner.scalar import Expr, column

Pair = tuple[tuple[str, str], tuple[str, str]]
"""Two columns, each as its alias in lower case and its name."""


def equality(predicate: Expr) -> Pair | None:
    """(alias, column) = (alias, column), where the predicate says just that of two inputs."""
    if len(predicate.columns) != 2:
        return None
    one, other = predicate.columns
    if predicate.sql not in (f"{one.sql} = {other.sql}", f"{other.sql} = {one.sql}"):
        return None
    return (one.relation.lower(), one.name), (other.relation.lower(), other.name)


def equal_columns(predicates: Iterable[Expr], first: tuple[str, str]) -> frozenset[tuple[str, str]]:
    """The columns (alias and name, in lower case) that must have the value of ``first``, itself among them."""
    pairs = [pair for predicate in predicates if (pair := equality(predicate))]
    found = {first}
    for _ in range(len(pairs)):
        for (one, a), (other, b) in pairs:
            left, right = (one, a.lower()), (other, b.lower())
            if left in found or right in found:
                found |= {left, right}
    return frozenset(found)


def plain_column(expr: Expr) -> tuple[str, str] | None:
    """The column (alias and name, in lower case) that an expression is, if it is nothing else."""
    if len(expr.columns) != 1 or expr != column(expr.columns[0].relation, expr.columns[0].name):
        return None
    return expr.columns[0].relation.lower(), expr.columns[0].name.lower()
