"""What nobody will read any more leaves the change logs."""

from __future__ import annotations

from collections.abc import Iterable

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
        trim_read(engine, database.store(engine))
        engine.commit()
    except BaseException:
        engine.rollback()
        raise
    finally:
        database.lock.release(owner)


def trim_read(engine: DuckDbEngine, store: Store) -> None:
    """Deletes what all consumers have read, in the running transaction, by the writer."""
    cursors = store.slowest_cursors()
    trim(engine, cursors)
    store.forget_logged(cursors)


def drop_unread_logs(engine: DuckDbEngine, store: Store, names: Iterable[Name]) -> None:
    """Drops the logs of those relations that have no consumer any more."""
    read = store.slowest_cursors()
    drop_logs(engine, [name for name in names if name not in read])
    store.forget_logged(read)
