"""A relation under another name: whoever reads it by name follows.

Settings, states and files belong to the relation, whatever its name; the texts and plans of the views that read it name
it anew, under the alias that it had. Plain views are followed too, and what is made of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, DuplicateRelation
from mvengine.refresh.change_log import log_table
from mvengine.refresh.dependents import Dependents
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.redefine.plain_views import renamed_views, replace_texts
from mvengine.refresh.redefine.readers import adapt, readers_of
from mvengine.refresh.redefine.replan import renamed_query, replan
from mvengine.refresh.redefine.swap import rebuild, replace_later, restate
from mvengine.refresh.storage import table_of
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.session.create import new_name
from mvengine.sql.statements import RelationRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from mvengine.session import Session

EVENT = "RENAME"


def free_name(session: Session, old: Name, schema: str, wanted: str) -> Name:
    """The new name of a relation. Errors: DuplicateRelation; ProgrammingError for a reserved one."""
    if Name(schema=schema, name=wanted) == old:  # only its capitals change: DuckDB would find the name taken
        raise DuplicateRelation(f"{old} has that name already", hint="names do not differ by capitals")
    name = new_name(session, RelationRef(catalog=None, schema=schema, name=wanted), False)
    assert name is not None
    return name


def rename(transaction: Transaction, old: Name, new: Name, carry_out: Callable[[], None]) -> None:
    """Lets everybody know a relation by a new name. ``carry_out`` gives it to the relation itself."""
    cause = f"{old} was renamed to {new}"
    dependents = Dependents(transaction.engine, transaction.graph, transaction.database.name)
    dependents.require_unbuilt([old], f"{old} cannot be renamed")
    texts = renamed_views(dependents, old, new)
    queries = _queries(transaction, dependents, old, new)
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
    replace_texts(transaction, dependents, texts)
    replace_later(transaction, adapt(transaction, queries, EVENT, cause), EVENT, cause)


def _queries(transaction: Transaction, dependents: Dependents, old: Name, new: Name) -> dict[Name, str]:
    """The texts of the materialized views that read a relation, through plain views too: of those the text stays."""
    direct = {view.name for view in readers_of(transaction, old, f"{old} cannot be renamed")}
    named = set(dependents.readers(old))
    through = {view.name for view in dependents.through([old])}
    found = {}
    for view in transaction.graph.views.values():
        if view.name not in direct | through:
            continue
        query = renamed_query(transaction, view, old, new)
        if query is None or (query == view.plan.definition and (view.name in named or view.name not in through)):
            raise DependentObjects(
                f"{old} cannot be renamed: {view.name} reads it in a way that cannot be followed",
                hint=f"DROP MATERIALIZED VIEW {view.name} first, and create it again afterwards",
            )
        found[view.name] = query
    return found


def rename_view(transaction: Transaction, view: ViewDefinition, new: Name) -> None:
    """Gives a materialized view itself another name."""
    plan = replan(transaction, view, view.plan.definition, new)
    cause = f"{view.name} was renamed to {new}"
    if not restate(transaction, view, plan, EVENT, cause):  # an older version has planned it otherwise
        rebuild(transaction, view, plan, EVENT, cause)
