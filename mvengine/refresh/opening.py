"""Opens and closes databases: recovery before anything else, then what is to go on in the background."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Event, RLock, current_thread

from mvengine.config import SETTINGS, Config, Scope, with_stored
from mvengine.engines.duckdb import DuckDbEngine, open_database
from mvengine.errors import InterfaceError, OperationalError, StateError
from mvengine.meta.migrate import open_format
from mvengine.meta.store import Store
from mvengine.refresh import jobs
from mvengine.refresh.choice import Costs
from mvengine.refresh.database import Clock, Database
from mvengine.refresh.foreign import DatabaseFile, ForeignChange, foreign_changes, mark, seal
from mvengine.refresh.graph import decode
from mvengine.refresh.recovery import recover
from mvengine.refresh.run import operations
from mvengine.refresh.run.workers import THREAD_PREFIX
from mvengine.refresh.schedule.scheduler import Scheduler


def utc_now() -> datetime:
    return datetime.now(UTC)


_OWN_SCHEMAS = frozenset({"mv_meta", "mv_catalog", "mv_state", "mv_system"})

_open: dict[str, Database] = {}
_closing: dict[str, Event] = {}  # by key: set when it is closed
_guard = RLock()


def acquire(path: str, config: Config, clock: Clock = utc_now) -> Database:
    """Opens a database, or joins the one that this process has open already. Recovers before anything else."""
    key = path if path == ":memory:" or path.startswith(":memory:") else os.path.realpath(path)
    while True:
        _wait_until_closed(key)
        with _guard:
            if key in _closing:
                continue  # opened and closed again in between
            database = None if key == ":memory:" else _open.get(key)
            if database is not None:
                _require_same(database, config)
            else:
                database = _open_new(path, config, clock)
                if key != ":memory:":
                    _open[key] = database
            if config.scheduler or database.config.scheduler:
                _start_scheduler(database)
            database.users += 1
            return database


def _require_same(database: Database, config: Config) -> None:
    """Settings of the whole database are those of its first connection: another one cannot have others. That a
    scheduler is to run may be said later."""
    for name in sorted(config.explicit):
        held, wanted = getattr(database.config, name), getattr(config, name)
        is_shared = SETTINGS[name].scope is not Scope.SESSION and not (name == "scheduler" and wanted)
        if is_shared and held != wanted:
            raise StateError(
                f"the database is open in this process with {name} = {held}, and cannot be opened with {wanted}",
                hint="close its other connections first, or give this one the same setting",
            )


def release(database: Database) -> None:
    """Closes the database with its last connection. Its threads are joined without the guard: they may open others."""
    closed = Event()
    with _guard:
        database.users -= 1
        if database.users > 0:
            return
        keys = [key for key, found in _open.items() if found is database]
        for key in keys:
            del _open[key]
            _closing[key] = closed
    try:
        database.workers.close()
        try:
            if database.file is not None:
                seal(database.engine, database.store(database.engine), database.file, database.graph, database.name)
        finally:
            database.engine.close()
    finally:
        if database.file is not None:
            database.file.close()
        with _guard:
            for key in keys:
                del _closing[key]
        closed.set()


def _wait_until_closed(key: str) -> None:
    """Two DuckDB instances cannot have one file, not even for the moment in which one of them closes it."""
    with _guard:
        closing = _closing.get(key)
    if closing is None:
        return
    if current_thread().name.startswith(THREAD_PREFIX):
        raise InterfaceError("the database is being closed, and waits for this thread", hint="open it elsewhere")
    closing.wait()


def _open_new(path: str, config: Config, clock: Clock) -> Database:
    if Path(path).stem.lower() in _OWN_SCHEMAS:
        raise OperationalError(
            f"a database file cannot be called {Path(path).name}: DuckDB would take our schema for it",
            hint="give the file another name",
        )
    settings = {"threads": config.threads, "memory_limit": config.memory_limit, "temp_directory": config.temp_directory}
    options = {name: value for name, value in settings.items() if value is not None}
    file = _file(path)
    before = (file.iteration(), file.has_log()) if file is not None else (None, False)
    try:
        engine = DuckDbEngine(open_database(path, {**options, "python_enable_replacements": False}))
    except BaseException:
        if file is not None:
            file.close()
        raise
    file = file or _file(path)
    try:
        engine.begin()
        open_format(engine, _version(), clock)
        engine.query("CREATE SCHEMA IF NOT EXISTS mv_state")
        Store(engine, clock).clear_all_progress()
        engine.commit()
        name = str(engine.query("SELECT current_database()")[0][0])
        found = _found(engine, Store(engine, clock), name, *before) if file is not None else ()
        stored = Store(engine, clock).database_settings()
        config = with_stored(config, stored)
        going_on = recover(engine, Store(engine, clock), config, clock)
        store = Store(engine, clock)
        if not config.scheduler:
            store.clear_schedules()  # a killed process may have left those of its scheduler
        database = Database(
            path=path,
            engine=engine,
            config=config,
            opened_with=config,
            stored_settings=stored,
            clock=clock,
            graph=decode(store.load_relations()),
            epoch=store.latest_epoch(),
            name=name,
            costs=Costs(store.maintenance_runs()),
            file=file,
            foreign_changes=found,
        )
        if file is not None:
            database.lock.before_first = lambda: _break_seal(database)
        _go_on(database, going_on)
        return database
    except BaseException:
        engine.close()
        if file is not None:
            file.close()
        raise


def _file(path: str) -> DatabaseFile | None:
    """The file of a database; None while there is none, and of one in memory."""
    return DatabaseFile(path) if os.path.isfile(path) else None


def _found(
    engine: DuckDbEngine, store: Store, name: str, iteration: int | None, has_log: bool
) -> tuple[ForeignChange, ...]:
    """What another program has changed, recorded before anything goes on from it."""
    graph = decode(store.load_relations())
    found = foreign_changes(engine, store, graph, name, iteration=iteration, has_log=has_log)
    if found:
        engine.begin()
        mark(store, graph, found)
        engine.commit()
    return found


def _break_seal(database: Database) -> None:
    """From now on the file differs from what was sealed by our own work, and a kill must not make that foreign."""
    engine = database.engine.fork()
    try:
        database.store(engine).break_seal()
    finally:
        engine.close()


def _go_on(database: Database, plan_ids: tuple[int, ...]) -> None:
    """Refreshes and jobs that an earlier process left unfinished run on in the background; paused refreshes keep their
    tables."""
    operations.keep_paused(database)
    jobs.resume(database)
    for plan_id in plan_ids:
        operations.go_on(database, plan_id)


def _start_scheduler(database: Database) -> None:
    """Every connection may ask for it; there is one."""
    if database.scheduler is None:
        scheduler = Scheduler(database)
        database.scheduler = scheduler
        scheduler.start()


def _version() -> str:
    try:
        return version("mvengine")
    except PackageNotFoundError:
        return "0"
