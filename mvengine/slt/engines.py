"""What scripts run on: an engine opens databases, a connection runs statements.

Any object with these methods is an engine for ``mvengine.slt.run``; ``engine_of`` makes one from a name, or from a
function that returns a PEP 249 connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from mvengine.errors import UnknownOption
from mvengine.slt.answers import Answer

MEMORY = ":memory:"


class Connection(Protocol):
    """One session of a database. Not for several threads at once, but ``interrupt``."""

    def run(self, sql: str) -> Answer:
        """Runs one statement. Raises the database's error."""
        ...

    def fork(self) -> Connection:
        """Another session of the same database."""
        ...

    def interrupt(self) -> None:
        """Stops the statement that runs, if the engine can."""
        ...

    def close(self) -> None: ...


class Engine(Protocol):
    """``labels`` are what ``skipif`` and ``onlyif`` go by; ``is_duckdb`` says that DuckDB's settings mean something."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def is_duckdb(self) -> bool: ...

    def open(self, path: str, *, is_read_only: bool) -> Connection:
        """Opens a database file, made if it is not there, or one in memory. The first session closes it."""
        ...


@dataclass(frozen=True, kw_only=True)
class DbApiEngine:
    """An engine of PEP 249 connections that commit by themselves. ``connect`` gets a path and if it is only read."""

    connect: Callable[[str, bool], Any]
    labels: tuple[str, ...]
    is_duckdb: bool

    def open(self, path: str, *, is_read_only: bool) -> Connection:
        return DbApiConnection(self.connect(path, is_read_only), lambda: self.connect(path, is_read_only))


class DbApiConnection:
    """A PEP 249 connection as a session.

    Where ``cursor()`` gives a connection again (DuckDB, mvengine), that is another session; elsewhere ``another`` is.
    """

    def __init__(self, raw: Any, another: Callable[[], Any]) -> None:
        self._raw = raw
        self._another = another
        self._always_has_rows = hasattr(raw, "arrow")  # DuckDB and mvengine: some, or none, can always be fetched
        self._execute = raw.execute if hasattr(raw, "execute") else self._by_cursor

    def _by_cursor(self, sql: str) -> Any:
        cursor = self._raw.cursor()
        cursor.execute(sql)
        return cursor

    def run(self, sql: str) -> Answer:
        try:
            result = self._execute(sql)
            has_rows = self._always_has_rows or result.description
            return Answer(source=result, rows=result.fetchall() if has_rows else ())
        except Exception as error:
            _name_sqlstate(error, sql)
            raise

    def fork(self) -> Connection:
        other = self._raw.cursor()
        if not isinstance(other, type(self._raw)):
            other = self._another()
        return DbApiConnection(other, self._another)

    def interrupt(self) -> None:
        if hasattr(self._raw, "interrupt"):
            self._raw.interrupt()

    def close(self) -> None:
        self._raw.close()


def _name_sqlstate(error: Exception, sql: str) -> None:
    """Gives an error of DuckDB's own the SQLSTATE that mvengine's has."""
    if type(error).__module__ == "_duckdb" or type(error).__module__.startswith("duckdb"):
        from mvengine.engines.duckdb_errors import translate

        error.sqlstate = translate(error, sql).code  # type: ignore[attr-defined]  # read by check.sqlstate_of


def mvengine_engine(dialect: str | None = None) -> Engine:
    """mvengine, which reads statements in a dialect; None: the configured one. Errors: ``UnknownOption``."""
    import mvengine
    from mvengine.config import load_config

    settings = {} if dialect is None else {"dialect": dialect}
    load_config(settings)  # says so now, if there is no such dialect
    return DbApiEngine(
        connect=lambda path, _: mvengine.connect(path, **settings), labels=("mvengine", "duckdb"), is_duckdb=True
    )


def duckdb_engine() -> Engine:
    import duckdb

    return DbApiEngine(
        connect=lambda path, is_read_only: duckdb.connect(path, read_only=is_read_only and path != MEMORY),
        labels=("duckdb",),
        is_duckdb=True,
    )


def engine_of(name: str, dialect: str | None = None) -> Engine:
    """``mvengine``, which may read a dialect, ``duckdb`` or ``python:module:factory``. Errors: ``UnknownOption``.

    The factory is an engine itself if it has ``open``; else it is called with a path and returns a PEP 249 connection.
    """
    if name == "mvengine":
        return mvengine_engine(dialect)
    if dialect is not None:
        raise UnknownOption(f"the engine {name!r} reads no dialect", hint="leave it out, or take the engine mvengine")
    if name == "duckdb":
        return duckdb_engine()
    kind, _, path = name.partition(":")
    module, _, attribute = path.rpartition(":")
    if kind != "python" or not module or not attribute:
        raise UnknownOption(
            f"there is no engine {name!r}", hint="engines are mvengine, duckdb and python:module:factory"
        )
    try:
        factory = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as cause:
        raise UnknownOption(f"the engine {name!r} cannot be imported: {cause}") from cause
    if hasattr(factory, "open"):
        engine: Engine = factory
        return engine
    return DbApiEngine(connect=lambda path, _: factory(path), labels=(module.partition(".")[0],), is_duckdb=False)
