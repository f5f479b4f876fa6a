"""Suspended views heal by themselves: when what they read has changed, they are derived again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from mvengine.errors import Error
from mvengine.refresh.database import Database
from mvengine.refresh.deferral import derive
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name


def heal(database: Database, new_transaction: Callable[[], Transaction], changed: frozenset[Name]) -> None:
    """Tries each suspended view that reads what was ``changed``, behind the COMMIT of that, in a transaction of its
    own. Where its query still fails it stays suspended. (Deferred ones wait for their refresh.)
    """
    for view in database.graph.suspended:
        if view.is_deferred or not view.inputs & changed:
            continue
        transaction = new_transaction()
        with suppress(Error):  # what was committed before stands, whatever keeps the view from healing
            try:
                transaction.lock(f"healing {view.name}")
                transaction.begin()
                derive(transaction, view, f"healed after a change of {min(map(str, view.inputs & changed))}")
                transaction.commit()
                changed |= transaction.touched
            except BaseException:
                if not transaction.is_committed:
                    transaction.rollback()
                raise
