"""ALTER MATERIALIZED VIEW | VIEW … RENAME COLUMN: the same rows, a column under another name; readers go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import BindError, NotSupportedError
from mvengine.refresh.reader import reference
from mvengine.refresh.redefine.columns import rename_column
from mvengine.refresh.redefine.replan import replan
from mvengine.refresh.redefine.swap import rebuild, restate
from mvengine.schema import Column
from mvengine.session import answer
from mvengine.session.objects import require_relation
from mvengine.session.writing import writing
from mvengine.sql.statements import ObjectKind, RenameColumn

if TYPE_CHECKING:
    from mvengine.session import Session

EVENT = "ALTER"


def run(session: Session, statement: RenameColumn) -> None:
    """Errors: UnknownRelation, WrongObject, BindError; DependentObjects where a view over it cannot follow."""
    relation = require_relation(session, "ALTER", statement.kind, statement.name, if_exists=statement.if_exists)
    if relation is None:
        answer.done(session)
        return
    if statement.kind is not ObjectKind.MATERIALIZED_VIEW:
        raise NotSupportedError(
            f"RENAME COLUMN of the {statement.kind.lower()} {reference(statement.name)}",
            hint=f"CREATE OR REPLACE {statement.kind} with the other name: what is made of it follows",
        )
    what = f"ALTER MATERIALIZED VIEW {relation.name} RENAME COLUMN"
    with writing(session, what, (relation.name,)) as transaction:
        view = transaction.graph.views[relation.name]
        names = {column.name.lower() for column in view.plan.columns}
        if statement.old.lower() not in names or statement.new.lower() in names:
            missing = statement.old.lower() not in names
            raise BindError(
                f"{view.name} has {'no' if missing else 'a'} column {statement.old if missing else statement.new}",
                hint=f"columns are {', '.join(column.name for column in view.plan.columns)}",
                code=None if missing else "42701",
            )
        columns = tuple(
            Column(
                name=statement.new if column.name.lower() == statement.old.lower() else column.name, type=column.type
            )
            for column in view.plan.columns
        )

        def carry_out() -> None:
            plan = replan(transaction, view, view.plan.definition, columns=columns)
            if not restate(transaction, view, plan, EVENT, what):
                rebuild(transaction, view, plan, EVENT, what)

        rename_column(transaction, view.name, view.plan.columns, statement.old, statement.new, carry_out, what)
    answer.done(session)
