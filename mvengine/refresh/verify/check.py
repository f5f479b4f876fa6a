"""One view against its query, and each of its stages' states against what it is derived from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from time import perf_counter

from mvengine.engines.base import Engine, Parameters, Rows
from mvengine.engines.duckdb import DuckDbEngine
from mvengine.engines.trace import step
from mvengine.planner.clock import CLOCK, on_clock
from mvengine.planner.delta.visible import top_read
from mvengine.planner.emit.select import select
from mvengine.planner.logical import BagStage, FullStage, MatchStage, TopStage
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.settings import settings_of
from mvengine.refresh.stages import StageRun, StoredStage, create_stage, runs_of
from mvengine.refresh.verify.compare import Comparison, compare
from mvengine.schema import Columns, quote


class Verdict(StrEnum):
    EQUAL = "equal"
    WRONG = "wrong"
    UNDETERMINED = "undetermined"  # it differs, but its query does not say which rows are right
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found of a view: of its visible rows, or where ``stage`` is named, of that stage's state."""

    view: ViewDefinition
    stage: str | None
    comparison: Comparison | None  # None: not compared
    verdict: Verdict
    reason: str  # why it is not equal
    milliseconds: float


def query_of(view: ViewDefinition) -> str:
    """What the view's rows should be, under the names of its columns; to be read under its settings."""
    names = ", ".join(quote(column.name) for column in view.plan.columns)
    query = on_clock(view.plan.definition) if CLOCK in view.inputs else view.plan.definition
    return f"SELECT * FROM (\n{query}\n) AS query({names})"


def check_view(engine: DuckDbEngine, view: ViewDefinition, *, examples_max: int = 1) -> Iterator[Finding]:
    """Reads the view, its states and its inputs in the transaction of ``engine``: first the visible rows, then the
    states that are not seen in them, of which only the wrong ones are told. Errors: those of the view's query."""
    started = perf_counter()
    with step(f"verify {view.name}"), settings_of(engine, view.plan.settings):
        visible = compare(
            engine,
            stored=view.name.sql,
            derived=f"({query_of(view)})",
            columns=view.plan.columns,
            examples_max=examples_max,
        )
        verdict, reason = _judge(view, visible)
        states = list(_wrong_states(engine, view, examples_max))
    milliseconds = (perf_counter() - started) * 1000
    yield Finding(view=view, stage=None, comparison=visible, verdict=verdict, reason=reason, milliseconds=milliseconds)
    for stage, comparison in states:
        yield Finding(
            view=view,
            stage=stage,
            comparison=comparison,
            verdict=Verdict.WRONG,
            reason=f"the state of stage {stage} differs from what it is derived from",
            milliseconds=milliseconds,
        )


def not_compared(view: ViewDefinition, reason: str) -> Finding:
    """What is told of a view that has not followed all changes of its inputs: it cannot be expected to be equal."""
    return Finding(
        view=view, stage=None, comparison=None, verdict=Verdict.NOT_COMPARED, reason=reason, milliseconds=0.0
    )


def _judge(view: ViewDefinition, found: Comparison) -> tuple[Verdict, str]:
    if found.is_equal:
        return Verdict.EQUAL, ""
    if any(isinstance(stage, FullStage) and not stage.is_tracked for stage in view.maintenance.stages):
        return Verdict.UNDETERMINED, f"its rows are those of its last refresh; {view.plan.reason}"
    if found.is_of_twins and not all(isinstance(stage, BagStage | MatchStage) for stage in view.maintenance.stages):
        return Verdict.UNDETERMINED, "its query does not determine which of several equal values it shows"
    from mvengine.planner.undetermined import undetermined_by

    construct = undetermined_by(view.plan.definition)
    if construct is not None and found.missing == found.unexpected:  # it is not the number of rows that is left open
        return Verdict.UNDETERMINED, f"its query does not determine its rows: {construct}"
    return Verdict.WRONG, "it differs from its query"


def _wrong_states(engine: DuckDbEngine, view: ViewDefinition, examples_max: int) -> Iterator[tuple[str, Comparison]]:
    """Stages whose stored state differs from one that is derived anew from their inputs. Where a stage stores nothing
    but the rows that are seen, these have been compared."""
    for run in runs_of(view.maintenance):
        if not isinstance(run.stage, StoredStage):
            continue
        columns = engine.describe(f"FROM {run.stage.storage}")
        if run.stage is view.maintenance.stages[-1] and _names(columns) == _names(view.plan.columns):
            continue
        found = _check_state(engine, run, run.stage, columns, examples_max)
        if _judge(view, found)[0] is Verdict.WRONG:
            yield run.stage.name, found


def _check_state(
    engine: DuckDbEngine, run: StageRun, stage: StoredStage, columns: Columns, examples_max: int
) -> Comparison:
    fresh = quote(f"mv_verify_{stage.name}")
    elsewhere = replace(stage, storage=fresh)
    create_stage(_Temporary(engine), replace(run, stage=elsewhere), {column.name: column.type for column in columns})
    stored, derived = stage.storage, fresh
    if isinstance(stage, TopStage):  # how many more rows it keeps than are shown depends on what it has seen
        reads = (top_read(of, "rows") for of in (stage, replace(stage, storage=fresh)))
        stored, derived = (f"({select(read, weighted=False)})" for read in reads)
        columns = engine.describe(stored)
    found = compare(engine, stored=stored, derived=derived, columns=columns, examples_max=examples_max)
    engine.query(f"DROP TABLE {fresh}")
    return found


def _names(columns: Columns) -> list[str]:
    return [column.name for column in columns]


class _Temporary(Engine):
    """An engine whose CREATE TABLE makes temporary tables: the user's file is only read."""

    def __init__(self, engine: DuckDbEngine) -> None:
        self.engine = engine
        self.capabilities = engine.capabilities

    def query(self, sql: str, parameters: Parameters = None) -> Rows:
        return self.engine.query(sql.replace("CREATE TABLE", "CREATE TEMP TABLE", 1), parameters)

    def begin(self) -> None:
        self.engine.begin()

    def commit(self) -> None:
        self.engine.commit()

    def rollback(self) -> None:
        self.engine.rollback()
