"""A view under another plan, in one transaction: others see the old one or the new one, and nothing between.

Where only names have changed, the tables of the stages stay and the fragment is another. Else the view is built anew in
the transaction, while readers go on with what was committed; the difference between its old and its new rows is handed
on as any change of a view, so that views which read it follow and need not be built again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from time import perf_counter
from typing import Any

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import ProgrammingError
from mvengine.meta.records import Maintenance as MaintenanceRecord
from mvengine.meta.records import MaintenanceMode, Relation, RelationKind, StoredFragment
from mvengine.planner import fragment as fragments
from mvengine.planner.delta import delta_name
from mvengine.planner.emit import bag
from mvengine.planner.logical import WEIGHT, Maintenance, Materialize, Project
from mvengine.planner.node import Node, child_fields
from mvengine.planner.twins import twins_of
from mvengine.refresh.change_log import create_logs
from mvengine.refresh.comments import keeping_comments
from mvengine.refresh.deferral import DEFERRED
from mvengine.refresh.definitions import create_view_storage, create_visible, drop_tables
from mvengine.refresh.dependents import note_expanded
from mvengine.refresh.graph import ViewDefinition, inputs_of_view
from mvengine.refresh.jobs.trimming import drop_unread_logs
from mvengine.refresh.stages import StoredStage
from mvengine.refresh.storage import table_of
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Columns, Name, quote
from mvengine.testing.faults import fault_point

_NOT_STATE = frozenset({"name", "storage", "query", "relations", "is_tracked"})


Later = Mapping[Name, Materialize]
"""Plans that still have to take the place of a view's: it has to be built anew for them."""


def restate(transaction: Transaction, view: ViewDefinition, plan: Materialize, event: str, cause: str) -> bool:
    """Gives a view a plan of the same rows: its query under other names. False, and nothing is done, where its state
    would have another form: then it is for ``replace_rows``."""
    if not _has_same_state(view, plan):
        return False
    engine = transaction.engine
    for old, new in zip(_stored(view.plan), _stored(plan), strict=True):
        if old.storage != new.storage:
            engine.query(f"ALTER TABLE {old.storage} RENAME TO {table_of(new.storage)}")
    with keeping_comments(engine, view.name, plan.relation):
        engine.query(f"DROP VIEW {quote(transaction.database.name)}.{view.name.sql}")
        create_visible(engine, plan)
    _record(transaction, view, plan, event, cause)
    transaction.ddl()
    return True


def rebuild(transaction: Transaction, view: ViewDefinition, plan: Materialize, event: str, cause: str) -> None:
    """Builds a view anew under another plan. Its columns may be others; nothing is handed on (see ``replace_rows``)."""
    if view.is_deferred and transaction.is_explicit and transaction.touched:
        raise ProgrammingError(
            f"the deferred view {view.name} is built anew in a transaction that has changed something",
            hint="COMMIT first",
            code="25001",
        )
    started = perf_counter()
    engine, store = transaction.engine, transaction.database.store(transaction.engine)
    drop_tables(engine, view.plan)
    with keeping_comments(engine, view.name, plan.relation):
        engine.query(f"DROP VIEW {quote(transaction.database.name)}.{view.name.sql}")
        create_view_storage(engine, plan)
    _record(transaction, view, plan, event, cause)
    store.clear_view_state(view.relation_id, cause)
    transaction.database.costs.forget(view.relation_id)
    if view.is_deferred:  # it holds what its inputs show now
        store.remove_consumer(view.relation_id)
        drop_unread_logs(engine, store, view.inputs)
        epoch = transaction.epoch if transaction.touched else transaction.database.epoch
        store.add_consumer(DEFERRED, view.relation_id, inputs_of_view(plan), epoch, has_snapshot=True)
    transaction.ddl()
    create_logs(engine, transaction.graph.logged)
    rows = int(engine.query(f"SELECT count(*) FROM {plan.relation.sql}")[0][0])
    transaction.note(
        MaintenanceRecord(
            relation_id=view.relation_id,
            name=plan.relation,
            epoch=transaction.epoch,
            strategy=plan.strategy.value,
            mode=MaintenanceMode.FULL,
            reason=cause,
            delta_rows=0,
            output_rows=rows,
            ms=(perf_counter() - started) * 1000,
        )
    )
    transaction.note_rebuilt(plan.relation)
    fault_point("redefine.after_build")


def replace_rows(
    transaction: Transaction,
    view: ViewDefinition,
    plan: Materialize,
    event: str,
    cause: str,
    adapt: Callable[[], Later] = dict,
) -> None:
    """``rebuild``, and the views that read it follow by the difference. ``adapt`` gives those, once the view has its
    new columns, the plans by which they can; those that it cannot are built anew after the others have followed."""
    engine = transaction.engine
    if view.name not in transaction.graph.consumers:
        rebuild(transaction, view, plan, event, cause)
        return
    before, change = quote(f"mv_old_{view.name}"), quote(delta_name(view.name))
    engine.query(f"CREATE OR REPLACE TEMP TABLE {before} AS FROM {view.name.sql}")
    rebuild(transaction, view, plan, event, cause)
    later = adapt()
    shared = _shared(view.plan.columns, plan.columns)
    rows = _difference(engine, change, plan.relation.sql, before, shared)
    engine.query(f"DROP TABLE {before}")
    if rows:
        with _leaving_out(transaction, later):
            transaction.touch(view.name, rows, cause)
            transaction.flush()
    else:
        engine.query(f"DROP TABLE {change}")
    replace_later(transaction, later, event, cause)


def replace_later(transaction: Transaction, later: Later, event: str, cause: str) -> None:
    """Builds views anew, in the order of the graph, each with those that follow it."""
    for name in [name for name in transaction.graph.views if name in later]:
        replace_rows(transaction, transaction.graph.views[name], later[name], event, cause)


@contextmanager
def _leaving_out(transaction: Transaction, later: Later) -> Iterator[None]:
    """Views that will be built anew do not follow: they would have the same change twice."""
    held = transaction.before_view
    transaction.before_view = lambda view: view.name not in later and held(view)
    try:
        yield
    finally:
        transaction.before_view = held


def _difference(engine: DuckDbEngine, change: str, new: str, old: str, columns: Columns) -> int:
    """Puts what differs into the change table; how many rows that are."""
    if columns:
        difference = bag.difference(new, old, [column.name for column in columns], twins_of(columns))
        engine.query(f"CREATE OR REPLACE TEMP TABLE {change} AS\n{difference}")
    else:  # whoever reads no column of it counts its rows
        count = f"(SELECT count(*) FROM {new}) - (SELECT count(*) FROM {old})"
        query = f"SELECT CAST({count} AS BIGINT) AS {WEIGHT}"
        engine.query(f"CREATE OR REPLACE TEMP TABLE {change} AS SELECT * FROM ({query}) WHERE {WEIGHT} <> 0")
    return int(engine.query(f"SELECT count(*) FROM {change}")[0][0])


def _shared(old: Columns, new: Columns) -> Columns:
    known = {(column.name.lower(), column.type) for column in old}
    return tuple(column for column in new if (column.name.lower(), column.type) in known)


def _record(transaction: Transaction, view: ViewDefinition, plan: Materialize, event: str, cause: str) -> None:
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=plan))
    transaction.database.store(transaction.engine).redefine(
        Relation(
            relation_id=view.relation_id,
            name=plan.relation,
            kind=RelationKind.MATERIALIZED_VIEW,
            is_refreshable=False,
            definition=plan.definition,
            storage_table=plan.storage,
            staging_table=None,
            shadow_table=None,
            source=None,
            strategy=plan.strategy.value,
            reason=plan.reason,
            policy=plan.policy,
        ),
        fragment=StoredFragment(format=fragments.FORMAT, digest=fragments.digest(text), text=text),
        dependencies=inputs_of_view(plan),
        event=event,
        cause=cause,
    )
    note_expanded(transaction, view.relation_id, plan)


def _has_same_state(view: ViewDefinition, plan: Materialize) -> bool:
    """Whether the stages' tables of a view have the form that they would have under another plan of the same rows."""
    assert isinstance(plan.input, Maintenance)
    return [_form(stage) for stage in view.maintenance.stages] == [_form(stage) for stage in plan.input.stages]


def _form(stage: Node) -> tuple[Any, ...]:
    """What a stage's table is made by, but for where its rows come from."""
    own = [field.name for field in fields(stage) if field.name not in (*child_fields(type(stage)), *_NOT_STATE)]
    computed = [child.outputs for child in stage.children if isinstance(child, Project)]
    return type(stage), [(name, getattr(stage, name)) for name in own], computed


def _stored(plan: Materialize) -> tuple[StoredStage, ...]:
    assert isinstance(plan.input, Maintenance)
    return tuple(stage for stage in plan.input.stages if isinstance(stage, StoredStage))
