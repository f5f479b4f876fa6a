"""Begins to make a view or table in the background: announced by the caller, made by a thread."""

from __future__ import annotations

from collections.abc import Mapping

from mvengine.errors import DuplicateRelation
from mvengine.meta.records import Relation
from mvengine.planner.logical import Materialize, MaterializeTable
from mvengine.refresh.change_log import create_logs
from mvengine.refresh.database import Database
from mvengine.refresh.dependents import note_expanded
from mvengine.refresh.graph import inputs_of_view
from mvengine.refresh.jobs.announce import announce
from mvengine.refresh.jobs.run import resume
from mvengine.refresh.transaction import Transaction

_TAKEN = """
SELECT 1 FROM duckdb_tables()
WHERE lower(schema_name) = $1 AND lower(table_name) = $2 AND NOT temporary AND database_name = $3
UNION ALL
SELECT 1 FROM duckdb_views()
WHERE lower(schema_name) = $1 AND lower(view_name) = $2 AND NOT temporary AND database_name = $3
"""


def start_view(database: Database, record: Relation, plan: Materialize, settings: Mapping[str, str]) -> int:
    """Begins to build a view; returns the job's number. Errors: DuplicateRelation, LockTimeout."""
    return _start(database, record, plan, settings)


def start_table(database: Database, record: Relation, plan: MaterializeTable, settings: Mapping[str, str]) -> int:
    """Begins to declare a refreshable table; returns the job's number. Errors as of ``start_view``."""
    return _start(database, record, plan, settings)


def _start(
    database: Database, record: Relation, plan: Materialize | MaterializeTable, settings: Mapping[str, str]
) -> int:
    engine = database.engine.fork()
    transaction = Transaction(database, engine, is_explicit=False)
    try:
        transaction.lock(f"CREATE {record.name} in the background")
        transaction.begin()
        _require_free(transaction, record)
        store, epoch = database.store(engine), database.epoch
        job = announce(store, record, plan, epoch=epoch, is_background=True)
        store.add_settings(record.name, settings)
        if isinstance(plan, Materialize):
            store.add_consumer("build", job.relation_id, inputs_of_view(plan), epoch)
            note_expanded(transaction, job.relation_id, plan)
        transaction.ddl()
        create_logs(engine, transaction.graph.logged)
        transaction.commit()
    except BaseException:
        if not transaction.is_committed:
            transaction.rollback()
        raise
    finally:
        engine.close()
        if transaction.is_committed:  # an interrupt behind the COMMIT too: somebody has to build it
            resume(database, [job.job_id])
    return job.job_id


def _require_free(transaction: Transaction, record: Relation) -> None:
    """Somebody may have taken the name since the statement was planned, without the writer lock."""
    graph, name = transaction.graph, record.name
    taken = transaction.engine.query(_TAKEN, [*name.key, transaction.database.name])
    if taken or name in graph or name in graph.building:
        raise DuplicateRelation(f"{name} exists already", hint="DROP it first, or choose another name")
