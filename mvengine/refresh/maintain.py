"""Maintains every view that a set of changes reaches, in one transaction, in the order of the graph.

The changes of tables stand in temporary tables ``mv_delta_<relation>`` (columns that views read, and a weight). Each
view's own change, consolidated, is made only if somebody reads it, and goes where the changes of tables go; so a change
that cancels stops there, and a diamond reads one state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.engines.trace import step
from mvengine.meta.records import Maintenance as MaintenanceRecord
from mvengine.meta.records import MaintenanceMode, MaintenanceRun
from mvengine.planner.delta import delta_name, inputs_of
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit import bag
from mvengine.planner.emit.select import select
from mvengine.planner.logical import (
    FullStage,
    GroupStage,
    Maintenance,
    Materialize,
    PartitionStage,
    RecursiveStage,
    Scan,
    Strategy,
    TopStage,
)
from mvengine.planner.node import walk
from mvengine.planner.tail import TailStage
from mvengine.planner.twins import twins_of
from mvengine.refresh.change_log import append
from mvengine.refresh.choice import Choice, Costs
from mvengine.refresh.graph import Graph, ViewDefinition
from mvengine.refresh.near import NearTables
from mvengine.refresh.settings import settings_of
from mvengine.refresh.sizes import Sizes
from mvengine.refresh.stages import Stage, maintain_stage, rebuild_stage, runs_of
from mvengine.schema import Name, quote
from mvengine.testing.faults import fault_point


@dataclass(frozen=True, kw_only=True)
class Maintained:
    """What maintenance did: a record per touched view, and which views show other rows now."""

    records: tuple[MaintenanceRecord, ...]
    changed: frozenset[Name]


def maintain(
    engine: DuckDbEngine,
    graph: Graph,
    changes: Mapping[Name, int],
    epoch: int,
    virtual: frozenset[Name] = frozenset(),
    *,
    costs: Costs,
    before_view: Callable[[ViewDefinition], bool] = lambda view: True,
) -> Maintained:
    """Follows ``changes`` (relation → rows in its change) through the graph. Leaves no temporary table behind.

    ``virtual`` are relations whose change is a temporary view over the relation itself (a first load).
    ``before_view`` is told of each view before its turn; where it says False the view is left as it is.
    """
    sizes = {name: rows for name, rows in changes.items() if rows}
    for name, rows in sizes.items():
        for storage in graph.storages.get(name, ()):
            costs.sizes.note(storage, rows)
    near = NearTables(engine, graph, costs.sizes, sizes)
    records: list[MaintenanceRecord] = []
    for view in graph.following(sizes):
        if not view.inputs & sizes.keys() or not before_view(view):
            continue
        fault_point("maintain.view")
        started = perf_counter()
        delta_rows = sum(sizes[name] for name in view.inputs & sizes.keys())
        choice, rows = maintain_view(engine, costs, view, sizes, is_wanted=view.name in graph.consumers, near=near)
        if rows:
            sizes[view.name] = rows
        records.append(record_of(view, choice, epoch, delta_rows, rows, started))
    near.drop()
    for name in sizes.keys() & graph.logged.keys():
        append(engine, name, graph.logged[name], epoch)
    for name in {**changes, **{name: rows for name, rows in sizes.items() if name in graph.consumers}}:
        engine.query(f"DROP {'VIEW' if name in virtual else 'TABLE'} IF EXISTS {quote(delta_name(name))}")
    return Maintained(records=tuple(records), changed=frozenset(sizes))


def maintain_view(
    engine: DuckDbEngine,
    costs: Costs,
    view: ViewDefinition,
    sizes: Mapping[Name, int],
    *,
    is_wanted: bool,
    near: NearTables | None = None,
) -> tuple[Choice, int]:
    """Lets one view follow the changes of its inputs, under its settings; ``sizes`` as of those that have any. Its own
    change stands afterwards in its change table where ``is_wanted``. ``near``: what it shares with other views.
    Returns the rows in it, or those that it touched.
    """
    delta_rows = sum(rows for name, rows in sizes.items() if name in view.inputs)
    with step(f"view {view.name}"), settings_of(engine, view.plan.settings):
        choice = costs.choose(
            view.relation_id, view.plan, delta_rows, lambda: input_rows(engine, view.plan, costs.sizes)
        )
        started, shared = perf_counter(), near.seconds if near else 0.0
        if choice.mode is MaintenanceMode.FULL and not view.is_recomputed:
            if choice.input_rows is None:
                choice = replace(choice, input_rows=input_rows(engine, view.plan, costs.sizes))
            rows = _derive_in_place(engine, view, is_wanted=is_wanted)
        else:
            rows = _follow(engine, view, sizes, costs.sizes, near, is_wanted=is_wanted)
        shared = near.seconds - shared if near else 0.0  # what others use as well is no cost of this view
        costs.note(run_of(view, choice, delta_rows, started + shared))
        return choice, rows


def _derive_in_place(engine: DuckDbEngine, view: ViewDefinition, *, is_wanted: bool) -> int:
    """Derives a view again; what differs is found out only where somebody reads it."""
    if is_wanted:
        return sum(rebuild(engine, view, is_wanted=True))
    count = f"SELECT count(*) FROM (\n{select(view.maintenance.visible, weighted=False)}\n)"
    before = int(engine.query(count)[0][0])
    _derive(engine, view)
    return max(before, int(engine.query(count)[0][0]))  # what has lost all its rows has changed


def _follow(
    engine: DuckDbEngine,
    view: ViewDefinition,
    changes: Mapping[Name, int],
    sizes: Sizes,
    near: NearTables | None,
    *,
    is_wanted: bool,
) -> int:
    """From the changes of the inputs through the stages."""
    plan = view.maintenance
    changed = frozenset(delta_name(name) for name in changes)
    stages = {str(getattr(stage, "name", "")): stage for stage in plan.stages}
    rows = 0
    unneeded = near.unneeded(plan.stages) if near else frozenset[str]()
    for run in runs_of(plan):
        inputs = near.inputs(run.stage) if near else inputs_of(run.stage)
        if run.stage.name in unneeded or (not isinstance(run.stage, FullStage) and not inputs & changed):
            continue
        is_last = run.stage is plan.stages[-1]
        with step(f"stage {run.stage.name}"):
            plain = Changes(names=changed, made={}, stages=stages, around=None)
            reduced = near.reduce(run.stage, plain) if near else plain
            rows = maintain_stage(engine, run, reduced, sizes, is_wanted=is_wanted or not is_last)
        if not is_last and rows:
            changed |= {delta_name(run.stage.name)}
        rows = rows if is_last else 0
    _drop_changes(engine, plan, is_wanted=is_wanted)
    return rows


def _drop_changes(engine: DuckDbEngine, plan: Maintenance, *, is_wanted: bool) -> None:
    """The changes of inner stages are nobody's any more, nor is that of the last one where no view reads it."""
    for stage in plan.stages:
        assert isinstance(stage, Stage)
        is_last = stage is plan.stages[-1]
        has_none = isinstance(
            stage, GroupStage | PartitionStage | TopStage | RecursiveStage | TailStage
        )  # where nobody reads what is visible of them
        if not is_last or not (is_wanted or has_none):
            engine.query(f"DROP TABLE IF EXISTS {quote(delta_name(stage.name))}")


def input_rows(engine: DuckDbEngine, plan: Materialize, sizes: Sizes) -> int:
    """The rows of all relations that a view reads, about. Error: of counting them."""
    tables = {node.storage for node in walk(plan) if isinstance(node, Scan)}
    return sum(sizes.rows(engine, table) for table in sorted(tables))


def rebuild(engine: DuckDbEngine, view: ViewDefinition, *, is_wanted: bool) -> tuple[int, int]:
    """Derives a view again from its inputs and compares: rows that came, and rows that left. The difference stands
    afterwards in the view's change table where it is wanted."""
    target, change = view.name.sql, quote(delta_name(view.name))
    before = quote(f"mv_old_{view.name}")
    columns = [column.name for column in view.plan.columns]
    engine.query(f"CREATE OR REPLACE TEMP TABLE {before} AS FROM {target}")
    _derive(engine, view)
    difference = bag.difference(target, before, columns, twins_of(view.plan.columns))
    engine.query(f"CREATE OR REPLACE TEMP TABLE {change} AS\n{difference}")
    engine.query(f"DROP TABLE {before}")
    inserted, deleted, _ = engine.query(bag.shape(change, columns))[0]
    if not is_wanted:
        engine.query(f"DROP TABLE {change}")
    return int(inserted), int(deleted)


def _derive(engine: DuckDbEngine, view: ViewDefinition) -> None:
    for run in runs_of(view.maintenance):
        with step(f"stage {run.stage.name}"):
            rebuild_stage(engine, run.stage)


def first_derivation(
    engine: DuckDbEngine, relation_id: int, plan: Materialize, sizes: Sizes, started: float
) -> MaintenanceRun | None:
    """What is learnt from the CREATE of a view, which has ended just now; None: there will be nothing to choose."""
    if plan.strategy is Strategy.FULL:
        return None
    ms = (perf_counter() - started) * 1000
    rows = input_rows(engine, plan, sizes)
    return MaintenanceRun(relation_id=relation_id, mode=MaintenanceMode.FULL, delta_rows=0, input_rows=rows, ms=ms)


def run_of(view: ViewDefinition, choice: Choice, delta_rows: int, started: float) -> MaintenanceRun:
    """What is learnt from a maintenance that has ended just now."""
    return MaintenanceRun(
        relation_id=view.relation_id,
        mode=choice.mode,
        delta_rows=delta_rows,
        input_rows=choice.input_rows,
        ms=(perf_counter() - started) * 1000,
    )


def record_of(
    view: ViewDefinition, choice: Choice, epoch: int, delta_rows: int, rows: int, started: float
) -> MaintenanceRecord:
    """What stands in the history of a maintenance that has ended just now."""
    return MaintenanceRecord(
        relation_id=view.relation_id,
        name=view.name,
        epoch=epoch,
        strategy=view.plan.strategy.value,
        mode=choice.mode,
        reason=choice.reason,
        delta_rows=delta_rows,
        output_rows=rows,
        ms=(perf_counter() - started) * 1000,
        input_rows=choice.input_rows,
        predicted_ms=choice.predicted_ms,
    )
