"""An open database: what all connections of this process to one file share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING

from mvengine.config import Config
from mvengine.engines.duckdb import DuckDbEngine, open_database
from mvengine.errors import OperationalError
from mvengine.meta.migrate import open_format
from mvengine.meta.store import Store
from mvengine.refresh.graph import Graph, decode
from mvengine.refresh.lock import WriterLock
from mvengine.refresh.recovery import recover
from mvengine.refresh.run.progress import LiveProgress
from mvengine.refresh.run.registry import Registry
from mvengine.refresh.run.workers import Workers
from mvengine.schema import Name

if TYPE_CHECKING:
    from mvengine.refresh.jobs.build import Build
    from mvengine.refresh.schedule.scheduler import Scheduler

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Database:
    """Shared by all connections to one file. ``epoch``, ``changed`` and ``graph`` change only under the writer lock."""

    path: str
    engine: DuckDbEngine
    config: Config
    clock: Clock
    graph: Graph
    epoch: int
    name: str  # DuckDB's, of the attached file
    changed: dict[Name, int] = field(default_factory=dict)  # relation -> epoch of its last change in this process
    lock: WriterLock = field(default_factory=WriterLock)
    workers: Workers = field(default_factory=Workers)  # background refreshes, builds, the scheduler
    builds: dict[int, Build] = field(default_factory=dict)  # by job id: those that run, and those that failed
    scheduler: Scheduler | None = None  # runs where a connection was opened with it
    registry: Registry = field(default_factory=Registry)  # refreshes that run, and their tables
    live: list[LiveProgress] = field(default_factory=list)  # of what runs now, in the order of its start
    plain_writes: dict[str, int] = field(default_factory=dict)  # bare name of an unmaintained table -> write_clock
    shapes: int = 0  # counts statements after which names or columns may mean something else
    write_clock: int = 0  # counts writes to unmaintained tables, which make no epoch
    users: int = 0
    guard: Lock = field(default_factory=Lock)  # of ``live``

    def note_plain_writes(self, names: Iterable[str]) -> None:
        """Remembers that tables nothing depends on were written. Called under the writer lock."""
        for name in names:
            self.write_clock += 1
            self.plain_writes[name.lower()] = self.write_clock

    def store(self, engine: DuckDbEngine) -> Store:
        """The meta store, in the transaction of ``engine``."""
        return Store(engine, self.clock)


_OWN_SCHEMAS = frozenset({"mv_meta", "mv_catalog", "mv_state"})

_open: dict[str, Database] = {}
_guard = RLock()


def acquire(path: str, config: Config, clock: Clock = utc_now) -> Database:
    """Opens a database, or joins the one that this process has open already. Recovers before anything else."""
    key = path if path == ":memory:" or path.startswith(":memory:") else os.path.realpath(path)
    with _guard:
        database = None if key == ":memory:" else _open.get(key)
        if database is None:
            database = _open_new(path, config, clock)
            if key != ":memory:":
                _open[key] = database
        if config.scheduler:
            _start_scheduler(database)
        database.users += 1
        return database


def release(database: Database) -> None:
    """Closes the database with its last connection."""
    with _guard:
        database.users -= 1
        if database.users == 0:
            for key in [key for key, found in _open.items() if found is database]:
                del _open[key]
            database.workers.close()
            database.engine.close()


def _open_new(path: str, config: Config, clock: Clock) -> Database:
    if Path(path).stem.lower() in _OWN_SCHEMAS:
        raise OperationalError(
            f"a database file cannot be called {Path(path).name}: DuckDB would take our schema for it",
            hint="give the file another name",
        )
    settings = {"threads": config.threads, "memory_limit": config.memory_limit, "temp_directory": config.temp_directory}
    options = {name: value for name, value in settings.items() if value is not None}
    engine = DuckDbEngine(open_database(path, {**options, "python_enable_replacements": False}))
    try:
        engine.begin()
        open_format(engine, _version(), clock)
        engine.query("CREATE SCHEMA IF NOT EXISTS mv_state")
        Store(engine, clock).clear_all_progress()
        engine.commit()
        going_on = recover(engine, Store(engine, clock), config, clock)
        store = Store(engine, clock)
        if not config.scheduler:
            store.clear_schedules()  # a killed process may have left those of its scheduler
        database = Database(
            path=path,
            engine=engine,
            config=config,
            clock=clock,
            graph=decode(store.load_relations()),
            epoch=store.latest_epoch(),
            name=str(engine.query("SELECT current_database()")[0][0]),
        )
        _go_on(database, going_on)
        return database
    except BaseException:
        engine.close()
        raise


def _go_on(database: Database, plan_ids: tuple[int, ...]) -> None:
    """Refreshes and jobs that an earlier process left unfinished run on in the background; paused refreshes keep their
    tables."""
    from mvengine.refresh.jobs import resume
    from mvengine.refresh.run import operations

    operations.keep_paused(database)
    resume(database)
    for plan_id in plan_ids:
        operations.go_on(database, plan_id)


def _start_scheduler(database: Database) -> None:
    """Every connection may ask for it; there is one."""
    from mvengine.refresh.schedule.scheduler import Scheduler

    if database.scheduler is None:
        database.scheduler = Scheduler(database)
        database.scheduler.start()


def _version() -> str:
    try:
        return version("mvengine")
    except PackageNotFoundError:
        return "0"
