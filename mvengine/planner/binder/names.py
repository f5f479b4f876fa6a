"""Names of outputs, told apart where a query gives one twice."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp


def unaliased(node: exp.Expr) -> exp.Expr:
    """The expression under its alias."""
    return node.this if isinstance(node, exp.Alias) else node


def output_names(select: exp.Select) -> list[str]:
    """The names of a SELECT's outputs, made unique: ``id`` twice becomes ``id`` and ``id_1``."""
    return unique(node.alias_or_name or f"column_{i}" for i, node in enumerate(select.expressions, 1))


def unique(names: Iterable[str]) -> list[str]:
    """Names told apart by numbers, as DuckDB does in CREATE TABLE AS."""
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        candidate, number = name, 0
        while candidate.lower() in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate.lower())
        result.append(candidate)
    return result
