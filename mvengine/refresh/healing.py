"""Suspended views heal by themselves: when what they read has changed, they are derived again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from mvengine.errors import Error
from mvengine.refresh.database import Database
from mvengine.refresh.deferral import derive
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name


def heal(database: Database, new_transaction: Callable[[], Transaction], changed: frozenset[Name]) -> None:
    """Tries each suspended view that reads what was ``changed``, behind the COMMIT of that, in a transaction of its
    own. Where its query still fails, or somebody else is the writer by now, it stays suspended until the next change.
    (Deferred ones wait for their refresh.)"""
    for view in database.graph.suspended:
        if view.inputs & changed and not view.is_deferred:
            transaction = new_transaction()
            with suppress(Error):  # what was committed before stands, whatever keeps the view from healing
                database.lock.acquire(transaction, f"healing {view.name}", 0.0)
                _heal(transaction, view, f"healed after a change of {min(map(str, view.inputs & changed))}")
            changed |= transaction.touched if transaction.is_committed else frozenset()


def _heal(transaction: Transaction, view: ViewDefinition, cause: str) -> None:
    try:
        transaction.graph = transaction.database.graph
        if transaction.graph.views.get(view.name) == view:
            transaction.begin()
            derive(transaction, view, cause)
            transaction.commit()
    finally:
        if not transaction.is_committed:
            transaction.rollback()
