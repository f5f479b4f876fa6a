"""ALTER TABLE on a refreshable table: its rows, its shadow and its plan get another shape; staged rows are discarded.

What a refresh reads is told by the table's columns: after ADD, RENAME and TYPE the next REFRESH reads all files again.
A column that was added, or has a DEFAULT, may be missing in a file: its rows have the default then.
"""

from __future__ import annotations

from dataclasses import replace

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import BindError, DependentObjects, NotSupportedError, ProgrammingError
from mvengine.meta.records import Relation, RelationKind, StoredFragment
from mvengine.planner import fragment as fragments
from mvengine.planner.logical import MaterializeTable
from mvengine.refresh.comments import keeping_comments
from mvengine.refresh.definitions import create_visible_table
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.merge import clear_staging
from mvengine.refresh.storage import storage_name, table_of
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Column, Name, quote
from mvengine.sql.column_text import mentions, renamed, retyped
from mvengine.sql.statements import Alteration, AlterationKind
from mvengine.sql.tokens import tokenize

_UNKNOWN_CONSTRAINTS = frozenset({"PRIMARY", "UNIQUE", "REFERENCES", "GENERATED", "AS", "CHECK", "COLLATE"})


def alter(transaction: Transaction, table: TableDefinition, alteration: Alteration, what: str) -> None:
    """Carries the alteration out; the views over the table are the caller's. No refresh of it may run but the one that
    asks. Errors: NotSupportedError, BindError, DependentObjects for what cannot be done."""
    engine = transaction.engine
    if _is_done_already(table.plan, alteration):
        return
    match alteration.kind:
        case AlterationKind.ADD_COLUMN:
            plan = _added(engine, table.plan, alteration)
        case AlterationKind.DROP_COLUMN:
            plan = _dropped(table.plan, alteration.column)
        case AlterationKind.RENAME_COLUMN:
            plan = _column_renamed(table.plan, alteration)
        case AlterationKind.CHANGE_TYPE if not alteration.is_nested:
            plan = _retyped(engine, table.plan, alteration)
        case _:
            raise NotSupportedError(
                f"{what} on a refreshable table", hint=f"DROP TABLE {table.name}, then create it anew"
            )
    _apply(transaction, table, plan, alteration)
    _record(transaction, table, plan, alteration, what)


def rename(transaction: Transaction, table: TableDefinition, new: Name, what: str) -> None:
    """Gives the table another name, perhaps in another schema; as ``alter``."""
    alteration = Alteration(kind=AlterationKind.RENAME_TABLE, new_name=new.name)
    plan = _renamed(table.plan, new)
    _apply(transaction, table, plan, alteration)
    _record(transaction, table, plan, alteration, what)


def _is_done_already(plan: MaterializeTable, alteration: Alteration) -> bool:
    """Whether IF [NOT] EXISTS asks for what is so. Errors: BindError for a column that is not there, or there twice."""
    names = {column.name.lower() for column in plan.columns}
    is_there = alteration.column.lower() in names
    adds = alteration.kind is AlterationKind.ADD_COLUMN
    if alteration.column and is_there is adds:
        if alteration.is_conditional:
            return True
        raise BindError(
            f"{plan.relation} has {'a' if adds else 'no'} column {alteration.column}" + (" already" if adds else ""),
            hint=f"columns are {', '.join(column.name for column in plan.columns)}",
        )
    if alteration.kind is AlterationKind.RENAME_COLUMN and alteration.new_name.lower() in names:
        raise BindError(f"{plan.relation} has a column {alteration.new_name} already", hint="choose another name")
    return False


# -- the plan ----------------------------------------------------------------------------------------------------------


def _renamed(plan: MaterializeTable, new: Name) -> MaterializeTable:
    return replace(
        plan,
        relation=new,
        storage=storage_name(new),
        staging=storage_name(new, "$staging"),
        shadow=storage_name(new, "$shadow"),
    )


def _added(engine: DuckDbEngine, plan: MaterializeTable, alteration: Alteration) -> MaterializeTable:
    name = alteration.column
    if name.lower() == "_file_id":
        raise ProgrammingError(f"the column name {name} is reserved", hint="choose another name")
    words = {token.word for token in tokenize(alteration.constraints)}
    if words & _UNKNOWN_CONSTRAINTS:
        raise NotSupportedError(
            f"ADD COLUMN {name} with {', '.join(sorted(words & _UNKNOWN_CONSTRAINTS))} on a refreshable table",
            hint="a column that is added may have DEFAULT and NOT NULL; create the table anew for more",
        )
    constraints = alteration.constraints if "DEFAULT" in words else f"{alteration.constraints} DEFAULT NULL".strip()
    definition = f"{quote(name)} {alteration.type} {constraints}"
    column = Column(name=name, type=_described(engine, definition))
    return replace(
        plan,
        columns=(*plan.columns, column),
        stored_columns=(*plan.stored_columns, name),
        column_definitions=(*plan.column_definitions, definition),
    )


def _dropped(plan: MaterializeTable, column: str) -> MaterializeTable:
    _require_unused(plan, column)
    index = _index(plan, column)
    if len(plan.columns) == 1:
        raise BindError(f"{column} is the only column of {plan.relation}", hint=f"DROP TABLE {plan.relation}")
    return replace(
        plan,
        columns=plan.columns[:index] + plan.columns[index + 1 :],
        stored_columns=tuple(name for name in plan.stored_columns if name.lower() != column.lower()),
        column_definitions=plan.column_definitions[:index] + plan.column_definitions[index + 1 :],
    )


def _column_renamed(plan: MaterializeTable, alteration: Alteration) -> MaterializeTable:
    old, new = alteration.column, alteration.new_name

    def named(name: str) -> str:
        return new if name.lower() == old.lower() else name

    return replace(
        plan,
        columns=tuple(replace(column, name=named(column.name)) for column in plan.columns),
        stored_columns=tuple(map(named, plan.stored_columns)),
        column_definitions=tuple(renamed(text, old, new) for text in plan.column_definitions),
        checks=tuple(renamed(text, old, new) for text in plan.checks),
        keys=tuple(replace(key, columns=tuple(map(named, key.columns))) for key in plan.keys),
    )


def _retyped(engine: DuckDbEngine, plan: MaterializeTable, alteration: Alteration) -> MaterializeTable:
    index = _index(plan, alteration.column)
    name = plan.columns[index].name
    definition = retyped(plan.column_definitions[index], alteration.type)
    column = Column(name=name, type=_described(engine, f"{quote(name)} {alteration.type}"))
    return replace(
        plan,
        columns=(*plan.columns[:index], column, *plan.columns[index + 1 :]),
        column_definitions=(*plan.column_definitions[:index], definition, *plan.column_definitions[index + 1 :]),
    )


def _require_unused(plan: MaterializeTable, column: str) -> None:
    index = _index(plan, column)
    others = plan.column_definitions[:index] + plan.column_definitions[index + 1 :]
    keys = [", ".join(key.columns) for key in plan.keys if column.lower() in {name.lower() for name in key.columns}]
    user = next((f"the key ({key})" for key in keys), None) or next(
        (text for text in (*plan.checks, *others) if mentions(text, column)), None
    )
    if user is not None:
        raise DependentObjects(
            f"column {column} of {plan.relation} cannot be dropped: {user} needs it",
            hint=f"DROP TABLE {plan.relation}, then create it anew",
        )


def _index(plan: MaterializeTable, column: str) -> int:
    return next(i for i, known in enumerate(plan.columns) if known.name.lower() == column.lower())


def _described(engine: DuckDbEngine, definition: str) -> str:
    """The type of a column as DuckDB writes it; its definition is tried out on the way."""
    engine.query(f"CREATE OR REPLACE TEMP TABLE mv_probe ({definition})")
    found = engine.describe("FROM mv_probe")
    engine.query("DROP TABLE mv_probe")
    return found[0].type


# -- what is stored ----------------------------------------------------------------------------------------------------


def _apply(transaction: Transaction, table: TableDefinition, plan: MaterializeTable, alteration: Alteration) -> None:
    engine, old = transaction.engine, table.plan
    transaction.database.store(engine).clear_staged_files([table.relation_id])
    with keeping_comments(engine, old.relation, plan.relation):
        engine.query(f"DROP VIEW {quote(transaction.database.name)}.{old.relation.sql}")
        for was, now in ((old.storage, plan.storage), (old.staging, plan.staging), (old.shadow, plan.shadow)):
            if was != now:
                engine.query(f"ALTER TABLE {was} RENAME TO {table_of(now)}")
            elif now != plan.staging:
                engine.query(f"ALTER TABLE {now} {_change_of(plan, alteration)}")
        clear_staging(engine, plan)
        create_visible_table(engine, plan)


def _change_of(plan: MaterializeTable, alteration: Alteration) -> str:
    column = quote(alteration.column)
    match alteration.kind:
        case AlterationKind.ADD_COLUMN:
            return f"ADD COLUMN {plan.column_definitions[-1]}"
        case AlterationKind.DROP_COLUMN:
            return f"DROP COLUMN {column}"
        case AlterationKind.RENAME_COLUMN:
            return f"RENAME COLUMN {column} TO {quote(alteration.new_name)}"
        case _:
            using = f" USING {alteration.using}" if alteration.using else ""
            return f"ALTER COLUMN {column} TYPE {alteration.type}{using}"


def _record(
    transaction: Transaction,
    table: TableDefinition,
    plan: MaterializeTable,
    alteration: Alteration,
    what: str,
) -> None:
    store = transaction.database.store(transaction.engine)
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=plan))
    store.redefine(
        Relation(
            relation_id=table.relation_id,
            name=plan.relation,
            kind=RelationKind.TABLE,
            is_refreshable=True,
            definition=plan.definition,
            storage_table=plan.storage,
            staging_table=plan.staging,
            shadow_table=plan.shadow,
            source=None,  # stays as it is
            strategy=None,
            reason=None,
            policy=None,
        ),
        fragment=StoredFragment(format=fragments.FORMAT, digest=fragments.digest(text), text=text),
        dependencies=(),
        event=alteration.kind.name,
        cause=what,
    )
    if alteration.kind not in (AlterationKind.RENAME_TABLE, AlterationKind.DROP_COLUMN):
        store.set_dirty([table.relation_id], True)
    transaction.ddl()
