"""The statements that maintain a view, stage by stage, as if every input had changed: EXPLAIN (MAINTENANCE_SQL)."""

from __future__ import annotations

from mvengine.planner.delta import delta_name
from mvengine.planner.delta.changes import all_changed
from mvengine.planner.emit import bag
from mvengine.planner.emit.group import GroupSql
from mvengine.planner.emit.match import change as match_change
from mvengine.planner.emit.partition import PartitionSql
from mvengine.planner.emit.recursion import RecursionSql
from mvengine.planner.emit.tail import TailSql
from mvengine.planner.emit.top import TopSql
from mvengine.planner.logical import (
    BagStage,
    FullStage,
    GroupStage,
    Maintenance,
    MatchStage,
    Materialize,
    PartitionStage,
    RecursiveStage,
    TopStage,
)
from mvengine.planner.node import Node
from mvengine.planner.tail import TailStage
from mvengine.schema import Columns, quote


def maintenance_sql(plan: Materialize) -> str:
    """What DuckDB is told when every input of the view has changed. Stages that choose by what has changed show the
    statements of the common case first."""
    assert isinstance(plan.input, Maintenance)
    parts: list[str] = []
    for stage in plan.input.stages:
        first, *rest = _statements(stage)
        parts += [f"-- stage {getattr(stage, 'name', '')}\n{first}", *rest]
    return ";\n\n".join(parts) + ";"


def _statements(stage: Node) -> list[str]:
    match stage:
        case GroupStage():
            return _group(GroupSql(stage, is_null_safe=False))
        case PartitionStage():
            parts = PartitionSql(stage, is_null_safe=False)
            changes = all_changed(stage.input)
            found = [
                parts.find_touched(changes),
                parts.shape(),
                parts.derive(changes),
                parts.copy_stored(),
                parts.compare(),
            ]
            return [*found, *_apply(stage.storage, parts.change, parts.columns, stage.twins)]
        case TailStage():
            tail = TailSql(stage)
            found = [tail.find_start(all_changed(stage.input)), tail.shape(), tail.derive(), tail.copy_stored()]
            return [*found, tail.compare(), *_apply(stage.storage, tail.change, stage.columns, stage.twins)]
        case TopStage():
            top = TopSql(stage)
            return [top.follow(all_changed(stage.input)), top.shape(), top.read_again(), *top.apply()]
        case RecursiveStage():
            recursion = RecursionSql(stage)
            changes = all_changed(stage.recursion)
            found = [recursion.shape(changes), recursion.follow(changes)] if stage.is_linear else []
            return [*found, recursion.compare(), *_apply(stage.storage, recursion.change, stage.columns, stage.twins)]
        case MatchStage():
            into = quote(delta_name(stage.name))
            return [f"CREATE OR REPLACE TEMP TABLE {into} AS\n{match_change(stage, all_changed(stage.input))}"]
        case BagStage():
            into = quote(delta_name(stage.name))
            change = bag.summarize(stage, all_changed(stage.input), into)
            return [change, *_apply(stage.storage, into, stage.columns, stage.twins)]
        case FullStage():
            return [stage.query]
        case _:
            raise AssertionError(type(stage).__name__)


def _group(sql: GroupSql) -> list[str]:
    changes = all_changed(sql.stage.input)
    found = [sql.summarize(changes), sql.shape(), sql.derive_next(sql.groups)]
    if sql.may_lose:
        found += [sql.count_lost(), sql.derive_lost(changes)]
    if sql.twins:
        found.append(sql.forget_twins())
    return [*found, sql.merge_next()]


def _apply(storage: str, change: str, columns: tuple[str, ...], twins: Columns) -> list[str]:
    return [
        bag.shape(change, columns, twins),
        bag.delete(storage, change, columns, is_null_safe=False),
        bag.insert(storage, change, columns),
    ]
