"""DROP TABLE and DROP MATERIALIZED VIEW: what others need is not dropped without CASCADE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, UnknownRelation, WrongObject
from mvengine.planner import fragment as fragments
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.definitions import drop_storage
from mvengine.refresh.graph import Definition, ViewDefinition
from mvengine.refresh.reader import reference, require_foreign
from mvengine.refresh.transaction import Transaction
from mvengine.schema import quote
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
        if explicit is None:
            transaction.begin()
        for ref in statement.names:
            _drop(session, transaction, statement, ref)
            transaction.ddl()  # the next one may be needed by this one
        if explicit is None:
            transaction.commit()
    except BaseException:
        if explicit is None:
            transaction.rollback()
        raise
    answer.done(session)


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
        _forget(session, view)
    definition = graph.get(relation.name)
    if definition is not None:
        _forget(session, definition)
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


def _forget(session: Session, definition: Definition) -> None:
    """Removes a relation's tables, view, fragment and rows of meta; a running refresh of it will find it gone."""
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=definition.plan))
    drop_storage(session.engine, text)
    kind = "DROP MATERIALIZED VIEW" if isinstance(definition, ViewDefinition) else "DROP TABLE"
    session.database.store(session.engine).drop_relation(definition.relation_id, kind)
