"""CREATE MATERIALIZED VIEW: plans the query, fills the view, and keeps it from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mvengine.errors import Position, ProgrammingError, UnknownOption
from mvengine.meta.records import RelationKind as StoredKind
from mvengine.planner.logical import (
    Materialize,
)
from mvengine.refresh.definitions import create_view_storage
from mvengine.refresh.settings import current_settings
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.session import answer
from mvengine.sql.statements import (
    CreateMaterializedView,
    Policy,
)

if TYPE_CHECKING:
    from mvengine.session import Session


from mvengine.session.create import create, new_name, record_of, storage_name


def view(session: Session, statement: CreateMaterializedView) -> None:
    """Plans a view, fills it, and keeps it from then on."""
    name = new_name(session, statement.view, statement.if_not_exists)
    if name is None:
        answer.done(session)
        return
    policy = policy_of(statement)
    transaction = session.transaction
    if transaction is not None and transaction.has_pending:
        transaction.flush()

    def plan() -> Materialize:
        return view_plan(session, statement, name, policy)

    first = plan()
    record = record_of(name, StoredKind.MATERIALIZED_VIEW, first, is_refreshable=False, source=None)

    def build(_: Transaction) -> None:
        create_view_storage(session.engine, first)

    create(session, record, first, None, build)
    answer.done(session)


def view_plan(session: Session, statement: CreateMaterializedView, name: Name, policy: Policy) -> Materialize:
    """The compiled plan of a view: what its fragment holds."""
    from mvengine.planner.binder import bind_view
    from mvengine.planner.compile import compile_view

    return compile_view(bound_view(session, statement, name, policy, bind_view))


def bound_view(
    session: Session,
    statement: CreateMaterializedView,
    name: Name,
    policy: Policy,
    bind_view: Callable[..., Materialize],
) -> Materialize:
    """The logical plan of a view."""
    try:
        return bind_view(
            relation=name,
            storage=storage_name(name),
            staging=storage_name(name, "$staging"),
            query=statement.query,
            column_names=statement.column_names,
            policy=policy,
            definition=statement.query,
            settings=current_settings(session.engine),
            reader=session.reader,
        )
    except ProgrammingError as error:
        _shift_position(error, statement)
        raise


def _shift_position(error: ProgrammingError, statement: CreateMaterializedView) -> None:
    """Positions in the query become positions in the statement."""
    if error.position is None:
        return
    before = statement.text[: statement.query_offset]
    line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
    shifted = error.position.column + (column if error.position.line == 1 else 0)
    error.position = Position(line=error.position.line + line, column=shifted)


def policy_of(statement: CreateMaterializedView) -> Policy:
    """The view's policy; every other option is unknown."""
    policy = Policy.AUTO
    for option, value in statement.options:
        if option != "policy":
            raise UnknownOption(f"unknown option {option} of a materialized view", hint="known options: policy")
        try:
            policy = Policy(value.lower())
        except ValueError:
            raise ProgrammingError(
                f"policy = '{value}'", hint=f"policies are {', '.join(Policy)}", code="22023"
            ) from None
    return policy
