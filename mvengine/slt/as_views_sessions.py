"""An engine whose sessions are watched: an observer runs their statements, and so can do something before and after."""

from __future__ import annotations

from threading import current_thread
from typing import Protocol

from mvengine.slt.answers import Answer
from mvengine.slt.engines import Connection, Engine


class Observer(Protocol):
    """Sessions are numbered in the order in which they are opened; the same script numbers them alike each time."""

    def opened(self, connection: Connection) -> int:
        """A database was opened: all that there was before is gone. Returns the number of its first session."""
        ...

    def forked(self, connection: Connection) -> int: ...

    def closed(self, session: int) -> None: ...

    def run(self, session: int, sql: str) -> Answer:
        """Runs a statement in a session. Raises the database's error."""
        ...

    def overtaken(self) -> None:
        """Statements are about to run in other threads, unobserved."""
        ...


class WatchedEngine:
    """An engine as it is, with an observer in between. Sessions of other threads than the script's are not observed."""

    def __init__(self, engine: Engine, observer: Observer) -> None:
        self._engine = engine
        self._observer = observer

    @property
    def labels(self) -> tuple[str, ...]:
        return self._engine.labels

    @property
    def is_duckdb(self) -> bool:
        return self._engine.is_duckdb

    def open(self, path: str, *, is_read_only: bool) -> Connection:
        connection = self._engine.open(path, is_read_only=is_read_only)
        return _WatchedConnection(connection, self._observer, self._observer.opened(connection))


class _WatchedConnection:
    def __init__(self, connection: Connection, observer: Observer, session: int) -> None:
        self._connection = connection
        self._observer = observer
        self._session = session
        self._thread = current_thread()

    def run(self, sql: str) -> Answer:
        return self._observer.run(self._session, sql)

    def fork(self) -> Connection:
        connection = self._connection.fork()
        if current_thread() is not self._thread:
            self._observer.overtaken()
            return connection
        return _WatchedConnection(connection, self._observer, self._observer.forked(connection))

    def interrupt(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        if current_thread() is self._thread:
            self._observer.closed(self._session)
        self._connection.close()
