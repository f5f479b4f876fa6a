"""ALTER TABLE on tables that views read, and on refreshable ones: followed, cascaded or refused, never a broken view.

    RENAME TO                 views follow
    ADD COLUMN                views keep the columns that they have, those with SELECT * too
    DROP COLUMN               refused while a view uses the column; CASCADE drops these views
    RENAME COLUMN             views follow, under their own column names
    ALTER COLUMN … TYPE       refused while a view uses the column; CASCADE plans these views anew and builds them
    … DEFAULT, … NOT NULL     no view can tell

All other tables are DuckDB's: the statement is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

<<<<<<< mvengine/session/alter_table.py
from mvengine.errors import DependentObjects, SerializationFailure, StateError
=======
from mvengine.errors import DependentObjects, NotSupportedError, ProgrammingError
>>>>>>> /tmp/w/.new
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.redefine.readers import adapt, adapted_queries, readers_of, users_of
from mvengine.refresh.redefine.replan import replan
from mvengine.refresh.redefine.swap import rebuild, replace_later
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.session import alter_refreshable, answer, drop, native
from mvengine.session.rename import free_name, rename
from mvengine.session.writing import writing
from mvengine.sql.statements import Alteration, AlterationKind, AlterTable

if TYPE_CHECKING:
    from mvengine.session import Session

EVENT = "ALTER"


def run(session: Session, statement: AlterTable) -> None:
    """Alters the table and whatever follows it, or nothing. Errors: DependentObjects; those of DuckDB."""
    relation = _watched(session, statement)
    if relation is None:
        native.run(session, statement.native, None, {})
        return
    what = f"ALTER TABLE {relation.name} {statement.alteration.kind}"
    with writing(session, what, (relation.name,)) as transaction:
        relation = _watched(session, statement)  # others may have changed it until now
        if relation is None:
            raise SerializationFailure(f"{statement.table.name} has changed meanwhile", hint="alter it again")
        _alter(session, transaction, statement, relation, what)
        transaction.ddl()
    answer.done(session)


def _watched(session: Session, statement: AlterTable) -> Relation | None:
    """The table, where the change of it is the engine's to carry out."""
    ref, graph = statement.table, session.reader.graph
    if ref.name.lower() not in {name.name.lower() for name in graph.watched}:
        return None
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    if relation is None or relation.kind not in (RelationKind.TABLE, RelationKind.REFRESHABLE):
        return None
    return relation if graph.is_maintained(relation.name) and relation.name not in graph.constrained else None


def _alter(session: Session, transaction: Transaction, statement: AlterTable, relation: Relation, what: str) -> None:
    alteration, name = statement.alteration, relation.name
    carry_out = _carrier(session, transaction, statement, relation, what)
    match alteration.kind:
        case AlterationKind.RENAME_TABLE:
            new = free_name(session, name, alteration.new_name)
            rename(transaction, name, new, carry_out)
        case AlterationKind.ADD_COLUMN:
            _add(transaction, relation, alteration, carry_out, what)
        case AlterationKind.DROP_COLUMN:
            _drop(session, transaction, statement, relation, carry_out, what)
        case AlterationKind.RENAME_COLUMN:
            _rename_column(transaction, relation, alteration, carry_out, what)
        case AlterationKind.CHANGE_TYPE:
            _change_type(transaction, statement, relation, carry_out, what)
        case AlterationKind.COLUMN_RULE:
            carry_out()
        case AlterationKind.OTHER:
            readers = readers_of(transaction, name, what)
            if readers:
                raise DependentObjects(
                    f"{name} cannot be altered like that: {_names(readers)} needs it",
                    hint="drop the materialized views first, and create them again afterwards",
                )
            carry_out()


def _carrier(
    session: Session, transaction: Transaction, statement: AlterTable, relation: Relation, what: str
) -> Callable[[], None]:
    """What changes the table itself."""
    table = transaction.graph.tables.get(relation.name)

    def carry_out() -> None:
        if table is None:
            session.engine.query(statement.native.text)
        else:
            alter_refreshable.alter(session, transaction, table, statement.alteration, what)

    return carry_out


def _has(relation: Relation, column: str) -> bool:
    return column.lower() in {known.name.lower() for known in relation.columns}


def _names(views: Sequence[ViewDefinition]) -> str:
    return ", ".join(str(view.name) for view in views)


def _add(
    transaction: Transaction, relation: Relation, alteration: Alteration, carry_out: Callable[[], None], what: str
) -> None:
    if alteration.column.lower().startswith("_mv_"):
        raise ProgrammingError(
            f"the column name {alteration.column} is reserved", hint="choose a name that does not begin with _mv_"
        )
    if _has(relation, alteration.column):
        carry_out()  # DuckDB says that it is there, or accepts it
        return
    known = tuple((column.name, column.name) for column in relation.columns)
    readers = readers_of(transaction, relation.name, what)
    queries = adapted_queries(transaction, readers, relation.name, known, [alteration.column])
    carry_out()
    transaction.ddl()
    replace_later(transaction, adapt(transaction, queries, EVENT, what), EVENT, what)


def _drop(
    session: Session,
    transaction: Transaction,
    statement: AlterTable,
    relation: Relation,
    carry_out: Callable[[], None],
    what: str,
) -> None:
    column = statement.alteration.column
    _require_no_key(transaction, relation.name, column, what)
    users = users_of(transaction, relation.name, [column], what)
    if users and not statement.cascade:
        raise DependentObjects(
            f"column {column} of {relation.name} cannot be dropped: {_names(users)} needs it",
            hint="CASCADE drops these materialized views too",
        )
    dropped = transaction.graph.downstream([view.name for view in users])
    for view in reversed([view for view in transaction.graph.views.values() if view in users or view in dropped]):
        drop.forget(session, view)
    if users:
        transaction.ddl()
    carry_out()


def _rename_column(
    transaction: Transaction, relation: Relation, alteration: Alteration, carry_out: Callable[[], None], what: str
) -> None:
    old, new = alteration.column, alteration.new_name
    _require_no_key(transaction, relation.name, old, what)
    if not _has(relation, old) or _has(relation, new):
        carry_out()  # for DuckDB's words
        return
    _require_unlogged(transaction, relation.name, old, what)
    known = tuple(
        (new if column.name.lower() == old.lower() else column.name, column.name) for column in relation.columns
    )
    readers = readers_of(transaction, relation.name, what)
    queries = adapted_queries(transaction, readers, relation.name, known, [old, new])
    carry_out()
    transaction.ddl()
    replace_later(transaction, adapt(transaction, queries, EVENT, what), EVENT, what)


def _change_type(
    transaction: Transaction, statement: AlterTable, relation: Relation, carry_out: Callable[[], None], what: str
) -> None:
    column = statement.alteration.column
    _require_no_key(transaction, relation.name, column, what)
    users = users_of(transaction, relation.name, [column], what)
    if users and not statement.cascade:
        raise DependentObjects(
            f"the type of {column} of {relation.name} cannot be changed: {_names(users)} needs it",
            hint="CASCADE plans these materialized views anew and builds them again",
        )
    if users:
        _require_unlogged(transaction, relation.name, column, what)
    graph = transaction.graph
    reached = {view.name for view in (*users, *graph.downstream([view.name for view in users]))}
    for name in sorted(reached, key=str):
        readers_of(transaction, name, what)
    carry_out()
    transaction.ddl()
    for name in [name for name in graph.views if name in reached]:
        view = transaction.graph.views[name]
        rebuild(transaction, view, replan(transaction, view, view.plan.definition), EVENT, what)


def _require_no_key(transaction: Transaction, table: Name, column: str, what: str) -> None:
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
