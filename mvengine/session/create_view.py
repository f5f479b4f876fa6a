"""CREATE MATERIALIZED VIEW: plans the query, fills the view, and keeps it from then on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mvengine.errors import Error, NotSupportedError
from mvengine.meta.records import RelationKind as StoredKind
from mvengine.meta.states import JobStatus
from mvengine.planner.clock import CLOCK
from mvengine.planner.logical import Materialize
from mvengine.planner.view_options import ViewOptions, bind_view_options, is_deferred
from mvengine.planner.window_close import LINES_BEFORE, on_window_close
from mvengine.refresh.clock import move_clock
from mvengine.refresh.deferral import defer
from mvengine.refresh.definitions import create_view_storage
from mvengine.refresh.graph import ViewDefinition, inputs_of_view
from mvengine.refresh.jobs import start_view
from mvengine.refresh.settings import current_settings
from mvengine.refresh.storage import storage_name
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.session import answer, replace_view, table_rules
from mvengine.session.create import create, new_name, record_of, require_no_transaction
from mvengine.session.jobs import answer_job
from mvengine.sql.statements import CreateMaterializedView

_COLLATE = re.compile(r"\bcollate\b", re.I)

if TYPE_CHECKING:
    from mvengine.session import Session


def view(session: Session, statement: CreateMaterializedView) -> None:
    """Plans a view, fills it, and keeps it from then on; or puts it in the place of the one that is there."""
    replaced = replace_view.existing(session, statement)
    if replaced is not None:
        replace_view.run(session, statement, replaced)
        return
    name = new_name(session, statement.view, statement.if_not_exists)
    if name is None:
        answer.done(session)
        return
    options = options_of(statement)
    transaction = session.transaction
    if transaction is not None and transaction.has_pending:
        transaction.flush()

    def plan() -> Materialize:
        return view_plan(session, statement, name, options)

    first = plan()
    refuse_unmaintainable(session, first)
    record = record_of(name, StoredKind.MATERIALIZED_VIEW, first, is_refreshable=False, source=None)

    if statement.is_background or session.background_ddl:
        require_no_transaction(session, name)
        session.require_unhidden(session.database.graph, tuple(inputs_of_view(first)))
        answer_job(session, start_view(session.database, record, first, options.settings), JobStatus.CREATING)
        return

    def build(transaction: Transaction) -> None:
        if CLOCK in inputs_of_view(first):
            move_clock(transaction, f"CREATE MATERIALIZED VIEW {name}")
            transaction.flush()
        create_view_storage(session.engine, first)
        _keep_settings(transaction, name, options)

    create(session, record, first, build)
    answer.done(session)


def _keep_settings(transaction: Transaction, name: Name, options: ViewOptions) -> None:
    """Records how the view, which equals its query now, is maintained."""
    if options.settings:
        transaction.database.store(transaction.engine).add_settings(name, options.settings)
        transaction.note_settings()
    if is_deferred(options.settings):
        transaction.ddl()
        definition = transaction.graph.building[name].definition
        assert isinstance(definition, ViewDefinition)
        defer(transaction, definition)


def view_plan(session: Session, statement: CreateMaterializedView, name: Name, options: ViewOptions) -> Materialize:
    """The compiled plan of a view: what its fragment holds."""
    from mvengine.planner.binder import bind_view
    from mvengine.planner.plan import plan_view

    def bind(failure: str) -> Materialize:
        return bound_view(session, statement, name, options, bind_view, failure)

    return plan_view(bind, session.reader.describe)


def bound_view(
    session: Session,
    statement: CreateMaterializedView,
    name: Name,
    options: ViewOptions,
    bind_view: Callable[..., Materialize],
    failure: str = "",
) -> Materialize:
    """The logical plan of a view; ``failure`` as of ``bind_view``."""
    query = statement.query
    if statement.emits_on_window_close:
        query = on_window_close(query, lambda *path: table_rules.watermark(session, path))
    try:
        return bind_view(
            relation=name,
            storage=storage_name(name),
            staging=storage_name(name, "$staging"),
            query=query,
            column_names=statement.column_names,
            policy=options.policy,
            definition=query,
            settings=current_settings(session.engine),
            reader=session.reader,
            exact_floats=options.exact_floats,
            failure=failure,
        )
    except Error as error:
        if error.position is not None:
            if statement.emits_on_window_close:
                error.position = replace(error.position, line=error.position.line - LINES_BEFORE)
            error.position = error.position.after(statement.text[: statement.query_offset])
        raise


def options_of(statement: CreateMaterializedView) -> ViewOptions:
    """The view's options, as WITH (…) gives them."""
    return bind_view_options(statement.options)


def refuse_unmaintainable(session: Session, plan: Materialize) -> None:
    """Raises NotSupportedError for what stands beside a query and keeps a view over it from being exact."""
    _refuse_collations(session, plan)
    _refuse_triggers(session)


def _refuse_collations(session: Session, plan: Materialize) -> None:
    """Under a collation different texts are equal: which of them a view shows would depend on the order of changes."""
    collation = session.engine.query("SELECT current_setting('default_collation')")[0][0]
    names = [name.name.lower() for name in inputs_of_view(plan)]
    tables = session.engine.query(
        "SELECT table_name, sql FROM duckdb_tables() WHERE list_contains($1::VARCHAR[], lower(table_name))", [names]
    )
    collated = next((table for table, sql in tables if _COLLATE.search(sql or "")), None)
    if collation or collated or _COLLATE.search(plan.definition):
        where = (
            f"table {collated}" if collated else "its query" if not collation else f"default_collation '{collation}'"
        )
        raise NotSupportedError(
            f"a materialized view over texts with a collation ({where})", hint="compare lower(x) instead of a collation"
        )


def _refuse_triggers(session: Session) -> None:
    triggers = session.engine.query("SELECT trigger_name FROM duckdb_triggers() LIMIT 1")
    if triggers:
        raise NotSupportedError(
            f"a materialized view beside trigger {triggers[0][0]}: what a trigger writes cannot be captured",
            hint=f"drop the trigger first: DROP TRIGGER {triggers[0][0]}",
        )
