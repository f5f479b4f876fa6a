"""Reads the change logs for one consumer: what waits for it becomes the change that the delta rules follow."""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.planner.delta import delta_name
from mvengine.planner.logical import FullStage
from mvengine.refresh.change_log import take, waiting_rows
from mvengine.refresh.graph import ViewDefinition
from mvengine.schema import Name, quote


def take_waiting(engine: DuckDbEngine, view: ViewDefinition, names: Iterable[Name], after: int) -> dict[Name, int]:
    """Puts what the logs of these inputs of a view hold behind epoch ``after``, consolidated, into their change tables;
    the rows of each that has any. An input of a part that is computed again only has to have changed."""
    recomputed = {name for stage in view.maintenance.stages if isinstance(stage, FullStage) for name in stage.relations}
    sizes = {}
    for name in names:
        if view.is_recomputed:
            sizes[name] = waiting_rows(engine, [name], after)
        else:
            taken = take(engine, name, view.columns_of(name), after)
            sizes[name] = max(taken, 1) if name in recomputed else taken
    return {name: rows for name, rows in sizes.items() if rows}


def drop_taken(engine: DuckDbEngine, names: Iterable[Name]) -> None:
    """Removes the change tables again."""
    for name in names:
        engine.query(f"DROP TABLE IF EXISTS {quote(delta_name(name))}")
