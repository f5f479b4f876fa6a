"""ALTER TABLE | MATERIALIZED VIEW … SET (…) | RESET (…): how it is refreshed, without making it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import SerializationFailure
from mvengine.refresh.graph import TableDefinition, ViewDefinition
from mvengine.refresh.options import change
from mvengine.refresh.suspension import repeated
from mvengine.refresh.transaction import Transaction
from mvengine.refresh.view_settings import change_view
from mvengine.session import answer
from mvengine.session.refresh import table_of, view_of
from mvengine.sql.statements import AlterOptions, ObjectKind

if TYPE_CHECKING:
    from mvengine.session import Session


def run(session: Session, statement: AlterOptions) -> None:
    """Changes all options or none. The scheduler looks at once."""
    relation = _relation(session, statement)
    if relation is not None:
        repeated(lambda: _change(session, relation, statement), len(session.database.graph.views))
    answer.done(session)


def _relation(session: Session, statement: AlterOptions) -> TableDefinition | ViewDefinition | None:
    """What is altered; None where it is not there and that is fine."""
    ref = statement.relation
    if statement.if_exists and session.targets.resolve(session, session.reader.graph, ref) is None:
        return None
    find = table_of if statement.kind is ObjectKind.TABLE else view_of
    return find(session, ref, "ALTER")


def _present(transaction: Transaction, view: ViewDefinition) -> ViewDefinition:
    """The view as it is now that nobody else writes."""
    present = transaction.graph.views.get(view.name)
    if present is None:
        raise SerializationFailure(f"{view.name} was dropped meanwhile", hint="look at what is there")
    return present


def _change(session: Session, relation: TableDefinition | ViewDefinition, statement: AlterOptions) -> None:
    explicit = session.transaction
    transaction = explicit or session.own_transaction()
    reads = relation.inputs if isinstance(relation, ViewDefinition) else frozenset()
    transaction.lock(f"ALTER {statement.kind} {relation.name}", (relation.name, *reads))
    try:
        if explicit is None:
            transaction.begin()
        if isinstance(relation, ViewDefinition):
            change_view(transaction, _present(transaction, relation), statement.options)
        else:
            change(session.database.store(session.engine), relation, statement.options)
        transaction.note_settings()
        if explicit is None:
            transaction.commit()
    except BaseException:
        if explicit is None:
            transaction.rollback()
        raise
