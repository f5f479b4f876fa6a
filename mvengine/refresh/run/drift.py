"""Files that have other columns than their table (schema drift), by the table's ``on_schema_change``:

    ignore        columns that the table does not have are left out; values are cast to the table's types
    fail          a column that the table does not have, or a wider type, fails the refresh before anything is loaded
    add_columns   the table gets the column; a column that a file does not have is NULL, or has its default
    widen         and a column with a wider type in a Parquet file gets that; views that use it are built anew

The files that are to be loaded are looked at: Parquet tells types, in CSV and JSON new columns are sampled. A table is
altered in a transaction of its own, before the refresh begins; the refresh then reads all its files.
Words: dbt's ``on_schema_change``, Delta Lake's ``mergeSchema``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error, LoadError
from mvengine.planner.logical import Load
from mvengine.planner.source import Encoding, FileSource
from mvengine.refresh.database import Database
from mvengine.refresh.graph import TableDefinition
from mvengine.refresh.plan.files import FAIL, IGNORE, WIDEN, TableTask
from mvengine.refresh.redefine.columns import add_column, change_type
from mvengine.refresh.redefine.table import alter
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Column, Name, quote
from mvengine.sources import infer_columns, open_source
from mvengine.sql.statements import Alteration, AlterationKind

_WHAT = "on_schema_change"
_ALTERED = "ALTER TABLE {table} SET (on_schema_change = '{policy}')"
_EXACT_IN = {  # whole numbers that floating-point ones hold; a DECIMAL none does
    "FLOAT": frozenset({"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT"}),
    "DOUBLE": frozenset({"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "FLOAT"}),
}


@dataclass(frozen=True, kw_only=True)
class Followed:
    """Which tables were altered, if any were, and those that cannot be refreshed: by relation id, why."""

    is_altered: bool
    failures: dict[int, Error]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a file asks for: a column that the table does not have (``held`` is None), or another type of one."""

    column: Column
    held: Column | None
    path: str


def follow_files(database: Database, engine: DuckDbEngine, found: Iterable[TableTask | Error]) -> Followed:
    """Lets tables follow what their files have. ``engine`` is in no transaction."""
    failures: dict[int, Error] = {}
    is_altered = False
    for task in found:
        if isinstance(task, Error) or task.on_schema_change == IGNORE:
            continue
        try:
            changes = _changes(engine, task)
            if changes and task.on_schema_change == FAIL:
                raise _refusal(task, changes[0])
            if changes:
                _follow(database, engine, task.table, changes)
                is_altered = True
        except Error as error:
            failures[task.table.relation_id] = error
    return Followed(is_altered=is_altered, failures=failures)


def _changes(engine: DuckDbEngine, task: TableTask) -> tuple[Change, ...]:
    """What the files ask for, each column once. Errors: LoadError where types have nothing in common."""
    plan = task.table.plan
    assert isinstance(plan.input, Load)
    source = plan.input.source
    if not _has_names(source):
        return ()
    reader = open_source(source)
    held = {column.name.lower(): column for column in plan.columns}
    stored = {name.lower() for name in plan.stored_columns}
    wanted: dict[str, Change] = {}
    for split in [load.split for load in task.loads if not load.is_staged and load.split.size > 0]:
        for column in infer_columns(engine, source, (split,), reader):
            key = column.name.lower()
            known = held.get(key)
            if known is not None and (key not in stored or not _tells_types(source, task)):
                continue
            before = wanted[key].column if key in wanted else known
            type_ = column.type if before is None else _common(engine, before.type, column.type)
            if type_ is None:
                assert before is not None
                raise LoadError(
                    f"column {column.name} is {column.type}, and no type holds that and {before.type}",
                    path=split.path,
                    hint=_ALTERED.format(table=plan.relation, policy=IGNORE) + " casts to the table's type",
                )
            if known is None or type_ != known.type:
                name = known.name if known else column.name
                wanted[key] = Change(column=Column(name=name, type=type_), held=known, path=split.path)
    return tuple(wanted.values())


def _has_names(source: FileSource) -> bool:
    return source.encoding is not Encoding.CSV or ("header", "false") not in source.options


def _tells_types(source: FileSource, task: TableTask) -> bool:
    return source.encoding is Encoding.PARQUET and task.on_schema_change in (FAIL, WIDEN)


def _common(engine: DuckDbEngine, held: str, found: str) -> str | None:
    """The type that holds the values of both, as DuckDB finds it for a list of them; None where there is none, or where
    it would not hold them exactly."""
    if held == found:
        return held
    try:
        type_ = engine.describe(f"SELECT unnest([CAST(NULL AS {held}), CAST(NULL AS {found})]) AS x")[0].type
    except Error:
        return None
    exact = _EXACT_IN.get(type_)
    return type_ if exact is None or {held, found} <= exact | {type_} else None


def _refusal(task: TableTask, change: Change) -> LoadError:
    table, column = task.table.name, change.column
    if change.held is None:
        return LoadError(
            f"{table} has no column {column.name} ({column.type})",
            path=change.path,
            hint=f"ALTER TABLE {table} ADD COLUMN {quote(column.name)} {column.type}, or "
            + _ALTERED.format(table=table, policy="add_columns"),
        )
    return LoadError(
        f"column {column.name} needs {column.type}, and is {change.held.type} in {table}",
        path=change.path,
        hint=f"ALTER TABLE {table} ALTER COLUMN {quote(column.name)} TYPE {column.type}, or "
        + _ALTERED.format(table=table, policy=WIDEN),
    )


def _follow(database: Database, engine: DuckDbEngine, table: TableDefinition, changes: tuple[Change, ...]) -> None:
    """Alters the table and what reads it, in one transaction. Errors: LockTimeout; those of ALTER TABLE."""
    transaction = Transaction(database, engine, is_explicit=False)
    transaction.lock(f"{_WHAT} of {table.name}")
    try:
        transaction.begin()
        for change in changes:
            _alter(transaction, table.name, change)
        transaction.commit()
    except BaseException:
        if not transaction.is_committed:
            transaction.rollback()
        raise


def _alter(transaction: Transaction, name: Name, change: Change) -> None:
    table, column = transaction.graph.tables[name], change.column
    what = f"{_WHAT}: {change.path} has {column.name} {column.type}"
    kind = AlterationKind.ADD_COLUMN if change.held is None else AlterationKind.CHANGE_TYPE
    alteration = Alteration(kind=kind, column=column.name, type=column.type)

    def carry_out() -> None:
        alter(transaction, table, alteration, what)

    if change.held is None:
        add_column(transaction, name, table.plan.columns, column.name, carry_out, what)
    else:
        change_type(transaction, name, column.name, carry_out, what, cascade=True)
