"""A job's thread: from its start, or the start of the process, to CREATED, or to nothing."""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error, InternalError, OperationalError
from mvengine.refresh.database import Database
from mvengine.refresh.definitions import create_table_storage
from mvengine.refresh.graph import Building, TableDefinition, ViewDefinition
from mvengine.refresh.jobs.build import Build, Stopped
from mvengine.refresh.jobs.builder import Builder, complete
from mvengine.refresh.jobs.removal import remove_build
from mvengine.refresh.run.progress import of_job
from mvengine.refresh.run.reporter import shown
from mvengine.refresh.run.workers import Stop
from mvengine.refresh.transaction import Transaction
from mvengine.testing.faults import fault_point


def resume(database: Database, job_ids: Iterable[int] | None = None) -> None:
    """Starts the threads of background jobs: of these, or (when a database is opened) of all that are unfinished."""
    wanted = None if job_ids is None else set(job_ids)
    for building in database.graph.building.values():
        if wanted is None or building.job_id in wanted:
            _start_thread(database, building)


def _start_thread(database: Database, building: Building) -> None:
    build = database.builds.setdefault(building.job_id, Build(building.job_id))
    engine = database.engine.fork()
    build.begin(engine)

    def run(stop: Stop) -> None:
        try:
            _carry_out(database, engine, build, building, stop)
        finally:
            build.end()

    try:
        database.workers.start(f"job-{building.job_id}", run, build.interrupt)
    except BaseException:
        build.end()
        raise


def _carry_out(database: Database, engine: DuckDbEngine, build: Build, building: Building, stop: Stop) -> None:
    """A failure removes what was built; a stop leaves it to whoever asked for it, or to the next start."""
    try:
        fault_point("build.after_announce")
        _make(database, engine, build, building, stop)
    except BaseException as error:
        engine.rollback()
        if not _is_created(database, building):
            if not build.is_stopping(stop):
                _fail(database, engine, build, building, error, stop)
            if stop.is_set():
                build.finish(_closed(build))
            return
    finish(database, build, None)


def _make(database: Database, engine: DuckDbEngine, build: Build, building: Building, stop: Stop) -> None:
    definition = building.definition
    if isinstance(definition, ViewDefinition):
        live = of_job(database.clock, build.job_id, str(definition.name))
        with shown(database, live):
            Builder(database, engine, build, definition, live, stop).run()
    elif isinstance(definition, TableDefinition):
        _declare(database, engine, build, definition, stop)
    else:
        raise InternalError(f"job {build.job_id} would make the plain table {definition.name}", hint="report this")


def _is_created(database: Database, building: Building) -> bool:
    """An error may come behind the last COMMIT."""
    found = database.graph.get(building.name)
    return found is not None and found.relation_id == building.definition.relation_id


def _declare(database: Database, engine: DuckDbEngine, build: Build, table: TableDefinition, stop: Stop) -> None:
    transaction = Transaction(database, engine, is_explicit=False)
    build.lock(database, transaction, f"job {build.job_id} declares {table.name}", stop)
    try:
        transaction.begin()
        create_table_storage(engine, table.plan)
        complete(transaction, build.job_id)
    except BaseException:
        if not transaction.is_committed:
            transaction.rollback()
        raise


def _fail(
    database: Database, engine: DuckDbEngine, build: Build, building: Building, error: BaseException, stop: Stop
) -> None:
    """Removes what was built. Is it stopped meanwhile, whoever takes the job up again fails again."""
    transaction = Transaction(database, engine, is_explicit=False)
    try:
        build.lock(database, transaction, f"job {build.job_id} has failed", stop)
    except Stopped:
        return
    known = error if isinstance(error, Error) else InternalError(f"job {build.job_id} failed: {error!r}")
    try:
        remove(transaction, building, "FAIL", f"the build failed: {known}")
    finally:
        build.finish(known)  # stays in ``builds``: whoever asks later gets the error too


def remove(transaction: Transaction, building: Building, event: str, cause: str) -> None:
    """Removes a job in one transaction, by whoever has the writer lock, and lets go of that."""
    try:
        transaction.begin()
        remove_build(transaction.engine, transaction.database.store(transaction.engine), building, event, cause)
        transaction.ddl()
        transaction.commit()
    except BaseException:
        if not transaction.is_committed:
            transaction.rollback()
        raise


def finish(database: Database, build: Build, error: Error | None) -> None:
    """Tells those who wait, and forgets the build."""
    build.finish(error)
    database.builds.pop(build.job_id, None)


def _closed(build: Build) -> OperationalError:
    return OperationalError(
        f"the database was closed while job {build.job_id} was at work",
        hint="it goes on when the database is opened again",
        code="57P01",
    )
