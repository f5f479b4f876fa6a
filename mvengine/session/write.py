"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY … FROM: captured where it matters, passed on where it does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvengine.errors import BindError, Error, WrongObject
from mvengine.planner.reader import Relation, RelationKind
from mvengine.refresh.changes import FILE_ID
from mvengine.refresh.constraints import check_foreign_keys
from mvengine.refresh.dml import RESULT, DmlRun, Target
from mvengine.refresh.graph import Graph
from mvengine.refresh.parameters import used_by
from mvengine.refresh.reader import reference, require_foreign
from mvengine.refresh.suspension import repeated
from mvengine.refresh.transaction import Transaction
from mvengine.session import answer, column_literals, table_rules
from mvengine.session.lookup import unknown_relation
from mvengine.session.table_rules import TableRules
from mvengine.sql.statements import RelationRef, Write

if TYPE_CHECKING:
    from mvengine.session import Session

_PLAIN_TYPE = re.compile(r"[A-Z_ ]+|DECIMAL\(\d+,\d+\)")
_VOLATILE = frozenset(
    {"sample", "tablesample", "random", "uuid", "gen_random_uuid", "nextval", "uuidv4", "uuidv7", "setseed", "now"}
)


def run(session: Session, write: Write, parameters: Mapping[str, Any]) -> None:
    """Runs a write as part of the open transaction, or as one of its own."""
    require_foreign(write.target.schema)
    write = table_rules.applied(session, column_literals.resolved(session, write))
    explicit = session.transaction
    if explicit is not None:
        _in_transaction(session, explicit, write, parameters)
        return
    repeated(lambda: _run_apart(session, write, parameters), len(session.database.graph.views))


def _run_apart(session: Session, write: Write, parameters: Mapping[str, Any]) -> None:
    """A transaction of the statement's own."""
    transaction = session.own_transaction()
    transaction.lock(f"{write.kind} {reference(write.target)}")
    try:
        relation = _maintained(session, transaction, write)
        if relation is None:
            _pass_on(session, write, parameters)
            session.database.note_plain_writes([write.target.name])
            return
        transaction.begin()
        _capture(session, transaction, write, relation, parameters)
        transaction.commit()
        session.heal(transaction)
        _answer(session, write)
    except BaseException:
        transaction.rollback()
        raise
    finally:
        session.database.lock.release(transaction)


def _in_transaction(session: Session, transaction: Transaction, write: Write, parameters: Mapping[str, Any]) -> None:
    if transaction.has_pending and _may_read_views(session, transaction, write):
        transaction.flush()
    relation = _maintained(session, transaction, write)
    names = (relation.name,) if relation is not None else ()
    transaction.lock(f"{write.kind} {reference(write.target)}", names)
    relation = relation or _maintained(session, transaction, write)
    if relation is None:
        _pass_on(session, write, parameters)
        transaction.note_plain_write(write.target.name)
        return
    _capture(session, transaction, write, relation, parameters)
    _answer(session, write)


def _may_read_views(session: Session, transaction: Transaction, write: Write) -> bool:
    """Whether the statement may read what follows from pending changes. Plain views and macros hide what they read."""
    names = set(write.names)
    if names & {name.name.lower() for name in transaction.graph.views}:
        return True
    return bool(names & session.targets.hiding(session))


def _maintained(session: Session, transaction: Transaction, write: Write) -> Relation | None:
    """The table, if its changes must be captured; None for one that nothing depends on."""
    graph, name = transaction.graph, write.target.name.lower()
    names = {known.name.lower() for known in graph.watched}
    if name not in names:
        return None
    relation = session.targets.resolve(session, graph, write.target)
    if relation is None:
        raise unknown_relation(session, write.target, "table")
    if relation.kind is RelationKind.MATERIALIZED_VIEW:
        raise WrongObject(
            f"{relation.name} is a materialized view: its rows follow from its query",
            hint="write to the tables that it reads",
        )
    if relation.kind not in (RelationKind.TABLE, RelationKind.REFRESHABLE) or not graph.is_maintained(relation.name):
        return None
    return relation


class Targets:
    """What the targets of writes and refreshes mean, remembered until a statement may have changed it: looking a name
    up in DuckDB's catalog costs as much as writing a row."""

    def __init__(self) -> None:
        self._shapes = -1
        self._relations: dict[RelationRef, Relation] = {}
        self._targets: dict[RelationRef, Target] = {}
        self._hiding: frozenset[str] | None = None
        self._rules: dict[RelationRef, TableRules] = {}

    def _forget_stale(self, session: Session) -> None:
        if self._shapes != session.database.shapes:
            self._shapes = session.database.shapes
            self._relations, self._targets, self._hiding, self._rules = {}, {}, None, {}

    def hiding(self, session: Session) -> frozenset[str]:
        """Names of plain views and of macros, in lower case: what they read does not show in a statement's text."""
        self._forget_stale(session)
        if self._hiding is None:
            rows = session.engine.query(
                "SELECT lower(view_name) FROM duckdb_views() WHERE NOT internal UNION ALL "
                "SELECT lower(function_name) FROM duckdb_functions() "
                "WHERE NOT internal AND function_type IN ('macro', 'table_macro')"
            )
            tables = {name.name.lower() for name in session.reader.graph.tables}
            self._hiding = frozenset(name for (name,) in rows) - tables  # a refreshable table is a view to DuckDB
        return self._hiding

    def rules(self, session: Session, ref: RelationRef) -> TableRules:
        """What the table asks of its writes."""
        self._forget_stale(session)
        if ref not in self._rules:
            self._rules[ref] = table_rules.read_rules(session, ref)
        return self._rules[ref]

    def resolve(self, session: Session, graph: Graph, ref: RelationRef) -> Relation | None:
        """The relation that a name means. One that is not there is looked for again each time."""
        self._forget_stale(session)
        if ref not in self._relations:
            reader = session.reader
            reader.graph = graph
            relation = reader.resolve(ref.catalog, ref.schema, ref.name)
            if relation is None:
                return None
            self._relations[ref] = relation
        return self._relations[ref]

    def find(self, session: Session, transaction: Transaction, ref: RelationRef, relation: Relation) -> Target:
        """The target as capturing needs it."""
        if ref not in self._targets:
            self._targets[ref] = target_of(session, transaction, relation)
        return self._targets[ref]


def _pass_on(session: Session, write: Write, parameters: Mapping[str, Any]) -> None:
    """Nobody depends on the table: the statement goes to DuckDB as it is."""
    session.rowcount = session.engine.execute(write.text, used_by(write.text, parameters)).rowcount


def _capture(
    session: Session,
    transaction: Transaction,
    write: Write,
    relation: Relation,
    parameters: Mapping[str, Any],
) -> None:
    if FILE_ID in write.names and relation.name in transaction.graph.tables:
        raise BindError(f"the column {FILE_ID} is mvengine's own", hint="leave it out: it is no column of the table")
    target = session.targets.find(session, transaction, write.target, relation)
    captured = transaction.captured(relation.name, relation.storage, target.columns)
    run = DmlRun(
        engine=session.engine,
        write=write,
        target=target,
        captured=captured,
        parameters=parameters,
        volatile=_VOLATILE | session.targets.hiding(session),
    )
    try:
        session.rowcount, rows = run.run()
    except Error as error:  # its position is one in the statements that were made
        from mvengine.planner.binder.refused import position_of_name  # it loads the planner

        error.position = position_of_name(error.message.rpartition(" name ")[2], write.text)
        raise
    if target.plan is not None and session.rowcount:
        table = transaction.graph.tables[relation.name]
        session.database.store(session.engine).set_dirty([table.relation_id], True)
    touched = rows if captured is not None else session.rowcount
    if captured is not None and not touched and not transaction.is_pending(relation.name):
        session.engine.query(f"DROP TABLE IF EXISTS {captured.change}")
    transaction.touch(relation.name, touched, f"{write.kind} {relation.name}")
    check_foreign_keys(session.engine, transaction.graph, [relation.name])


def target_of(session: Session, transaction: Transaction, relation: Relation) -> Target:
    """What capturing needs to know of a table."""
    columns = tuple(column.name for column in relation.columns)
    table = transaction.graph.tables.get(relation.name)
    if table is not None:
        return Target(
            name=relation.name,
            storage=relation.storage,
            columns=columns,
            insertable=table.plan.stored_columns,
            keys=tuple(key.columns for key in table.plan.keys),
            has_unique_index=False,
            may_move_rows=_has_nested(relation),
            plan=table.plan,
        )
    keys, generated = _constraints(session, relation)
    return Target(
        name=relation.name,
        storage=relation.storage,
        columns=columns,
        insertable=tuple(column for column in columns if column.lower() not in generated),
        keys=keys,
        has_unique_index=_has_index(session, relation),
        may_move_rows=bool(keys) or _has_nested(relation) or _has_index(session, relation),
        plan=None,
    )


def _has_nested(relation: Relation) -> bool:
    """Whether an update may move a row: columns of any type but the plain ones are deleted and inserted."""
    return not all(_PLAIN_TYPE.fullmatch(column.type) and column.type != "VARIANT" for column in relation.columns)


def _has_index(session: Session, relation: Relation) -> bool:
    rows = session.engine.query(
        "SELECT 1 FROM duckdb_indexes() WHERE schema_name = $1 AND table_name = $2 LIMIT 1",
        [relation.name.schema, relation.name.name],
    )
    return bool(rows)


def _constraints(session: Session, relation: Relation) -> tuple[tuple[tuple[str, ...], ...], frozenset[str]]:
    """The columns of the primary and unique keys, and the generated columns in lower case."""
    values = [relation.name.schema, relation.name.name]
    keys = session.engine.query(
        "SELECT constraint_column_names FROM duckdb_constraints() WHERE schema_name = $1 AND table_name = $2 "
        "AND constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND database_name = current_database()",
        values,
    )
    sql = session.engine.query(
        "SELECT sql FROM duckdb_tables() "
        "WHERE schema_name = $1 AND table_name = $2 AND database_name = current_database()",
        values,
    )
    generated: set[str] = set()
    if sql and "GENERATED" in str(sql[0][0]).upper():
        insertable = {
            name.lower()
            for (name,) in session.engine.query(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 "
                "AND coalesce(is_generated, 'NEVER') = 'NEVER'",
                values,
            )
        }
        generated = {column.name.lower() for column in relation.columns} - insertable
    return tuple(tuple(columns) for (columns,) in keys), frozenset(generated)


def _answer(session: Session, write: Write) -> None:
    rowcount = session.rowcount
    if write.returning:
        session.engine.execute(f"FROM {RESULT}")
        session.has_kept_result = True
        session.rowcount = rowcount
    else:
        answer.count(session, rowcount)
