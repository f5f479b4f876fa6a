"""CREATE, for tables and views alike: a name that is free, a job, a build, and a trace that start-up can remove.

Outside a transaction the job is recorded first, in a transaction of its own, so that a build that is killed leaves a
trace which start-up finds and removes. Inside BEGIN … COMMIT everything belongs to that transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mvengine.errors import DuplicateRelation, ProgrammingError
from mvengine.meta.records import Relation as StoredRelationRecord
from mvengine.meta.records import RelationKind as StoredKind
from mvengine.meta.records import StoredFragment
from mvengine.meta.states import JobEvent
from mvengine.planner import fragment as fragments
from mvengine.planner.logical import Materialize, MaterializeTable, Root
from mvengine.refresh.graph import inputs_of_view
from mvengine.refresh.reader import reference
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name, quote
from mvengine.sql.statements import RelationRef
from mvengine.testing.faults import fault_point

if TYPE_CHECKING:
    from mvengine.session import Session

_STATE = "mv_state"


def storage_name(name: Name, suffix: str = "") -> str:
    """The quoted name of a relation's own table in the engine's schema."""
    return f"{_STATE}.{quote(str(name) + suffix)}"


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
    interval_seconds: int | None,
    build: Callable[[Transaction], None],
) -> None:
    """Records the job, builds, and finishes it: in the open transaction, or in two of its own."""
    explicit = session.transaction
    transaction = explicit or session.own_transaction()
    inputs = tuple(inputs_of_view(plan)) if isinstance(plan, Materialize) else ()
    session.require_unhidden(transaction.graph, inputs)
    transaction.lock(f"CREATE {record.name}", inputs)
    job_id, relation_id = 0, 0
    try:
        if explicit is None:
            transaction.begin()
        transaction.require_fresh(inputs)
        relation_id, job_id = _announce(session, record, plan, inputs, interval_seconds)
        if explicit is None:
            session.engine.commit()
            fault_point("create.after_job")
            transaction.begin()
        build(transaction)
        session.database.store(session.engine).move_job(job_id, JobEvent.COMPLETE, "built")
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


def _announce(
    session: Session,
    record: StoredRelationRecord,
    plan: Root,
    inputs: tuple[Name, ...],
    interval_seconds: int | None,
) -> tuple[int, int]:
    """Writes the relation, its fragment and its job, which is then CREATING."""

    store = session.database.store(session.engine)
    relation_id = store.next_relation_id()
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=plan))
    stored = StoredFragment(format=fragments.FORMAT, digest=fragments.digest(text), text=text)
    store.add_relation(
        replace(record, relation_id=relation_id), fragment=stored, dependencies=inputs, epoch=session.database.epoch
    )
    if isinstance(plan, MaterializeTable):
        store.add_refresh(relation_id, record.name, interval_seconds)
    job = store.create_job(relation_id, record.name, record.kind, is_background=False)
    job = store.move_job(job.job_id, JobEvent.START, "CREATE", held=job)
    return relation_id, job.job_id


def _forget(session: Session, relation_id: int, error: BaseException) -> None:
    """Removes the trace of a build that failed."""
    if not relation_id:
        return
    session.engine.begin()
    session.database.store(session.engine).drop_relation(relation_id, f"the build failed: {error}")
    session.engine.commit()
