"""Removes every trace of something that was being built: tables, logs, consumers, fragment and rows of meta."""

from __future__ import annotations

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.store import Store
from mvengine.refresh.definitions import drop_tables
from mvengine.refresh.graph import Building, ViewDefinition
from mvengine.refresh.jobs.trimming import drop_unread_logs


def remove_build(engine: DuckDbEngine, store: Store, building: Building, event: str, cause: str) -> None:
    """In the transaction of ``engine``, by the writer. ``event`` (CANCEL or FAIL) and ``cause`` go into the history.

    The last commit of a build makes the view under the user's name: where one is there, it is somebody else's.
    """
    definition = building.definition
    drop_tables(engine, definition.plan)
    store.drop_relation(definition.relation_id, cause, event)
    if isinstance(definition, ViewDefinition):
        drop_unread_logs(engine, store, definition.inputs)
