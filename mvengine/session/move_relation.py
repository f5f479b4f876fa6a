"""Gives a relation, of whichever kind, another name, perhaps in another schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mvengine.errors import StateError
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.comments import keeping_comments
from mvengine.refresh.redefine import table as refreshable
from mvengine.refresh.redefine.move_table import move_table
from mvengine.refresh.redefine.plain_views import create_view, qualified
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name, quote
from mvengine.session.objects import dependents_of
from mvengine.session.rename import rename, rename_view

if TYPE_CHECKING:
    from mvengine.session import Session


def move_relation(session: Session, transaction: Transaction, relation: Relation, new: Name, what: str) -> None:
    """In the transaction of the writer; all that reads it follows. Errors: as of ``rename``; those of DuckDB."""
    rename(transaction, relation.name, new, _carrier(session, transaction, relation, new, what))


def _carrier(
    session: Session, transaction: Transaction, relation: Relation, new: Name, what: str
) -> Callable[[], None]:
    """What gives the name to the relation itself."""
    old, graph = relation.name, transaction.graph
    match relation.kind:
        case RelationKind.TABLE:
            return lambda: move_table(session.engine, session.database.name, old, new)
        case RelationKind.REFRESHABLE:
            require_idle(session, old, what)
            return lambda: refreshable.rename(transaction, graph.tables[old], new, what)
        case RelationKind.MATERIALIZED_VIEW:
            return lambda: rename_view(transaction, graph.views[old], new)
        case _:
            return lambda: _move_view(session, transaction, old, new)


def _move_view(session: Session, transaction: Transaction, old: Name, new: Name) -> None:
    """A plain view, or a source."""
    database = quote(session.database.name)
    if old.schema.lower() == new.schema.lower():
        session.engine.query(f"ALTER VIEW {database}.{old.sql} RENAME TO {quote(new.name)}")
        return
    dependents = dependents_of(session, transaction)
    query = qualified(dependents, old)
    with keeping_comments(session.engine, old, new):
        create_view(transaction, dependents, old, new, query)
        session.engine.query(f"DROP VIEW {database}.{old.sql}")


def require_idle(session: Session, table: Name, what: str) -> None:
    """Raises StateError where a refreshable table is being refreshed."""
    holder = session.database.registry.holder(table)
    if holder is not None:
        raise StateError(f"{what}: {table} is being refreshed by {holder.who}", hint=holder.way_on)
