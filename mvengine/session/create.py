"""CREATE, for tables and views alike: a name that is free, a job, a build, and a trace that start-up can remove.

Outside a transaction the job is recorded first, in a transaction of its own, so that a build that is killed leaves a
trace which start-up finds and removes. Inside BEGIN … COMMIT everything belongs to that transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from mvengine.errors import DuplicateRelation, ProgrammingError
from mvengine.meta.records import MaintenanceRun
from mvengine.meta.records import Relation as StoredRelationRecord
from mvengine.meta.records import RelationKind as StoredKind
from mvengine.meta.states import JobEvent
from mvengine.planner.logical import Materialize, MaterializeTable, Root
from mvengine.refresh.dependents import note_expanded
from mvengine.refresh.graph import inputs_of_view
from mvengine.refresh.jobs.announce import announce
from mvengine.refresh.maintain import first_derivation
from mvengine.refresh.reader import reference
from mvengine.refresh.run.progress import of_job
from mvengine.refresh.run.reporter import shown
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.sql.statements import RelationRef
from mvengine.testing.faults import fault_point

if TYPE_CHECKING:
    from mvengine.session import Session


def new_name(session: Session, ref: RelationRef, if_not_exists: bool) -> Name | None:
    """The name for a new relation, or None if it exists and that is fine."""
    reader = session.reader
    place = reader.place()
    if ref.catalog is not None and ref.catalog != session.database.name:
        raise ProgrammingError(
            f"{reference(ref)} would be in another database", hint=f"create it in {session.database.name}"
        )
    name = Name(schema=ref.schema or place.schema, name=ref.name)
    if name.schema.startswith("mv_") or "$" in name.name or "#" in name.name or name.name.startswith("mv_"):
        raise ProgrammingError(
            f"the name {name} is reserved", hint="names and schemas must not begin with mv_, nor hold $ or #"
        )
    building = reader.graph.building.get(name)
    if building is not None and if_not_exists:
        return None
    if building is not None:
        raise DuplicateRelation(
            f"{name} exists already: job {building.job_id} is building it",
            hint=f"CANCEL JOB {building.job_id} first, or choose another name",
        )
    found = reader.resolve(None, name.schema, name.name)
    if found is None:
        return name
    if if_not_exists and found.name in reader.graph:
        return None
    raise DuplicateRelation(
        f"{name} exists already: it is a {found.kind}", hint="DROP it first, or choose another name"
    )


def record_of(
    name: Name,
    kind: StoredKind,
    plan: Root,
    *,
    is_refreshable: bool,
    source: str | None,
) -> StoredRelationRecord:
    return StoredRelationRecord(
        relation_id=0,
        name=name,
        kind=kind,
        is_refreshable=is_refreshable,
        definition=plan.definition,
        storage_table=plan.storage,
        staging_table=plan.staging if isinstance(plan, MaterializeTable) else None,
        shadow_table=plan.shadow if isinstance(plan, MaterializeTable) else None,
        source=source,
        strategy=plan.strategy.value if isinstance(plan, Materialize) else None,
        reason=plan.reason if isinstance(plan, Materialize) else None,
        policy=plan.policy if isinstance(plan, Materialize) else None,
    )


def create(
    session: Session,
    record: StoredRelationRecord,
    plan: Root,
    build: Callable[[Transaction], None],
) -> None:
    """Records the job, builds, and finishes it: in the open transaction, or in two of its own."""
    explicit = session.transaction
    transaction = explicit or session.own_transaction()
    inputs = tuple(inputs_of_view(plan)) if isinstance(plan, Materialize) else ()
    session.require_unhidden(transaction.graph, inputs)
    transaction.lock(f"CREATE {record.name}", inputs)
    relation_id = 0
    try:
        if explicit is None:
            transaction.begin()
        transaction.require_fresh(inputs)
        store = session.database.store(session.engine)
        job = announce(store, record, plan, epoch=session.database.epoch, is_background=False)
        relation_id = job.relation_id
        if explicit is None:
            session.engine.commit()
            fault_point("create.after_job")
            transaction.begin()
        with shown(session.database, of_job(session.database.clock, job.job_id, str(record.name))):
            started = perf_counter()
            build(transaction)
            if isinstance(plan, Materialize):
                note_expanded(transaction, relation_id, plan)
                sizes = session.database.costs.sizes
                _learn(session, first_derivation(session.engine, relation_id, plan, sizes, started))
            store.move_job(job.job_id, JobEvent.COMPLETE, "built")
            transaction.ddl()
            fault_point("create.before_commit")
        if explicit is None:
            transaction.commit()
    except BaseException as error:
        if explicit is None and not transaction.is_committed:
            try:
                session.engine.rollback()
                _forget(session, relation_id, error)
            finally:
                transaction.rollback()
        raise


def _learn(session: Session, run: MaintenanceRun | None) -> None:
    """Keeps what the first derivation of a view took: later choices between the ways to maintain it begin with that."""
    if run is not None:
        session.database.store(session.engine).add_first_derivation(run)
        session.database.costs.note(run)


def require_no_transaction(session: Session, name: Name) -> None:
    """A job in the background is announced by a commit of its own."""
    if session.transaction is not None:
        raise ProgrammingError(
            f"CREATE {name} in the background inside BEGIN … COMMIT",
            hint="COMMIT first, or create it in the foreground (SET background_ddl = false)",
            code="25001",
        )


def _forget(session: Session, relation_id: int, error: BaseException) -> None:
    """Removes the trace of a build that failed."""
    if not relation_id:
        return
    session.engine.begin()
    session.database.store(session.engine).drop_relation(relation_id, f"the build failed: {error}")
    session.engine.commit()
