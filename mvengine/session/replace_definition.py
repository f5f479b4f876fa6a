"""CREATE OR REPLACE VIEW, FUNCTION, MACRO, SOURCE below materialized views: these are planned anew, and follow.

A materialized view that reads a plain view or calls a function has its text expanded in its plan. When that changes,
the view is built from its own text again, and what reads it follows by the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, Error, ProgrammingError
from mvengine.planner.logical import Materialize
from mvengine.refresh.dependents import Function, Object
from mvengine.refresh.graph import ViewDefinition, inputs_of_view
from mvengine.refresh.redefine.replan import replan
from mvengine.refresh.redefine.swap import replace_rows
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.session import answer
from mvengine.session.objects import dependents_of, listed
from mvengine.session.writing import writing
from mvengine.sql.statements import NativeDdl

if TYPE_CHECKING:
    from mvengine.session import Session

EVENT = "REPLACE"


def is_needed(session: Session, ddl: NativeDdl) -> bool:
    """Whether materialized views are, or are being, made of what the statement replaces."""
    graph = session.reader.graph
    if ddl.is_temporary or not graph.readers:
        return False
    return bool(graph.building) or bool(dependents_of(session).through(_objects(session, ddl)))


def run(session: Session, ddl: NativeDdl) -> None:
    """Replaces it, and lets materialized views follow. Errors: DependentObjects where one cannot; those of DuckDB."""
    objects = _objects(session, ddl)
    what = f"CREATE OR REPLACE {ddl.object_kind} {listed(objects)}"
    with writing(session, what, tuple(one for one in objects if isinstance(one, Name))) as transaction:
        replace(session, transaction, objects, lambda: session.engine.query(ddl.text), what)
    answer.done(session)


def replace(
    session: Session, transaction: Transaction, objects: Sequence[Object], carry_out: Callable[[], object], what: str
) -> None:
    """``carry_out`` changes what these objects are; materialized views that are made of them are built again."""
    dependents = dependents_of(session, transaction)
    dependents.require_unbuilt(objects, what)
    views = dependents.through(objects)
    carry_out()
    session.database.shapes += 1
    for view in views:
        held = transaction.graph.views[view.name]
        plan = _planned(transaction, held, what)
        replace_rows(transaction, held, plan, EVENT, what)


def _planned(transaction: Transaction, view: ViewDefinition, what: str) -> Materialize:
    try:
        plan = replan(transaction, view, view.plan.definition)
    except Error as error:
        raise DependentObjects(
            f"{what}: the materialized view {view.name} needs it as it was: {error.message}",
            hint=f"DROP MATERIALIZED VIEW {view.name} first, and create it again afterwards",
        ) from error
    if plan.columns != view.plan.columns:
        changed = [new for new, old in zip(plan.columns, view.plan.columns, strict=True) if new != old]
        raise DependentObjects(
            f"{what}: the materialized view {view.name} would get other columns: "
            + ", ".join(f"{column.name} {column.type}" for column in changed),
            hint=f"keep them by a cast, or DROP MATERIALIZED VIEW {view.name} first",
        )
    circular = inputs_of_view(plan) & {view.name, *(one.name for one in transaction.graph.downstream([view.name]))}
    if circular:
        raise ProgrammingError(
            f"{what}: {view.name} would be made from itself", hint="create a view of another name", code="42P17"
        )
    return plan


def _objects(session: Session, ddl: NativeDdl) -> tuple[Object, ...]:
    place = session.reader.place().schema
    names = [Name(schema=target.schema or place, name=target.name) for target in ddl.targets]
    if ddl.object_kind in ("MACRO", "FUNCTION"):
        return tuple(Function(name=name) for name in names)
    return tuple(names)
