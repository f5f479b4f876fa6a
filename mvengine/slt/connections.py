"""The sessions of one script, opened when they are first used."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from mvengine.slt.engines import MEMORY, Connection, Engine
from mvengine.slt.records import DEFAULT_CONNECTION


class Connections:
    """The default session, which opens and closes the database, and others by name.

    ``setup`` are statements that each session runs first.
    """

    def __init__(self, engine: Engine, path: str, setup: tuple[str, ...]) -> None:
        self._engine = engine
        self._setup = setup
        self._open: dict[str, Connection] = {}
        self.path = path
        self._is_read_only = False
        self.is_duckdb = engine.is_duckdb

    def get(self, name: str) -> Connection:
        found = self._open.get(name)
        if found is not None:
            return found
        if DEFAULT_CONNECTION not in self._open:
            root = self._engine.open(self.path, is_read_only=self._is_read_only)
            self._open[DEFAULT_CONNECTION] = self._prepared(root)
        if name not in self._open:
            self._open[name] = self._prepared(self._open[DEFAULT_CONNECTION].fork())
        return self._open[name]

    def fork(self) -> Connection:
        """A session that the caller closes."""
        return self._prepared(self.get(DEFAULT_CONNECTION).fork())

    def load(self, path: str, *, is_read_only: bool) -> None:
        """Goes over to another database: an empty one, unless it is only read."""
        self.close()
        self.path, self._is_read_only = path or MEMORY, is_read_only
        if path and not is_read_only:
            for file in (path, f"{path}.wal"):
                if os.path.exists(file):
                    os.unlink(file)
        self.get(DEFAULT_CONNECTION)

    def restart(self) -> None:
        """Closes the database and opens it again. One in memory is empty then."""
        self.close()

    def reconnect(self) -> None:
        """A new default session on the database, which stays open."""
        root = self.get(DEFAULT_CONNECTION)
        self._open[DEFAULT_CONNECTION] = self._prepared(root.fork())
        self._open[f" {len(self._open)}"] = root  # a name that no script can have: it closes the database

    def close(self) -> None:
        """Rolls back what is open; the session that opened the database comes last."""
        while self._open:
            _, connection = self._open.popitem()
            connection.close()

    def _prepared(self, connection: Connection) -> Connection:
        for statement in self._setup:
            connection.run(statement)
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class OneConnection:
    """The session of an iteration of a concurrent loop, whatever name a record asks for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> Connection:
        del name
        return self._connection
