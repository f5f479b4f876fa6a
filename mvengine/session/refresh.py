"""REFRESH TABLE, REFRESH ALL, REFRESH MATERIALIZED VIEW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mvengine.errors import ProgrammingError, WrongObject
from mvengine.meta.states import PlanStatus
from mvengine.planner.clock import CLOCK
from mvengine.planner.reader import RelationKind
from mvengine.refresh.clock import is_reached
from mvengine.refresh.foreign import restore_table
from mvengine.refresh.graph import TableDefinition, ViewDefinition
from mvengine.refresh.reader import reference
from mvengine.refresh.run import operations
from mvengine.refresh.run.execution import RefreshResult
from mvengine.refresh.run.operations import Started
from mvengine.refresh.run.reporter import OnProgress
from mvengine.refresh.suspension import left_behind
from mvengine.refresh.transaction import Transaction
from mvengine.refresh.verify import ViewDiffers, mark_wrong, verify_maintained
from mvengine.refresh.view_refresh import ViewResult, ViewsRefreshed, behind, refresh_views
from mvengine.schema import Column, Name
from mvengine.session import answer
from mvengine.session.lookup import unknown_relation
from mvengine.sql.statements import RefreshTable, RefreshView, RelationRef

if TYPE_CHECKING:
    from mvengine.session import Session

COLUMNS = (
    Column(name="table_name", type="VARCHAR"),
    Column(name="epoch", type="BIGINT"),
    Column(name="files_read", type="BIGINT"),
    Column(name="files_skipped", type="BIGINT"),
    Column(name="rows_inserted", type="BIGINT"),
    Column(name="rows_updated", type="BIGINT"),
    Column(name="rows_deleted", type="BIGINT"),
    Column(name="seconds", type="DOUBLE"),
)
REFRESH_COLUMNS = (Column(name="refresh_id", type="BIGINT"), Column(name="status", type="VARCHAR"))


def require_no_transaction(session: Session, what: str) -> None:
    """A refresh has transactions of its own, and so has whatever steers one."""
    if session.transaction is not None:
        raise ProgrammingError(
            f"{what} inside BEGIN … COMMIT: a refresh is a transaction of its own", hint="COMMIT first", code="25001"
        )


def run(session: Session, statement: RefreshTable | RefreshView) -> None:
    """Refreshes, and answers with a row per table; in the background, with the refresh's number and state."""
    require_no_transaction(session, "REFRESH")
    if isinstance(statement, RefreshView):
        _refresh_views(session, statement)
        return
    started = start(session, statement, trigger="background" if statement.is_background else "statement")
    if statement.is_background:
        rows = [(started.plan_id, started.status)] if started.plan_id is not None else []
        answer.answer(session, REFRESH_COLUMNS, rows)
    else:
        _answer(session, started.results)


def start(session: Session, statement: RefreshTable, *, trigger: str, on_progress: OnProgress | None = None) -> Started:
    """Starts a refresh of the statement's tables, or of all; in the foreground it is over then, and what is not
    tracked is derived anew. Errors: those of ``operations.start``, and of names that are not of refreshable tables."""
    require_no_transaction(session, "REFRESH")
    tables = [table_of(session, ref) for ref in statement.tables]
    if not statement.tables:
        tables = list(session.database.graph.tables.values())
    started = Started(plan_id=None, status=PlanStatus.COMPLETED, results=())
    _restore(session, tables)
    if tables:
        with session.stoppable() as control:
            started = operations.start(
                session.database,
                _once(tables),
                reads_all=statement.full,
                is_verified=statement.is_verified,
                is_background=statement.is_background,
                queue=statement.is_queued,
                trigger=trigger,
                on_progress=on_progress,
                control=control,
            )
    if statement.tables and not statement.is_background:
        _derive_unsettled(session, [table.name for table in tables])
    if not statement.tables:
        _bring_up_to_date(session, is_verified=statement.is_verified)
    return started


def _restore(session: Session, tables: Sequence[TableDefinition]) -> None:
    """Before tables are loaded again that another program has changed: those that it has dropped or altered are made
    again, empty; others lose rows that are of no file."""
    unsettled = session.database.store(session.engine).unsettled_tables()
    for table in tables:
        if table.relation_id in unsettled:
            transaction = session.own_transaction()
            transaction.lock(f"restoring {table.name}")
            try:
                transaction.begin()
                restore_table(session.engine, session.database.store(session.engine), table)
                transaction.commit()
            finally:
                if not transaction.is_committed:
                    transaction.rollback()


def _derive_unsettled(session: Session, names: Sequence[Name]) -> None:
    """Views above these, that another program's change concerns, are derived again."""
    unsettled = session.database.store(session.engine).unsettled_views()
    above = session.database.graph.downstream(names) if unsettled else ()
    wanted = [view.name for view in above if view.relation_id in unsettled]
    if wanted:
        session.require_unhidden(session.database.graph)
        cause = "REFRESH of " + ", ".join(map(str, names))
        refresh_views(session.own_transaction, wanted, cause, derives=True)


def _once(tables: Sequence[TableDefinition]) -> tuple[TableDefinition, ...]:
    return tuple({table.name: table for table in tables}.values())


def _answer(session: Session, results: Sequence[RefreshResult]) -> None:
    rows = [[getattr(result, column.name) for column in COLUMNS] for result in results]
    answer.answer(session, COLUMNS, rows)


def table_of(session: Session, ref: RelationRef, verb: str = "REFRESH") -> TableDefinition:
    """The refreshable table of this name, for a statement that begins with ``verb``. Errors: UnknownRelation, and
    WrongObject, which says what the name is instead."""
    relation = session.targets.resolve(session, session.reader.graph, ref)
    if relation is None:
        raise unknown_relation(session, ref, "table")
    table = session.reader.graph.tables.get(relation.name)
    if relation.kind is not RelationKind.REFRESHABLE or table is None:
        hint = f"use {verb} MATERIALIZED VIEW" if relation.kind is RelationKind.MATERIALIZED_VIEW else None
        raise WrongObject(
            f"{reference(ref)} is not refreshable: it is a {relation.kind}",
            hint=hint or "only tables created with REFRESHABLE, or with a batch connector, have a source",
        )
    return table


def view_of(session: Session, ref: RelationRef, verb: str = "REFRESH") -> ViewDefinition:
    """The materialized view of this name; as ``table_of``."""
    relation = session.targets.resolve(session, session.reader.graph, ref)
    if relation is None:
        raise unknown_relation(session, ref, "materialized view")
    view = session.reader.graph.views.get(relation.name)
    if view is None:
        raise WrongObject(
            f"{reference(ref)} is not a materialized view: it is a {relation.kind}",
            hint=f"use {verb} TABLE" if relation.kind is RelationKind.REFRESHABLE else "check the name",
        )
    return view


def _refresh_views(session: Session, statement: RefreshView) -> None:
    """Brings views up to date that do not follow at commit, with what they need for it, and answers with a row for
    each. Errors: as of ``refresh_views``; DataError where one that is named is suspended: the others are published.
    """
    views = tuple({view.name: view for ref in statement.views for view in [view_of(session, ref)]}.values())
    names = [view.name for view in views]
    cause = "REFRESH MATERIALIZED VIEW " + ", ".join(map(str, names))
    refreshed = _refreshed(session, names, cause, derives=statement.full, is_verified=statement.is_verified)
    for failure in refreshed.suspended:
        if failure.view.name in names:
            raise left_behind(failure)
    _derive_unsettled(session, names)
    _answer(session, [_result(result, refreshed.epoch) for result in refreshed.results])


def _result(result: ViewResult, epoch: int) -> RefreshResult:
    return RefreshResult(
        table_name=str(result.name),
        epoch=epoch,
        files_read=0,
        files_skipped=0,
        rows_inserted=result.inserted,
        rows_updated=result.touched,
        rows_deleted=result.deleted,
        seconds=result.seconds,
    )


def _refreshed(
    session: Session, names: Sequence[Name], cause: str, *, derives: bool, is_verified: bool
) -> ViewsRefreshed:
    """``refresh_views``; with VERIFY, a view that is found wrong before publishing is marked. Errors: ViewDiffers."""

    def new_transaction() -> Transaction:
        transaction = session.own_transaction()
        if is_verified:
            transaction.before_publish = verify_maintained
        return transaction

    try:
        return refresh_views(new_transaction, names, cause, derives=derives)
    except ViewDiffers as error:
        mark_wrong(session.database, session.engine, error.view, error.failure)
        raise


def _bring_up_to_date(session: Session, *, is_verified: bool) -> None:
    """REFRESH ALL is of views too that a commit does not bring up to date."""
    graph = session.database.graph
    names = behind(graph)
    if not is_reached(graph, graph.tables):  # else the refresh of the tables has moved it
        names = tuple(dict.fromkeys([*names, *(view.name for view in graph.consumers.get(CLOCK, ()))]))
    if names:
        session.require_unhidden(session.database.graph)
        _refreshed(session, names, "REFRESH ALL", derives=False, is_verified=is_verified)
