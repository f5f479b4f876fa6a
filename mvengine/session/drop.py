"""DROP TABLE and DROP MATERIALIZED VIEW: what others need is not dropped without CASCADE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, StateError, UnknownRelation, WrongObject
from mvengine.planner import fragment as fragments
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.definitions import drop_storage
from mvengine.refresh.graph import Building, Definition, ViewDefinition
from mvengine.refresh.jobs import remove_build, stopped
from mvengine.refresh.jobs.trimming import drop_unread_logs, trim_read
from mvengine.refresh.reader import reference, require_foreign
from mvengine.refresh.run import operations
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name, quote
from mvengine.session import answer
from mvengine.sql.statements import Drop, ObjectKind, RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: Drop) -> None:
    """Drops all named relations in one transaction, or none."""
    explicit = session.transaction
    if explicit is not None:
        explicit.flush()
    transaction = explicit or session.own_transaction()
    transaction.lock(statement.text[:80])
    try:
        builds = _affected_builds(session, transaction, statement)
        if explicit is None:
            with stopped(session.database, builds, statement.text[:80]):
                transaction.begin()
                _drop_all(session, transaction, statement, builds)
                transaction.commit()
        else:
            _drop_all(session, transaction, statement, ())
    except BaseException:
        if explicit is None:
            transaction.rollback()
        raise
    if explicit is None:
        operations.cancel_dropped(session.database)
    answer.done(session)


def _drop_all(session: Session, transaction: Transaction, statement: Drop, builds: tuple[Building, ...]) -> None:
    store = session.database.store(session.engine)
    for building in builds:
        remove_build(session.engine, store, building, "CANCEL", statement.text[:80])
    for ref in statement.names:
        if not any(_names(session, ref, building.name) for building in builds):
            _drop(session, transaction, statement, ref)
        transaction.ddl()  # the next one may be needed by this one


def _affected_builds(session: Session, transaction: Transaction, statement: Drop) -> tuple[Building, ...]:
    """What is being built and is dropped itself, or needs something that is. Errors: DependentObjects without CASCADE,
    StateError inside BEGIN … COMMIT: a build that has been stopped cannot wait there for what comes of it."""
    graph = transaction.graph
    if not graph.building:
        return ()
    found = {b.name: b for b in graph.building.values() for ref in statement.names if _names(session, ref, b.name)}
    names = {name for name in graph.watched for ref in statement.names if _names(session, ref, name)}
    dropped = names | {view.name for view in graph.downstream(names)}
    readers = graph.builds_over(dropped)
    if readers and not statement.cascade:
        reader = readers[0]
        raise DependentObjects(
            f"{reference(statement.names[0])} is needed by job {reader.job_id}, which is building {reader.name}",
            hint=f"use CASCADE to cancel what is being built over it too, or WAIT JOB {reader.job_id}",
        )
    builds = tuple({**found, **{building.name: building for building in readers}}.values())
    if builds and session.transaction is not None:
        raise StateError(
            f"{reference(statement.names[0])} is needed by job {builds[0].job_id}, which cannot be ended inside "
            "BEGIN … COMMIT",
            hint=f"CANCEL JOB {builds[0].job_id} or WAIT JOB {builds[0].job_id} before BEGIN",
        )
    return builds


def _names(session: Session, ref: RelationRef, name: Name) -> bool:
    """Whether a reference means this relation of ours, as far as its words tell."""
    schema = ref.schema or session.reader.place().schema
    return Name(schema=schema, name=ref.name) == name and ref.catalog in (None, session.database.name)


def _drop(session: Session, transaction: Transaction, statement: Drop, ref: RelationRef) -> None:
    require_foreign(ref.schema)
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    if relation is None:
        if statement.if_exists:
            return
        kind = statement.kind.value.lower()
        raise UnknownRelation(
            f"there is no {kind} {reference(ref)}", hint=f"DROP {statement.kind} IF EXISTS accepts that"
        )
    _check_kind(statement, ref, relation)
    if relation.kind in (RelationKind.TEMPORARY, RelationKind.FOREIGN):  # may have the name of one of ours
        _drop_native(session, statement, relation)
        return
    graph = transaction.graph
    readers = graph.downstream([relation.name])
    foreign = [table.name for table, key in graph.foreign_keys if key.references == relation.name]
    if (readers or foreign) and not statement.cascade:
        needed_by = ", ".join(str(name) for name in [*(view.name for view in readers), *foreign][:5])
        raise DependentObjects(
            f"{reference(ref)} is needed by {needed_by}", hint="use CASCADE to drop what depends on it too"
        )
    if foreign:
        raise DependentObjects(
            f"a foreign key of {foreign[0]} refers to {reference(ref)}",
            hint=f"CASCADE drops no tables: drop {foreign[0]} first, or in the same statement before it",
        )
    for view in reversed(readers):
        forget(session, view)
    definition = graph.get(relation.name)
    if definition is not None:
        forget(session, definition)
    else:
        _drop_native(session, statement, relation)


def _drop_native(session: Session, statement: Drop, relation: Relation) -> None:
    is_temporary = relation.kind is RelationKind.TEMPORARY
    name = f"temp.{quote(relation.name.name)}" if is_temporary else relation.storage
    session.engine.query(f"DROP TABLE {name}{' CASCADE' if statement.cascade else ''}")


def _check_kind(statement: Drop, ref: RelationRef, relation: Relation) -> None:
    is_view = relation.kind is RelationKind.MATERIALIZED_VIEW
    wants_view = statement.kind is ObjectKind.MATERIALIZED_VIEW
    if is_view is not wants_view or relation.kind in (RelationKind.VIEW, RelationKind.SYSTEM):
        hint = (
            "use DROP MATERIALIZED VIEW" if is_view else "use DROP VIEW" if relation.kind is RelationKind.VIEW else ""
        )
        raise WrongObject(
            f"{reference(ref)} is a {relation.kind}, not a {statement.kind.value.lower()}", hint=hint or None
        )


def forget(session: Session, definition: Definition) -> None:
    """Removes a relation's tables, view, fragment and rows of meta; a running refresh of it will find it gone."""
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=definition.plan))
    drop_storage(session.engine, text, session.database.name)
    kind = "DROP MATERIALIZED VIEW" if isinstance(definition, ViewDefinition) else "DROP TABLE"
    store = session.database.store(session.engine)
    store.drop_relation(definition.relation_id, kind)
    if isinstance(definition, ViewDefinition) and definition.is_deferred:
        drop_unread_logs(session.engine, store, definition.inputs)
        trim_read(session.engine, store, definition.inputs)
