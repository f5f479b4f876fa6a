"""At close: records what the file is like, so that the next start can tell whether somebody else has changed it."""

from __future__ import annotations

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error
from mvengine.meta.store import Store
from mvengine.refresh.foreign.file import DatabaseFile
from mvengine.refresh.foreign.objects import duckdb_version, found_objects, owned_objects
from mvengine.refresh.graph import Graph


def seal(engine: DuckDbEngine, store: Store, file: DatabaseFile, graph: Graph, database_name: str) -> None:
    """Records all that mvengine depends on, if anything was written since the last seal. Nobody else uses the database.

    Two checkpoints: the first brings rows into the blocks that fingerprints speak of, the second is DuckDB's own when
    it closes the file, and has the number that is recorded here. What fails leaves the file unsealed: the next start
    takes it for one that may have been changed, and closing goes on.
    """
    try:
        if store.sealed_iteration() == file.iteration() and not file.has_log():
            return
        engine.query("CHECKPOINT")
        iteration = file.iteration()
        if iteration is None:
            return
        objects = found_objects(engine, database_name, owned_objects(graph))
        engine.begin()
        store.seal(iteration + 1, duckdb_version(engine), objects)
        engine.commit()
    except (Error, OSError):
        engine.rollback()
