"""CREATE OR REPLACE MATERIALIZED VIEW over a view that is there: another query under the same name, in one step.

Settings that are not given anew stay. Views that read it go on and follow by the difference, as long as the columns
that they use are still there with the same types; else nothing is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, NotSupportedError, ProgrammingError, SerializationFailure
from mvengine.planner.clock import CLOCK
from mvengine.planner.logical import Materialize
from mvengine.refresh.clock import move_clock
from mvengine.refresh.graph import ViewDefinition, inputs_of_view
from mvengine.refresh.redefine.readers import adapt, adapted_queries, readers_of, users_of
from mvengine.refresh.redefine.swap import replace_rows
from mvengine.refresh.transaction import Transaction
from mvengine.refresh.view_settings import change_view
from mvengine.schema import Name
from mvengine.session import answer, create_view
from mvengine.session.writing import writing
from mvengine.sql.statements import CreateMaterializedView, Policy

if TYPE_CHECKING:
    from mvengine.session import Session

EVENT = "REPLACE"


def existing(session: Session, statement: CreateMaterializedView) -> ViewDefinition | None:
    """The view that the statement replaces; None where it creates one."""
    if not statement.or_replace:
        return None
    if statement.if_not_exists:
        raise ProgrammingError("OR REPLACE and IF NOT EXISTS exclude each other", hint="leave one of them out")
    schema = statement.view.schema or session.reader.place().schema
    if statement.view.catalog not in (None, session.database.name):
        return None
    return session.reader.graph.views.get(Name(schema=schema, name=statement.view.name))


def run(session: Session, statement: CreateMaterializedView, view: ViewDefinition) -> None:
    """Replaces the view, or leaves everything as it is. Errors: those of CREATE; DependentObjects."""
    what = f"CREATE OR REPLACE MATERIALIZED VIEW {view.name}"
    if statement.is_background or session.background_ddl:
        raise NotSupportedError(
            f"{what} in the background",
            hint="leave BACKGROUND out (SET background_ddl = false): readers see the old view until then",
        )
    with writing(session, what, (view.name,)) as transaction:
        held = transaction.graph.views.get(view.name)
        if held is None:
            raise SerializationFailure(f"{view.name} was dropped meanwhile", hint="run the statement again")
        view = _with_settings(transaction, statement, held)
        plan = _plan(session, statement, view)
        _refuse_cycles(transaction, view, plan)
        session.require_unhidden(transaction.graph, inputs_of_view(plan))
        transaction.require_fresh(inputs_of_view(plan))
        if CLOCK in inputs_of_view(plan):
            move_clock(transaction, what)
            transaction.flush()
        _replace(transaction, view, plan, what)
    answer.done(session)


def _with_settings(transaction: Transaction, statement: CreateMaterializedView, view: ViewDefinition) -> ViewDefinition:
    """The view under the settings that are given anew."""
    settings = create_view.options_of(statement).settings
    if settings:
        change_view(transaction, view, tuple(settings.items()))
        transaction.note_settings()
    return transaction.graph.views[view.name]


def _plan(session: Session, statement: CreateMaterializedView, view: ViewDefinition) -> Materialize:
    options = create_view.options_of(statement)
    if "policy" not in dict(statement.options):
        options = replace(options, policy=Policy(view.plan.policy))
    plan = create_view.view_plan(session, statement, view.name, options)
    create_view.refuse_unmaintainable(session, plan)
    return plan


def _refuse_cycles(transaction: Transaction, view: ViewDefinition, plan: Materialize) -> None:
    behind = {view.name, *(reader.name for reader in transaction.graph.downstream([view.name]))}
    circular = sorted(str(name) for name in inputs_of_view(plan) & behind)
    if circular:
        raise ProgrammingError(
            f"{view.name} would be made from {circular[0]}, which is "
            + ("itself" if circular[0] == str(view.name) else f"made from {view.name}"),
            hint="create a view of another name",
            code="42P17",
        )


def _replace(transaction: Transaction, view: ViewDefinition, plan: Materialize, what: str) -> None:
    readers = readers_of(transaction, view.name, what)
    new = {(column.name.lower(), column.type) for column in plan.columns}
    old = view.plan.columns
    gone = [column for column in old if (column.name.lower(), column.type) not in new]
    users = users_of(transaction, view.name, [column.name for column in gone], what) if gone else ()
    if users:
        used = [column for column in gone if users_of(transaction, view.name, [column.name], what)]
        columns = ", ".join(f"{column.name} {column.type}" for column in used)
        names = ", ".join(str(user.name) for user in users)
        raise DependentObjects(
            f"{names} may need what {view.name} would not have any more: {columns}",
            hint=f"keep these columns, or DROP MATERIALIZED VIEW {names} first",
        )
    queries: Mapping[Name, str] = {}
    if old != plan.columns:
        kept = tuple((column.name, column.name) for column in old if column not in gone)
        before = {(column.name.lower(), column.type) for column in old}
        queries = adapted_queries(transaction, readers, view.name, kept, [name for name, _ in new ^ before])
    replace_rows(transaction, view, plan, EVENT, what, lambda: adapt(transaction, queries, EVENT, what))
