"""EXPLAIN of our own: every stage of a statement's way, every field of every node; and what a refresh would do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mvengine.errors import Error, ProgrammingError
from mvengine.planner import fragment as fragments
from mvengine.planner.delta import delta, inputs_of
from mvengine.planner.explain import explain
from mvengine.planner.logical import (
    BagStage,
    FullStage,
    GroupStage,
    Load,
    Maintenance,
    Materialize,
    MaterializeTable,
)
from mvengine.planner.maintenance_sql import maintenance_sql
from mvengine.planner.node import Node
from mvengine.planner.options import redacted, without_secrets
from mvengine.refresh.run.listing import plan_refresh
from mvengine.schema import Column, Name
from mvengine.session import answer, create_table, create_view, explain_analyze, explain_view
from mvengine.session.refresh import table_of, view_of
from mvengine.sql.classify import parse
from mvengine.sql.statements import (
    CreateMaterializedView,
    CreateRefreshableTable,
    Explain,
    ExplainAnalyze,
    ExplainCreate,
    ExplainRefresh,
    ExplainStage,
    ExplainView,
    Statement,
)

if TYPE_CHECKING:
    from mvengine.session import Session

_TASK_COLUMNS = (
    Column(name="table_name", type="VARCHAR"),
    Column(name="action", type="VARCHAR"),
    Column(name="path", type="VARCHAR"),
    Column(name="bytes", type="BIGINT"),
)


def run(session: Session, statement: Explain | ExplainView | ExplainCreate | ExplainAnalyze | ExplainRefresh) -> None:
    """A column ``explain`` with a line a row; EXPLAIN REFRESH gives a row per file."""
    match statement:
        case Explain():
            with _positions_after(statement.before):
                (inner,) = parse(statement.statement, session.engine.extract)
                shown = _stage(session, inner, statement.stage)
            answer.text(session, "explain", shown.splitlines())
        case ExplainView():
            explain_view.view(session, view_of(session, statement.view, "EXPLAIN"))
        case ExplainCreate():
            with _positions_after(statement.before):
                (inner,) = parse(statement.statement, session.engine.extract)
                assert isinstance(inner, CreateMaterializedView)
                name = Name(schema=inner.view.schema or session.reader.place().schema, name=inner.view.name)
                plan = create_view.view_plan(session, inner, name, create_view.options_of(inner))
            explain_view.planned(session, plan)
        case ExplainAnalyze():
            explain_analyze.run(session, statement)
        case ExplainRefresh():
            _refresh(session, statement)


@contextmanager
def _positions_after(text: str) -> Iterator[None]:
    """Errors of the explained statement, with positions in the whole."""
    try:
        yield
    except Error as error:
        if error.position is not None:
            error.position = error.position.after(text)
        raise


def _stage(session: Session, statement: Statement, stage: ExplainStage) -> str:
    if stage is ExplainStage.PARSED:
        return _parsed(statement)
    if isinstance(statement, CreateRefreshableTable):
        return _table_stage(session, statement, stage)
    if not isinstance(statement, CreateMaterializedView):
        raise ProgrammingError(
            f"EXPLAIN ({stage}) is for CREATE MATERIALIZED VIEW and CREATE TABLE … REFRESHABLE",
            hint="EXPLAIN (PARSED) shows any statement, plain EXPLAIN the plan of a query",
        )
    from mvengine.planner.binder import bind_view
    from mvengine.planner.rules import optimize

    name = Name(schema=statement.view.schema or session.reader.place().schema, name=statement.view.name)
    options = create_view.options_of(statement)
    if stage in (ExplainStage.LOGICAL, ExplainStage.OPTIMIZED):
        bound: Node = create_view.bound_view(session, statement, name, options, bind_view)
        return explain(bound if stage is ExplainStage.LOGICAL else optimize(bound))
    plan = create_view.view_plan(session, statement, name, options)
    if stage is ExplainStage.FRAGMENT:
        return fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=plan))
    return _delta(plan) if stage is ExplainStage.DELTA else maintenance_sql(plan)


def _table_stage(session: Session, statement: CreateRefreshableTable, stage: ExplainStage) -> str:
    name = Name(schema=statement.table.schema or session.reader.place().schema, name=statement.table.name)
    plan = _shown(create_table.table_plan(session, statement, name))
    if stage is ExplainStage.FRAGMENT:
        return fragments.dumps(fragments.Fragment(format=fragments.FORMAT, root=plan))
    return explain(plan)


def _shown(plan: MaterializeTable) -> MaterializeTable:
    """The plan as it may be shown."""
    assert isinstance(plan.input, Load)
    return replace(plan, input=Load(source=redacted(plan.input.source)))


def _parsed(statement: Statement) -> str:
    lines = [type(statement).__name__]
    lines += [f"  {name} = {value!r}" for name, value in vars(statement).items()]
    options = statement.options if isinstance(statement, CreateRefreshableTable) else ()
    return without_secrets("\n".join(lines), options)


def _stages(plan: Materialize) -> tuple[GroupStage | BagStage | FullStage, ...]:
    assert isinstance(plan.input, Maintenance)
    return tuple(s for s in plan.input.stages if isinstance(s, GroupStage | BagStage | FullStage))


def _delta(plan: Materialize) -> str:
    """The maintenance plan, and the terms of each stage's change when every input has changed."""
    lines = [explain(plan)]
    for stage in _stages(plan):
        if isinstance(stage, FullStage):
            continue
        changed = inputs_of(stage.input)
        for number, term in enumerate(delta(stage.input, changed), 1):
            lines.append(f"change of {stage.name}, term {number}:")
            lines.extend("  " + line for line in explain(term).splitlines())
    return "\n".join(lines)


def _refresh(session: Session, statement: ExplainRefresh) -> None:
    tables = [table_of(session, ref) for ref in statement.tables]
    rows: list[tuple[str, str, str, int]] = []
    for task in plan_refresh(session.database, session.engine, tables, reads_all=False):
        name = str(task.table.name)
        for load in task.loads:
            action = "staged already" if load.is_staged else "read"
            rows.append((name, action, load.split.path, load.split.size))
        rows.extend((name, "remove", row.path, row.size) for row in task.removed)
        rows.extend((name, "skip: unchanged", row.path, row.size) for row in task.kept)
    answer.answer(session, _TASK_COLUMNS, rows)
