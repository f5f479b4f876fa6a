"""Deferred views: lasting consumers of the change logs of what they read.

A write does not touch them; their inputs' changes are logged, and they follow at a refresh, from their cursors. In the
transaction of a refresh each takes the consolidated change of all its inputs, as one change at the epoch of now, so
that the rules for simultaneous changes hold; its own change is handed on as that of any other view, into the logs of
deferred views above it and to views that follow at commit. Rows and cursors are committed together.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from mvengine.engines.trace import step
from mvengine.errors import ProgrammingError
from mvengine.meta.records import MaintenanceMode
from mvengine.planner.delta import delta_name
from mvengine.refresh.change_log import create_logs
from mvengine.refresh.choice import Choice
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.jobs.trimming import drop_unread_logs, trim_read
from mvengine.refresh.log_reader import drop_taken, take_waiting
from mvengine.refresh.maintain import input_rows, maintain_view, rebuild, record_of, run_of
from mvengine.refresh.settings import settings_of
from mvengine.refresh.transaction import Transaction
from mvengine.schema import quote

DEFERRED = "deferred"


def follow(transaction: Transaction, view: ViewDefinition, cause: str) -> int:
    """Lets one deferred view follow what waits for it, and what follows it at commit. Returns the rows that it touched.
    The cursor is moved by ``move_cursors``, when it is known which epoch this becomes."""
    engine = transaction.engine
    consumer = transaction.database.store(engine).consumer(view.relation_id)
    if consumer is None:  # it reads no relation
        return 0
    started = perf_counter()
    transaction.flush()
    with transaction.carrying_out(view):
        sizes = take_waiting(engine, view, consumer)
        if not sizes:
            drop_taken(engine, consumer)
            return 0
        is_wanted, costs = view.name in transaction.graph.consumers, transaction.database.costs
        choice, rows = maintain_view(engine, costs, view, sizes, is_wanted=is_wanted)
        drop_taken(engine, consumer)
    transaction.note(record_of(view, choice, transaction.epoch, sum(sizes.values()), rows, started))
    _hand_on(transaction, view, rows, cause)
    return rows


def derive(transaction: Transaction, view: ViewDefinition, cause: str) -> tuple[int, int]:
    """Derives a view again from its inputs as they are, hands the difference on, and takes it out of the state
    suspended or wrong. Returns the rows that came and those that left."""
    started = perf_counter()
    transaction.flush()
    engine = transaction.engine
    with transaction.carrying_out(view), step(f"view {view.name}"), settings_of(engine, view.plan.settings):
        inserted, deleted = rebuild(engine, view, is_wanted=view.name in transaction.graph.consumers)
        rows = None if view.is_recomputed else input_rows(engine, view.plan)
    choice = Choice(mode=MaintenanceMode.FULL, reason=cause, predicted_ms=None, input_rows=rows)
    transaction.database.costs.note(run_of(view, choice, 0, started))
    transaction.note(record_of(view, choice, transaction.epoch, 0, inserted + deleted, started))
    if transaction.database.store(engine).clear_view_state(view.relation_id, cause):
        transaction.ddl()
    _hand_on(transaction, view, inserted + deleted, cause)
    return inserted, deleted


def _hand_on(transaction: Transaction, view: ViewDefinition, rows: int, cause: str) -> None:
    """The view's change goes to the logs and to the views that follow it now."""
    transaction.touch(view.name, rows, cause)
    if rows:
        transaction.flush()
    else:
        transaction.engine.query(f"DROP TABLE IF EXISTS {quote(delta_name(view.name))}")


def move_cursors(transaction: Transaction, views: Iterable[ViewDefinition]) -> None:
    """These views have followed all that is logged: the last step before COMMIT, after which nothing may be changed any
    more. What nobody will read again leaves the logs."""
    store = transaction.database.store(transaction.engine)
    epoch = transaction.epoch if transaction.touched else transaction.database.epoch
    consumers = [consumer for view in views if (consumer := store.consumer(view.relation_id)) is not None]
    for consumer in consumers:
        if consumer.epoch != epoch:
            store.move_cursor(consumer.consumer_id, epoch)
    if consumers:
        trim_read(transaction.engine, store)


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
    """Brings a deferred view up to date and lets it follow at commit from then on."""
    if view.is_suspended:
        derive(transaction, view, "maintain = 'on_commit'")
    else:
        follow(transaction, view, "maintain = 'on_commit'")
    store = transaction.database.store(transaction.engine)
    store.remove_consumer(view.relation_id)
    drop_unread_logs(transaction.engine, store, view.inputs)
    transaction.ddl()
