"""ALTER TABLE on tables that views read, and on refreshable ones: followed, cascaded or refused, never a broken view.

    ADD COLUMN                views keep the columns that they have, those with SELECT * too
    DROP COLUMN               refused while a view uses the column; CASCADE drops these views
    RENAME COLUMN             views follow, under their own column names; plain views too
    ALTER COLUMN … TYPE       refused while a view uses the column; CASCADE plans these views anew and builds them
    … DEFAULT, … NOT NULL     no view can tell

All other tables are DuckDB's: the statement is passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mvengine.errors import DependentObjects, SerializationFailure
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.redefine.columns import add_column, change_type, names_of, rename_column, require_no_key
from mvengine.refresh.redefine.readers import readers_of, users_of
from mvengine.refresh.redefine.table import alter as alter_refreshable
from mvengine.refresh.transaction import Transaction
from mvengine.session import answer, drop, native
from mvengine.session.move_relation import require_idle
from mvengine.session.objects import dependents_of
from mvengine.session.writing import writing
from mvengine.sql.statements import AlterationKind, AlterTable, AlterTables

if TYPE_CHECKING:
    from mvengine.session import Session


def run_all(session: Session, statement: AlterTables) -> None:
    """Several actions, one after the other, in one transaction."""
    is_own = session.transaction is None
    if is_own:
        session.begin()
    try:
        for part in statement.parts:
            run(session, part)
        if is_own:
            session.commit()
    except BaseException:
        if is_own and session.transaction is not None:
            session.rollback()
        raise
    answer.done(session)


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
    may_be_read = statement.alteration.kind is AlterationKind.RENAME_COLUMN  # by plain views
    if not may_be_read and ref.name.lower() not in {name.name.lower() for name in graph.watched}:
        return None
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    if relation is None or relation.kind not in (RelationKind.TABLE, RelationKind.REFRESHABLE):
        return None
    if graph.is_maintained(relation.name):
        return relation if relation.name not in graph.constrained else None
    return relation if may_be_read and dependents_of(session).readers(relation.name) else None


def _alter(session: Session, transaction: Transaction, statement: AlterTable, relation: Relation, what: str) -> None:
    alteration, name = statement.alteration, relation.name
    carry_out = _carrier(session, transaction, statement, relation, what)
    match alteration.kind:
        case AlterationKind.ADD_COLUMN:
            add_column(transaction, name, relation.columns, alteration.column, carry_out, what)
        case AlterationKind.DROP_COLUMN:
            _drop(session, transaction, statement, relation, carry_out, what)
        case AlterationKind.RENAME_COLUMN:
            old, new_name = alteration.column, alteration.new_name
            rename_column(transaction, name, relation.columns, old, new_name, carry_out, what)
        case AlterationKind.CHANGE_TYPE:
            change_type(transaction, name, alteration.column, carry_out, what, cascade=statement.cascade)
        case AlterationKind.COLUMN_RULE:
            carry_out()
        case _:
            readers = readers_of(transaction, name, what)
            if readers:
                raise DependentObjects(
                    f"{name} cannot be altered like that: {names_of(readers)} needs it",
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
            require_idle(session, table.name, what)
            alter_refreshable(transaction, table, statement.alteration, what)

    return carry_out


def _drop(
    session: Session,
    transaction: Transaction,
    statement: AlterTable,
    relation: Relation,
    carry_out: Callable[[], None],
    what: str,
) -> None:
    column = statement.alteration.column
    require_no_key(transaction, relation.name, column, what)
    users = users_of(transaction, relation.name, [column], what)
    if users and not statement.cascade:
        raise DependentObjects(
            f"column {column} of {relation.name} cannot be dropped: {names_of(users)} needs it",
            hint="CASCADE drops these materialized views too",
        )
    dropped = transaction.graph.downstream([view.name for view in users])
    for view in reversed([view for view in transaction.graph.views.values() if view in users or view in dropped]):
        drop.forget(session, view)
    if users:
        transaction.ddl()
    carry_out()
