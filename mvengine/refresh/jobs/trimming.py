"""What nobody will read any more leaves the change logs."""

from __future__ import annotations

from collections.abc import Container, Iterable

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import LockTimeout
from mvengine.meta.store import Store
from mvengine.refresh.change_log import drop_logs, trim
from mvengine.refresh.database import Database
from mvengine.schema import Name


def trim_logs(database: Database, engine: DuckDbEngine) -> None:
    """Deletes what all consumers have read, in a transaction of its own.

    Two that trim at the same time would delete the same rows, which is a conflict: so it is done under the writer lock,
    and left to a later one where somebody has that.
    """
    owner = object()
    try:
        database.lock.acquire(owner, "trimming change logs", 0.0)
    except LockTimeout:
        return
    try:
        engine.begin()
        store = database.store(engine)
        trim(engine, store.slowest_cursors())
        store.forget_logged()
        engine.commit()
    except BaseException:
        engine.rollback()
        raise
    finally:
        database.lock.release(owner)


def trim_read(engine: DuckDbEngine, store: Store, names: Container[Name]) -> None:
    """Deletes what all consumers have read of these relations' logs, in the running transaction, by the writer."""
    trim(engine, {name: epoch for name, epoch in store.slowest_cursors().items() if name in names})
    store.forget_logged()


def drop_unread_logs(engine: DuckDbEngine, store: Store, names: Iterable[Name]) -> None:
    """Drops the logs of those relations that have no consumer any more."""
    read = store.slowest_cursors()
    drop_logs(engine, [name for name in names if name not in read])
    store.forget_logged()
