"""A statement that changes definitions: part of the open transaction, or a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mvengine.refresh.deferral import consumers_of, move_cursors
from mvengine.refresh.run import operations
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.testing.faults import fault_point

if TYPE_CHECKING:
    from mvengine.session import Session


@contextmanager
def writing(session: Session, what: str, names: tuple[Name, ...]) -> Iterator[Transaction]:
    """The block runs as the writer, and sees what views follow so far. All of it is committed at its end, or nothing;
    inside BEGIN … COMMIT that is the user's to do. Errors: LockTimeout; SerializationFailure where ``names`` have
    changed since BEGIN."""
    explicit = session.transaction
    if explicit is not None:
        explicit.flush()
    transaction = explicit or session.own_transaction()
    transaction.lock(what, names)
    if explicit is not None:
        session.require_unhidden(explicit.graph, names)
        yield explicit
        return
    try:
        transaction.begin()
        session.require_unhidden(transaction.graph, names)
        yield transaction
        transaction.flush()
        rebuilt = [view for view in transaction.graph.deferred if view.name in transaction.rebuilt]
        move_cursors(transaction, consumers_of(transaction, rebuilt))
        fault_point("redefine.before_commit")
        transaction.commit()
    except BaseException:
        if not transaction.is_committed:
            transaction.rollback()
        raise
    operations.cancel_dropped(session.database)
