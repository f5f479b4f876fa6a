"""REFRESH TABLE, REFRESH ALL, REFRESH MATERIALIZED VIEW."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from mvengine.errors import ProgrammingError, UnknownRelation, WrongObject
from mvengine.meta.records import Maintenance, MaintenanceMode
from mvengine.meta.states import PlanStatus
from mvengine.planner.logical import FullStage
from mvengine.planner.reader import RelationKind
from mvengine.refresh.graph import TableDefinition, ViewDefinition
from mvengine.refresh.maintain import rebuild
from mvengine.refresh.reader import reference
from mvengine.refresh.run import operations
from mvengine.refresh.run.execution import RefreshResult
from mvengine.refresh.run.operations import Started
from mvengine.refresh.run.reporter import OnProgress
from mvengine.refresh.settings import settings_of
from mvengine.schema import Column
from mvengine.session import answer
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
        _refresh_view(session, statement)
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
    if tables:
        with session.stoppable() as control:
            started = operations.start(
                session.database,
                _once(tables),
                reads_all=statement.full,
                is_background=statement.is_background,
                queue=statement.is_queued,
                trigger=trigger,
                on_progress=on_progress,
                control=control,
            )
    if not statement.tables:
        _recompute_untracked(session)
    return started


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
        raise UnknownRelation(
            f"there is no table {reference(ref)}", hint="SELECT name FROM mv_catalog.tables lists what there is"
        )
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
        raise UnknownRelation(
            f"there is no materialized view {reference(ref)}",
            hint="SELECT name FROM mv_catalog.materialized_views lists what there is",
        )
    view = session.reader.graph.views.get(relation.name)
    if view is None:
        raise WrongObject(
            f"{reference(ref)} is not a materialized view: it is a {relation.kind}",
            hint=f"use {verb} TABLE" if relation.kind is RelationKind.REFRESHABLE else "check the name",
        )
    return view


def _refresh_view(session: Session, statement: RefreshView) -> None:
    """Views follow at every commit, so there is something to do only for what is derived anew: FULL, and views over
    what is not tracked (files, random functions)."""
    view = view_of(session, statement.view)
    started = perf_counter()
    inserted = deleted = 0
    if statement.full or _is_untracked(view):
        inserted, deleted = _rebuild(session, [view])
    result = RefreshResult(
        table_name=str(view.name),
        epoch=session.database.epoch,
        files_read=0,
        files_skipped=0,
        rows_inserted=inserted,
        rows_updated=0,
        rows_deleted=deleted,
        seconds=perf_counter() - started,
    )
    _answer(session, (result,))


def _is_untracked(view: ViewDefinition) -> bool:
    """Whether its rows can change although no table has."""
    return any(isinstance(stage, FullStage) and not stage.is_tracked for stage in view.maintenance.stages)


def _recompute_untracked(session: Session) -> None:
    """REFRESH ALL brings those up to date too whose inputs nobody watches."""
    views = [view for view in session.database.graph.views.values() if _is_untracked(view)]
    if views:
        _rebuild(session, views)


def _rebuild(session: Session, views: Sequence[ViewDefinition]) -> tuple[int, int]:
    """Derives views again in one epoch; views downstream follow by difference. Returns what rows came to the last one
    and what rows left it. Where nothing differs there is no epoch."""
    transaction = session.own_transaction()
    session.require_unhidden(session.database.graph)
    transaction.lock("REFRESH MATERIALIZED VIEW " + ", ".join(str(view.name) for view in views))
    inserted = deleted = 0
    try:
        transaction.begin()
        for view in views:
            started = perf_counter()
            with settings_of(session.engine, view.plan.settings):
                is_wanted = view.name in transaction.graph.consumers
                inserted, deleted = rebuild(session.engine, view, is_wanted=is_wanted)
            rows = inserted + deleted
            transaction.touch(view.name, rows, f"REFRESH MATERIALIZED VIEW {view.name}")
            transaction.note(
                Maintenance(
                    relation_id=view.relation_id,
                    name=view.name,
                    epoch=transaction.epoch,
                    strategy=view.plan.strategy.value,
                    mode=MaintenanceMode.FULL,
                    reason="REFRESH MATERIALIZED VIEW",
                    delta_rows=0,
                    output_rows=rows,
                    ms=(perf_counter() - started) * 1000,
                )
            )
        transaction.commit()
    except BaseException:
        transaction.rollback()
        raise
    return inserted, deleted
