"""Reads the change logs for one consumer: what waits for it becomes the change that the delta rules follow."""

from __future__ import annotations

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.records import Consumer
from mvengine.planner.delta import delta_name
from mvengine.planner.logical import FullStage
from mvengine.refresh.change_log import take, waiting_rows
from mvengine.refresh.graph import ViewDefinition
from mvengine.schema import Name, quote


def take_waiting(engine: DuckDbEngine, view: ViewDefinition, consumer: Consumer) -> dict[Name, int]:
    """Puts what waits in the logs of a view's inputs, consolidated, into their change tables; the rows of each that has
    any. An input of a part that is computed again only has to have changed."""
    recomputed = {name for stage in view.maintenance.stages if isinstance(stage, FullStage) for name in stage.relations}
    sizes = {}
    for name in consumer.inputs:
        waiting = waiting_rows(engine, [name], consumer.epoch)
        if waiting and not view.is_recomputed:
            taken = take(engine, name, view.columns_of(name), consumer.epoch)
            waiting = max(taken, 1) if name in recomputed else taken
        sizes[name] = waiting
    return {name: rows for name, rows in sizes.items() if rows}


def drop_taken(engine: DuckDbEngine, consumer: Consumer) -> None:
    """Removes the change tables again."""
    for name in consumer.inputs:
        engine.query(f"DROP TABLE IF EXISTS {quote(delta_name(name))}")
