"""Constraints that the engine is not told of, checked when a refresh publishes: unique keys and foreign keys."""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.engines.base import Engine
from mvengine.errors import IntegrityError, KeyViolation
from mvengine.planner.logical import MaterializeTable
from mvengine.refresh.graph import Graph
from mvengine.schema import Name, quote


def check_unique(engine: Engine, plan: MaterializeTable) -> None:
    """Unique keys beside the primary key, by which rows are merged. Raises KeyViolation."""
    for key in plan.keys:
        if key.is_primary:
            continue
        columns = ", ".join(quote(column) for column in key.columns)
        present = " AND ".join(f"{quote(column)} IS NOT NULL" for column in key.columns)
        twice = engine.query(
            f"SELECT {columns} FROM {plan.storage} WHERE {present} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
        )
        if twice:
            value = ", ".join(map(str, twice[0]))
            raise KeyViolation(
                f"duplicate key ({', '.join(key.columns)}) = ({value}) in {plan.relation}",
                hint="correct the files, or declare another key",
            )


def check_foreign_keys(engine: Engine, graph: Graph, changed: Iterable[Name]) -> None:
    """Foreign keys from or to refreshable tables, where either side has changed. Raises IntegrityError (23503)."""
    touched = set(changed)
    for table, foreign in graph.foreign_keys:
        if table.name not in touched and foreign.references not in touched:
            continue
        own = ", ".join(quote(column) for column in foreign.columns)
        pairs = zip(foreign.columns, foreign.referenced_columns, strict=True)
        same = " AND ".join(f"r.{quote(theirs)} = c.{quote(ours)}" for ours, theirs in pairs)
        present = " AND ".join(f"c.{quote(column)} IS NOT NULL" for column in foreign.columns)
        orphan = engine.query(
            f"SELECT {own} FROM {table.plan.storage} AS c ANTI JOIN {foreign.referenced_storage} AS r ON {same} "
            f"WHERE {present} LIMIT 1"
        )
        if orphan:
            value = ", ".join(map(str, orphan[0]))
            raise IntegrityError(
                f"{table.name} ({', '.join(foreign.columns)}) = ({value}) is not in {foreign.references}",
                hint="refresh both tables in one statement: REFRESH TABLE a, b",
                code="23503",
            )
