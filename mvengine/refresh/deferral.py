"""Deferred views: lasting consumers of the change logs of what they read.

A write does not touch them; their inputs' changes are logged, and they follow at a refresh, from their cursors. In the
transaction of a refresh each takes the consolidated change of all its inputs, as one change at the epoch of now, so
that the rules for simultaneous changes hold; its own change is handed on as that of any other view, into the logs of
deferred views above it and to views that follow at commit. Rows and cursors are committed together.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from mvengine.engines.trace import step
from mvengine.errors import ProgrammingError
from mvengine.meta.records import Consumer, MaintenanceMode, Waiting
from mvengine.planner.delta import delta_name
from mvengine.refresh.change_log import create_logs
from mvengine.refresh.choice import Choice
from mvengine.refresh.foreign.restore import restore_view
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.jobs.trimming import drop_unread_logs, trim_read
from mvengine.refresh.log_reader import drop_taken, take_waiting
from mvengine.refresh.maintain import input_rows, maintain_view, rebuild, record_of, run_of
from mvengine.refresh.near import NearTables
from mvengine.refresh.settings import settings_of
from mvengine.refresh.transaction import Transaction
from mvengine.schema import quote

DEFERRED = "deferred"


def follow(transaction: Transaction, view: ViewDefinition, waiting: Waiting | None, cause: str) -> int | None:
    """Lets one deferred view follow what waits for it (of what this transaction has changed, too), and what follows it
    at commit. Returns the rows that it touched; None: nothing waits. The cursor is moved by ``move_cursors``."""
    transaction.flush()
    engine = transaction.engine
    names = (
        [] if waiting is None else [it for it in waiting.consumer.inputs if it in waiting.names | transaction.touched]
    )
    if waiting is None or not names:
        return None
    started = perf_counter()
    with transaction.carrying_out(view):
        sizes = take_waiting(engine, view, names, waiting.consumer.epoch)
        if not sizes:
            drop_taken(engine, names)
            return 0
        is_wanted, costs = view.name in transaction.graph.consumers, transaction.database.costs
        near = NearTables(engine, transaction.graph, costs.sizes, sizes, view)
        choice, rows = maintain_view(engine, costs, view, sizes, is_wanted=is_wanted, near=near)
        near.drop()
        drop_taken(engine, names)
    transaction.note(record_of(view, choice, transaction.epoch, sum(sizes.values()), rows, started))
    _hand_on(transaction, view, rows, cause)
    return rows


def derive(transaction: Transaction, view: ViewDefinition, cause: str) -> tuple[int, int]:
    """Derives a view again from its inputs as they are, hands the difference on, and takes it out of the state
    suspended or wrong. Returns the rows that came and those that left."""
    started = perf_counter()
    transaction.flush()
    engine = transaction.engine
    is_damaged = view.is_suspended and transaction.database.store(engine).is_damaged(view.name)
    with transaction.carrying_out(view), step(f"view {view.name}"), settings_of(engine, view.plan.settings):
        if is_damaged:  # its old rows cannot be read: all views above it are suspended, too, and derived behind it
            inserted, deleted = restore_view(engine, view), 0
        else:
            inserted, deleted = rebuild(engine, view, is_wanted=view.name in transaction.graph.consumers)
        rows = None if view.is_recomputed else input_rows(engine, view.plan, transaction.database.costs.sizes)
    choice = Choice(mode=MaintenanceMode.FULL, reason=cause, predicted_ms=None, input_rows=rows)
    transaction.database.costs.note(run_of(view, choice, 0, started))
    transaction.note(record_of(view, choice, transaction.epoch, 0, inserted + deleted, started))
    if transaction.database.store(engine).clear_view_state(view.relation_id, cause):
        transaction.ddl()
    if is_damaged:
        transaction.note_rebuilt(view.name)
    else:
        _hand_on(transaction, view, inserted + deleted, cause)
    return inserted, deleted


def _hand_on(transaction: Transaction, view: ViewDefinition, rows: int, cause: str) -> None:
    """The view's change goes to the logs and to the views that follow it now."""
    transaction.touch(view.name, rows, cause)
    if rows:
        transaction.flush()
    else:
        transaction.engine.query(f"DROP TABLE IF EXISTS {quote(delta_name(view.name))}")


def consumers_of(transaction: Transaction, views: Sequence[ViewDefinition]) -> list[Consumer]:
    """The places of deferred views in the logs; of those that read a relation."""
    waiting = transaction.database.store(transaction.engine).waiting() if views else {}
    return [waiting[view.relation_id].consumer for view in views if view.relation_id in waiting]


def move_cursors(transaction: Transaction, consumers: Sequence[Consumer]) -> None:
    """These have followed all that is logged: the last step before COMMIT, when it is known whether that makes an
    epoch. Nothing may be changed behind it. What nobody will read again leaves the logs."""
    if not consumers:
        return
    store = transaction.database.store(transaction.engine)
    epoch = transaction.epoch if transaction.touched else transaction.database.epoch
    store.move_cursors([consumer.consumer_id for consumer in consumers], epoch)
    trim_read(transaction.engine, store, {name for consumer in consumers for name in consumer.inputs})


def defer(transaction: Transaction, view: ViewDefinition) -> None:
    """Makes a view that equals its query now a consumer of what it reads, from the next change on.

    Raises ProgrammingError (25001) behind a change in the same transaction: it has the epoch of those to come.
    """
    transaction.flush()
    if transaction.touched:
        raise ProgrammingError(
            f"materialized view {view.name} becomes deferred in a transaction that has changed something",
            hint="COMMIT first",
            code="25001",
        )
    store = transaction.database.store(transaction.engine)
    epoch = transaction.database.epoch
    store.add_consumer(DEFERRED, view.relation_id, view.inputs, epoch, has_snapshot=True)
    transaction.ddl()
    create_logs(transaction.engine, transaction.graph.logged)


def undefer(transaction: Transaction, view: ViewDefinition) -> None:
    """Brings a deferred view up to date and lets it follow at commit from then on. (A suspended one stays suspended: it
    heals as such views do.)"""
    store = transaction.database.store(transaction.engine)
    if not view.is_suspended:
        follow(transaction, view, store.waiting().get(view.relation_id), "maintain = 'on_commit'")
    store.remove_consumer(view.relation_id)
    drop_unread_logs(transaction.engine, store, view.inputs)
    transaction.ddl()
