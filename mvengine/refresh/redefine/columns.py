"""Columns of a table under views are added, renamed or get another type: the views follow, or the change is refused.

    ADD COLUMN                views keep the columns that they have, those with SELECT * too
    RENAME COLUMN             views follow, under their own column names; plain views too
    ALTER COLUMN … TYPE       refused while a view uses the column; with CASCADE these views are planned and built anew

``carry_out`` changes the table itself, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mvengine.errors import DependentObjects, NotSupportedError, ProgrammingError
from mvengine.refresh.dependents import Dependents
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.redefine.plain_views import frozen_views, replace_texts
from mvengine.refresh.redefine.readers import adapt, adapted_queries, readers_of, users_of
from mvengine.refresh.redefine.replan import replan
from mvengine.refresh.redefine.swap import rebuild, replace_later
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Columns, Name

EVENT = "ALTER"


def add_column(
    transaction: Transaction, table: Name, columns: Columns, added: str, carry_out: Callable[[], None], what: str
) -> None:
    """``columns`` are those that the table has so far. Errors: DependentObjects, StateError."""
    if added.lower().startswith("_mv_"):
        raise ProgrammingError(
            f"the column name {added} is reserved", hint="choose a name that does not begin with _mv_"
        )
    if _has(columns, added):
        carry_out()  # who carries it out says that it is there, or accepts it
        return
    known = tuple((column.name, column.name) for column in columns)
    queries = adapted_queries(transaction, readers_of(transaction, table, what), table, known, [added])
    dependents = _dependents(transaction)
    texts = frozen_views(dependents, table, known, (added,), is_all=False)
    carry_out()
    transaction.ddl()
    replace_texts(transaction, dependents, texts)
    replace_later(transaction, adapt(transaction, queries, EVENT, what), EVENT, what)


def rename_column(
    transaction: Transaction,
    table: Name,
    columns: Columns,
    old: str,
    new: str,
    carry_out: Callable[[], None],
    what: str,
) -> None:
    """As ``add_column``."""
    require_no_key(transaction, table, old, what)
    if not _has(columns, old) or _has(columns, new):
        carry_out()  # for its words
        return
    _require_unlogged(transaction, table, old, what)
    known = tuple((new if column.name.lower() == old.lower() else column.name, column.name) for column in columns)
    queries = adapted_queries(transaction, readers_of(transaction, table, what), table, known, [old, new])
    dependents = _dependents(transaction)
    texts = frozen_views(dependents, table, known, (old, new), is_all=True)
    carry_out()
    transaction.ddl()
    replace_texts(transaction, dependents, texts)
    replace_later(transaction, adapt(transaction, queries, EVENT, what), EVENT, what)


def change_type(
    transaction: Transaction, table: Name, column: str, carry_out: Callable[[], None], what: str, *, cascade: bool
) -> None:
    """As ``add_column``; the columns of the views that are built anew may have other types, too."""
    require_no_key(transaction, table, column, what)
    users = users_of(transaction, table, [column], what)
    if users and not cascade:
        raise DependentObjects(
            f"the type of {column} of {table} cannot be changed: {names_of(users)} needs it",
            hint="CASCADE plans these materialized views anew and builds them again",
        )
    if users:
        _require_unlogged(transaction, table, column, what)
    graph = transaction.graph
    reached = {view.name for view in (*users, *graph.downstream([view.name for view in users]))}
    for name in reached:
        readers_of(transaction, name, what)
    carry_out()
    transaction.ddl()
    for name in [name for name in graph.views if name in reached]:
        view = transaction.graph.views[name]
        rebuild(transaction, view, replan(transaction, view, view.plan.definition), EVENT, what)


def _dependents(transaction: Transaction) -> Dependents:
    return Dependents(transaction.engine, transaction.graph, transaction.database.name)


def names_of(views: Sequence[ViewDefinition]) -> str:
    """For messages."""
    return ", ".join(str(view.name) for view in views)


def _has(columns: Columns, name: str) -> bool:
    return name.lower() in {known.name.lower() for known in columns}


def require_no_key(transaction: Transaction, table: Name, column: str, what: str) -> None:
    """Foreign keys that the engine checks name columns on both sides."""
    for owner, key in transaction.graph.foreign_keys:
        mine = key.columns if owner.name == table else key.referenced_columns if key.references == table else ()
        if column.lower() in {name.lower() for name in mine}:
            raise DependentObjects(
                f"{what}: {column} is part of the foreign key of {owner.name} to {key.references}",
                hint="create the table anew with other keys",
            )


def _require_unlogged(transaction: Transaction, table: Name, column: str, what: str) -> None:
    """A change log is kept under the names and types that its consumers know."""
    logged = transaction.graph.logged.get(table, ())
    if column.lower() in {known.name.lower() for known in logged}:
        deferred = [view.name for view in transaction.graph.deferred if table in view.inputs]
        raise NotSupportedError(
            f"{what}: changes of {column} wait in a log for {', '.join(map(str, deferred))}",
            hint="; ".join(f"ALTER MATERIALIZED VIEW {name} SET (maintain = 'on_commit')" for name in deferred)
            + " first, and back afterwards",
        )
