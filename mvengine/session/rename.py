"""RENAME TO, of materialized views and of tables under views: whoever reads them by name follows.

Settings, states and files belong to the relation, whatever its name; the texts and plans of the views that read it name
it anew, under the alias that it had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, DuplicateRelation
from mvengine.refresh.change_log import log_table
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.redefine.readers import adapt, readers_of
from mvengine.refresh.redefine.replan import renamed_query, replan
from mvengine.refresh.redefine.swap import rebuild, replace_later, restate
from mvengine.refresh.storage import table_of
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.session import answer
from mvengine.session.create import new_name
from mvengine.session.refresh import view_of
from mvengine.session.writing import writing
from mvengine.sql.statements import RelationRef, RenameView

if TYPE_CHECKING:
    from collections.abc import Callable

    from mvengine.session import Session

EVENT = "RENAME"


def run(session: Session, statement: RenameView) -> None:
    """Renames a materialized view. Errors: DuplicateRelation; DependentObjects where a view cannot follow."""
    if statement.if_exists and session.targets.resolve(session, session.reader.graph, statement.view) is None:
        answer.done(session)
        return
    view = view_of(session, statement.view, "ALTER")
    with writing(session, f"ALTER MATERIALIZED VIEW {view.name} RENAME", (view.name,)) as transaction:
        held = view_of(session, statement.view, "ALTER")  # others may have changed it until now
        new = free_name(session, held.name, statement.new_name)
        rename(transaction, held.name, new, lambda: _rename_view(transaction, held, new))
    answer.done(session)


def free_name(session: Session, old: Name, wanted: str) -> Name:
    """The new name, in the schema of the old one. Errors: DuplicateRelation; ProgrammingError for a reserved one."""
    ref = RelationRef(catalog=None, schema=old.schema, name=wanted)
    if Name(schema=old.schema, name=wanted) == old:  # only its capitals change: DuckDB would find the name taken
        raise DuplicateRelation(f"{old} has that name already", hint="names do not differ by capitals")
    name = new_name(session, ref, False)
    assert name is not None
    return name


def rename(transaction: Transaction, old: Name, new: Name, carry_out: Callable[[], None]) -> None:
    """Lets everybody know a relation by a new name. ``carry_out`` gives it to the relation itself."""
    cause = f"{old} was renamed to {new}"
    queries = {}
    for view in readers_of(transaction, old, f"{old} cannot be renamed"):
        query = renamed_query(transaction, view, old, new)
        if query is None or query == view.plan.definition:
            raise DependentObjects(
                f"{old} cannot be renamed: {view.name} reads it in a way that cannot be followed "
                "(through a plain view, say)",
                hint=f"DROP MATERIALIZED VIEW {view.name} first, and create it again afterwards",
            )
        queries[view.name] = query
    foreign = [table.name for table, key in transaction.graph.foreign_keys if key.references == old]
    if foreign:
        raise DependentObjects(
            f"{old} cannot be renamed: a foreign key of {foreign[0]} refers to it", hint=f"drop {foreign[0]} first"
        )
    if old in transaction.graph.logged:
        transaction.engine.query(f"ALTER TABLE {log_table(old)} RENAME TO {table_of(log_table(new))}")
    carry_out()
    transaction.database.store(transaction.engine).rename_everywhere(old, new)
    transaction.ddl()
    transaction.note_plain_write(new.name)
    replace_later(transaction, adapt(transaction, queries, EVENT, cause), EVENT, cause)


def _rename_view(transaction: Transaction, view: ViewDefinition, new: Name) -> None:
    plan = replan(transaction, view, view.plan.definition, new)
    cause = f"{view.name} was renamed to {new}"
    if not restate(transaction, view, plan, EVENT, cause):  # an older version has planned it otherwise
        rebuild(transaction, view, plan, EVENT, cause)
