"""CREATE TABLE … REFRESHABLE: binds the source, infers or checks the columns, and declares the table. Loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvengine.errors import BindError, NotSupportedError, ProgrammingError, UnknownRelation
from mvengine.meta.records import RelationKind as StoredKind
from mvengine.meta.states import JobStatus
from mvengine.planner.logical import (
    ForeignKeyConstraint,
    KeyConstraint,
    Load,
    MaterializeTable,
)
from mvengine.planner.options import given_settings, redacted, without_secrets
from mvengine.planner.reader import RelationKind
from mvengine.planner.source import FileSource
from mvengine.refresh.definitions import create_table_storage
from mvengine.refresh.jobs import start_table
from mvengine.refresh.reader import reference
from mvengine.refresh.storage import storage_name
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Column, Columns, Name, quote
from mvengine.session import answer
from mvengine.sources import bind_files, infer_columns, open_source
from mvengine.sql.statements import (
    ColumnDef,
    CreateRefreshableTable,
    ForeignKey,
)

if TYPE_CHECKING:
    from mvengine.session import Session


from mvengine.session.create import create, new_name, record_of, require_no_transaction
from mvengine.session.jobs import answer_job


def table(session: Session, statement: CreateRefreshableTable) -> None:
    """Declares a table over files. Loads nothing."""
    name = new_name(session, statement.table, statement.if_not_exists)
    if name is None:
        answer.done(session)
        return
    plan = table_plan(session, statement, name)
    source = plan.input.source if isinstance(plan.input, Load) else None
    settings = given_settings(statement.options)
    record = record_of(name, StoredKind.TABLE, plan, is_refreshable=True, source=_described(source))

    if statement.is_background or session.background_ddl:
        require_no_transaction(session, name)
        answer_job(session, start_table(session.database, record, plan, settings), JobStatus.CREATING)
        return

    def build(transaction: Transaction) -> None:
        create_table_storage(session.engine, plan)
        session.database.store(session.engine).add_settings(name, settings)

    create(session, record, plan, build)
    answer.done(session)


def _described(source: FileSource | None) -> str | None:
    """A source as people read it, without secrets."""
    if source is None:
        return None
    shown = redacted(source)
    pattern = f" matching {shown.pattern}" if shown.pattern else ""
    return f"{shown.root}{pattern} ({shown.connector}, {shown.encoding})"


def table_plan(session: Session, statement: CreateRefreshableTable, name: Name) -> MaterializeTable:
    """The plan that the table's fragment holds. Errors name the option, column or file that is wrong."""
    bound = bind_files(statement.source, statement.options, statement.encoding, statement.encoding_options)
    definitions = statement.columns or _inferred(session, bound.source)
    columns = _typed_columns(session, definitions, statement)
    generated = {d.name.lower() for d in definitions if _is_generated(d)}
    _check_key_columns(name, statement, columns)
    primary = {column.lower() for column in statement.primary_key}
    keys = tuple(
        KeyConstraint(columns=key, is_primary=is_primary)
        for key, is_primary in ((statement.primary_key, True), *((key, False) for key in statement.unique_keys))
        if key
    )
    return MaterializeTable(
        input=Load(source=bound.source),
        relation=name,
        storage=storage_name(name),
        staging=storage_name(name, "$staging"),
        shadow=storage_name(name, "$shadow"),
        columns=columns,
        stored_columns=tuple(d.name for d in definitions if d.name.lower() not in generated),
        column_definitions=tuple(_definition(d, primary) for d in definitions),
        checks=statement.checks,
        keys=keys,
        foreign_keys=tuple(foreign_key(session, foreign) for foreign in statement.foreign_keys),
        ignore_conflicts=statement.ignore_conflicts,
        interval_seconds=bound.refresh_interval_sec,
        definition=without_secrets(statement.text, statement.options),
    )


def columns_of(session: Session, statement: CreateRefreshableTable, source: FileSource) -> Columns:
    """The columns that are declared, or those of the files, with their types as DuckDB writes them."""
    return _typed_columns(session, statement.columns or _inferred(session, source), statement)


def _inferred(session: Session, source: FileSource) -> tuple[ColumnDef, ...]:
    reader = open_source(source)
    found = infer_columns(session.engine, source, reader.list_splits(), reader)
    return tuple(ColumnDef(name=column.name, type=column.type, constraints="") for column in found)


def _is_generated(definition: ColumnDef) -> bool:
    text = definition.constraints.upper()
    return "GENERATED ALWAYS" in text or text.lstrip().startswith("AS ") or text.lstrip().startswith("AS(")


def _definition(definition: ColumnDef, primary: set[str]) -> str:
    not_null = (
        " NOT NULL" if definition.name.lower() in primary and "NOT NULL" not in definition.constraints.upper() else ""
    )
    return " ".join(p for p in (quote(definition.name), definition.type, definition.constraints) if p) + not_null


def _typed_columns(session: Session, definitions: tuple[ColumnDef, ...], statement: CreateRefreshableTable) -> Columns:
    """The columns with their types as DuckDB writes them; constraints and checks are tried out on the way."""
    reserved = next(
        (d.name for d in definitions if d.name.lower().startswith("_mv_") or d.name.lower() == "_file_id"), None
    )
    if reserved:
        raise ProgrammingError(f"the column name {reserved} is reserved", hint="choose a name that does not begin so")
    collated = next((d.name for d in definitions if "COLLATE" in f"{d.type} {d.constraints}".upper()), None)
    if collated:
        raise NotSupportedError(
            f"a collation on column {collated}: a refresh would not see changes between texts that it calls equal",
            hint="leave COLLATE out, and compare lower(x) where it matters",
        )
    listed = ", ".join(_definition(d, set()) for d in definitions)
    checks = "".join(f", CHECK ({check})" for check in statement.checks)
    probe = "mv_probe"
    session.engine.query(f"CREATE OR REPLACE TEMP TABLE {probe} ({listed}{checks})")
    found = session.engine.describe(f"FROM {probe}")
    session.engine.query(f"DROP TABLE {probe}")
    return tuple(Column(name=d.name, type=c.type) for d, c in zip(definitions, found, strict=True))


def _check_key_columns(name: Name, statement: CreateRefreshableTable, columns: Columns) -> None:
    known = {column.name.lower() for column in columns}
    for key in (statement.primary_key, *statement.unique_keys, *(f.columns for f in statement.foreign_keys)):
        for column in key:
            if column.lower() not in known:
                raise BindError(
                    f"the key column {column} is no column of {name}",
                    hint=f"columns are {', '.join(c.name for c in columns)}",
                )


def foreign_key(session: Session, foreign: ForeignKey) -> ForeignKeyConstraint:
    ref = foreign.references
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    if relation is None or relation.kind not in (RelationKind.TABLE, RelationKind.REFRESHABLE):
        raise UnknownRelation(f"a foreign key refers to {reference(ref)}, which is no table", hint="create it first")
    columns = foreign.referenced_columns
    if not columns:
        known = session.reader.graph.tables.get(relation.name)
        columns = known.plan.primary_key if known else ()
    if len(columns) != len(foreign.columns):
        raise ProgrammingError(
            f"the foreign key ({', '.join(foreign.columns)}) has no matching key in {relation.name}",
            hint=f"write REFERENCES {reference(ref)} (column, …)",
        )
    known_columns = {column.name.lower() for column in relation.columns}
    if missing := next((column for column in columns if column.lower() not in known_columns), None):
        raise BindError(
            f"a foreign key refers to {reference(ref)} ({missing}), which has no such column",
            hint=f"columns are {', '.join(column.name for column in relation.columns)}",
        )
    return ForeignKeyConstraint(
        columns=foreign.columns,
        references=relation.name,
        referenced_storage=relation.storage,
        referenced_columns=columns,
    )
