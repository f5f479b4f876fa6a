"""CREATE TABLE … REFRESHABLE and CREATE MATERIALIZED VIEW: bind, store, build.

Outside a transaction a job is recorded first, in a transaction of its own, so that a build that is killed leaves a
trace which start-up finds and removes. Inside BEGIN … COMMIT everything belongs to that transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mvengine.errors import BindError, DuplicateRelation, ProgrammingError, UnknownOption, UnknownRelation
from mvengine.meta.records import Relation as StoredRelationRecord
from mvengine.meta.records import RelationKind as StoredKind
from mvengine.meta.records import StoredFragment
from mvengine.meta.states import JobEvent
from mvengine.planner import fragment as fragments
from mvengine.planner.logical import (
    ForeignKeyConstraint,
    KeyConstraint,
    Load,
    Materialize,
    MaterializeTable,
)
from mvengine.planner.options import redacted
from mvengine.planner.reader import RelationKind
from mvengine.planner.source import FileSource
from mvengine.refresh.definitions import create_table_storage, create_view_storage
from mvengine.refresh.graph import inputs_of_view
from mvengine.refresh.reader import reference
from mvengine.refresh.settings import current_settings
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Column, Columns, Name, quote
from mvengine.session import answer
from mvengine.sources import bind_files, infer_columns, open_source
from mvengine.sql.statements import (
    ColumnDef,
    CreateMaterializedView,
    CreateRefreshableTable,
    ForeignKey,
    Policy,
    RelationRef,
)
from mvengine.testing.faults import fault_point

if TYPE_CHECKING:
    from mvengine.session import Session

_STATE = "mv_state"


# -- refreshable tables ------------------------------------------------------------------------------------------------


def table(session: Session, statement: CreateRefreshableTable) -> None:
    """Declares a table over files. Loads nothing."""
    name = _new_name(session, statement.table, statement.if_not_exists)
    if name is None:
        answer.done(session)
        return
    plan = table_plan(session, statement, name)
    source = plan.input.source if isinstance(plan.input, Load) else None
    record = _record(name, StoredKind.TABLE, plan, is_refreshable=True, source=_described(source))

    def build(transaction: Transaction) -> None:
        create_table_storage(session.engine, plan)

    _create(session, record, plan, plan.interval_seconds, build)
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
        foreign_keys=tuple(_foreign_key(session, foreign) for foreign in statement.foreign_keys),
        ignore_conflicts=statement.ignore_conflicts,
        interval_seconds=bound.refresh_interval_sec,
        definition=statement.text,
    )


def storage_name(name: Name, suffix: str = "") -> str:
    """The quoted name of a relation's own table in the engine's schema."""
    return f"{_STATE}.{quote(str(name) + suffix)}"


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


def _foreign_key(session: Session, foreign: ForeignKey) -> ForeignKeyConstraint:
    ref = foreign.references
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    if relation is None or relation.kind not in (RelationKind.TABLE, RelationKind.REFRESHABLE):
        raise UnknownRelation(f"a foreign key refers to {reference(ref)}, which is no table", hint="create it first")
    columns = foreign.referenced_columns
    if not columns:
        known = session.reader.graph.tables.get(relation.name)
        columns = next((key.columns for key in known.plan.keys if key.is_primary), ()) if known else ()
    if len(columns) != len(foreign.columns):
        raise ProgrammingError(
            f"the foreign key ({', '.join(foreign.columns)}) has no matching key in {relation.name}",
            hint=f"write REFERENCES {reference(ref)} (column, …)",
        )
    return ForeignKeyConstraint(
        columns=foreign.columns,
        references=relation.name,
        referenced_storage=relation.storage,
        referenced_columns=columns,
    )


# -- materialized views ------------------------------------------------------------------------------------------------


def view(session: Session, statement: CreateMaterializedView) -> None:
    """Plans a view, fills it, and keeps it from then on."""
    name = _new_name(session, statement.view, statement.if_not_exists)
    if name is None:
        answer.done(session)
        return
    policy = policy_of(statement)
    transaction = session.transaction
    if transaction is not None and transaction.has_pending:
        transaction.flush()

    def plan() -> Materialize:
        return view_plan(session, statement, name, policy)

    first = plan()
    record = _record(name, StoredKind.MATERIALIZED_VIEW, first, is_refreshable=False, source=None)

    def build(_: Transaction) -> None:
        create_view_storage(session.engine, first)

    _create(session, record, first, None, build)
    answer.done(session)


def view_plan(session: Session, statement: CreateMaterializedView, name: Name, policy: Policy) -> Materialize:
    """The compiled plan of a view: what its fragment holds."""
    from mvengine.planner.binder import bind_view
    from mvengine.planner.compile import compile_view

    return compile_view(bound_view(session, statement, name, policy, bind_view))


def bound_view(
    session: Session,
    statement: CreateMaterializedView,
    name: Name,
    policy: Policy,
    bind_view: Callable[..., Materialize],
) -> Materialize:
    """The logical plan of a view."""
    try:
        return bind_view(
            relation=name,
            storage=storage_name(name),
            staging=storage_name(name, "$staging"),
            query=statement.query,
            column_names=statement.column_names,
            policy=policy,
            definition=statement.query,
            settings=current_settings(session.engine),
            reader=session.reader,
        )
    except ProgrammingError as error:
        _shift_position(error, statement)
        raise


def _shift_position(error: ProgrammingError, statement: CreateMaterializedView) -> None:
    """Positions in the query become positions in the statement."""
    from mvengine.errors import Position

    if error.position is None:
        return
    before = statement.text[: statement.query_offset]
    line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
    shifted = error.position.column + (column if error.position.line == 1 else 0)
    error.position = Position(line=error.position.line + line, column=shifted)


def policy_of(statement: CreateMaterializedView) -> Policy:
    """The view's policy; every other option is unknown."""
    policy = Policy.AUTO
    for option, value in statement.options:
        if option != "policy":
            raise UnknownOption(f"unknown option {option} of a materialized view", hint="known options: policy")
        try:
            policy = Policy(value.lower())
        except ValueError:
            raise ProgrammingError(
                f"policy = '{value}'", hint=f"policies are {', '.join(Policy)}", code="22023"
            ) from None
    return policy


# -- both --------------------------------------------------------------------------------------------------------------


def _new_name(session: Session, ref: RelationRef, if_not_exists: bool) -> Name | None:
    """The name for a new relation, or None if it exists and that is fine."""
    reader = session.reader
    place = reader.place()
    if ref.catalog is not None and ref.catalog != session.database.name:
        raise ProgrammingError(
            f"{reference(ref)} would be in another database", hint=f"create it in {session.database.name}"
        )
    name = Name(schema=ref.schema or place.schema, name=ref.name)
    if name.schema.startswith("mv_") or "$" in name.name or "#" in name.name or name.name.startswith("mv_"):
        raise ProgrammingError(
            f"the name {name} is reserved", hint="names and schemas must not begin with mv_, nor hold $ or #"
        )
    found = reader.resolve(None, name.schema, name.name)
    if found is None:
        return name
    if if_not_exists and found.name in reader.graph:
        return None
    raise DuplicateRelation(
        f"{name} exists already: it is a {found.kind}", hint="DROP it first, or choose another name"
    )


def _record(
    name: Name,
    kind: StoredKind,
    plan: Materialize | MaterializeTable,
    *,
    is_refreshable: bool,
    source: str | None,
) -> StoredRelationRecord:
    is_view = isinstance(plan, Materialize)
    return StoredRelationRecord(
        relation_id=0,
        name=name,
        kind=kind,
        is_refreshable=is_refreshable,
        definition=plan.definition,
        storage_table=plan.storage,
        staging_table=plan.staging,
        shadow_table=None if isinstance(plan, Materialize) else plan.shadow,
        source=source,
        strategy=plan.strategy.value if isinstance(plan, Materialize) else None,
        reason=plan.reason if isinstance(plan, Materialize) else None,
        policy=plan.policy if is_view and isinstance(plan, Materialize) else None,
    )


def _create(
    session: Session,
    record: StoredRelationRecord,
    plan: Materialize | MaterializeTable,
    interval_seconds: int | None,
    build: Callable[[Transaction], None],
) -> None:
    """Records the job, builds, and finishes it: in the open transaction, or in two of its own."""
    explicit = session.transaction
    transaction = explicit or session.own_transaction()
    inputs = tuple(inputs_of_view(plan)) if isinstance(plan, Materialize) else ()
    transaction.lock(f"CREATE {record.name}", inputs)
    job_id, relation_id = 0, 0
    try:
        if explicit is None:
            transaction.begin()
        transaction.require_fresh(inputs)
        relation_id, job_id = _announce(session, record, plan, inputs, interval_seconds)
        if explicit is None:
            session.engine.commit()
            fault_point("create.after_job")
            transaction.begin()
        build(transaction)
        session.database.store(session.engine).move_job(job_id, JobEvent.COMPLETE, "built")
        transaction.ddl()
        fault_point("create.before_commit")
        if explicit is None:
            transaction.commit()
    except BaseException as error:
        if explicit is None:
            session.engine.rollback()
            _forget(session, relation_id, error)
            transaction.rollback()
        raise


def _announce(
    session: Session,
    record: StoredRelationRecord,
    plan: Materialize | MaterializeTable,
    inputs: tuple[Name, ...],
    interval_seconds: int | None,
) -> tuple[int, int]:
    """Writes the relation, its fragment and its job, which is then CREATING."""
    from dataclasses import replace

    store = session.database.store(session.engine)
    relation_id = store.next_relation_id()
    text = fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=plan))
    stored = StoredFragment(format=fragments.FORMAT, digest=fragments.digest(text), text=text)
    store.add_relation(
        replace(record, relation_id=relation_id), fragment=stored, dependencies=inputs, epoch=session.database.epoch
    )
    if isinstance(plan, MaterializeTable):
        store.add_refresh(relation_id, record.name, interval_seconds)
    job = store.create_job(relation_id, record.name, record.kind, is_background=False)
    job = store.move_job(job.job_id, JobEvent.START, "CREATE", held=job)
    return relation_id, job.job_id


def _forget(session: Session, relation_id: int, error: BaseException) -> None:
    """Removes the trace of a build that failed."""
    if not relation_id:
        return
    session.engine.begin()
    session.database.store(session.engine).drop_relation(relation_id, f"the build failed: {error}")
    session.engine.commit()
