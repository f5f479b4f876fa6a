"""Subqueries in GROUP BY, which stand in the SELECT list too."""

from __future__ import annotations

from sqlglot import exp

from mvengine.planner.binder.names import unaliased
from mvengine.planner.binder.scalar import render


def outputs_of_keys(select: exp.Select) -> list[tuple[int, list[exp.Expr]]]:
    """The keys with subqueries, by number, each with the outputs that are the same."""
    group = select.args.get("group")
    keys = [(i, key) for i, key in enumerate(group.expressions) if key.find(exp.Query)] if group else []
    outputs = [unaliased(node) for node in select.expressions]
    return [(i, [node for node in outputs if _by_number(node) == _by_number(key)]) for i, key in keys]


def _by_number(node: exp.Expr) -> str:
    """The text of an expression with the aliases inside numbered: those of its copies were made different."""
    node = node.copy()
    numbers: dict[str, str] = {}
    for item in node.find_all(exp.TableAlias):
        item.set("this", exp.to_identifier(numbers.setdefault(item.name, f"_{len(numbers)}")))
    for found in node.find_all(exp.Column):
        if found.table in numbers:
            found.set("table", exp.to_identifier(numbers[found.table]))
    return render(node)
