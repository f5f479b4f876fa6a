"""Runs one stage of a view: from the changes of its inputs to its own.

Each function returns the number of rows in the change that it hands on. The stage's own change stands afterwards in the
temporary table ``delta_name(stage)`` if it was wanted or is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mvengine.engines.base import Engine
from mvengine.planner.delta import delta_name
from mvengine.planner.emit import bag
from mvengine.planner.emit.group import GroupSql
from mvengine.planner.emit.select import columns_of, select, with_group_rows
from mvengine.planner.logical import BagStage, FullStage, GroupRead, GroupStage, Version
from mvengine.planner.node import Node
from mvengine.schema import quote

Stage = GroupStage | BagStage | FullStage

SMALL_STATE_ROWS = 100_000
"""Up to so many groups a null-safe join costs no more than one by ``=``, and so nobody needs to look for NULL keys."""


@dataclass(frozen=True)
class StageRun:
    """A stage with what its readers see of it."""

    stage: Stage
    visible: Node  # a chain over the stage's GroupRead, or a BagRead

    @property
    def change(self) -> str:
        """The quoted name of the temporary table that holds the stage's own change."""
        return quote(delta_name(self.stage.name))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return columns_of(self.visible)

    def rows(self) -> str:
        """What readers see now, as a query."""
        return select(self.visible, weighted=False)


def inner_read(stage: GroupStage) -> GroupRead:
    """What later stages of the same view see of a group stage."""
    return GroupRead(
        stage=stage.name,
        storage=stage.storage,
        keys=stage.keys,
        arguments=stage.arguments,
        aggregates=stage.aggregates,
        alias="v",
        version=Version.CURRENT,
    )


def create_stage(engine: Engine, run: StageRun, column_types: dict[str, str]) -> None:
    """Makes a stage's table and fills it from the current inputs."""
    match run.stage:
        case GroupStage():
            engine.query(GroupSql(run.stage, is_null_safe=False).create())
        case BagStage():
            engine.query(f"CREATE TABLE {run.stage.storage} AS\n{_bag_rows(run.stage)}")
        case FullStage():
            columns = ", ".join(f"{quote(name)} {column_types[name]}" for name in run.stage.columns)
            engine.query(f"CREATE TABLE {run.stage.storage} ({columns})")
            engine.query(f"INSERT INTO {run.stage.storage}\n{run.stage.query}")


def rebuild_stage(engine: Engine, stage: Stage) -> None:
    """Derives a stage's rows again from the current inputs."""
    if isinstance(stage, GroupStage):
        for statement in GroupSql(stage, is_null_safe=False).rebuild():
            engine.query(statement)
        return
    query = stage.query if isinstance(stage, FullStage) else _bag_rows(stage)
    engine.query(f"DELETE FROM {stage.storage}")
    engine.query(f"INSERT INTO {stage.storage}\n{query}")


def _bag_rows(stage: BagStage) -> str:
    names = ", ".join(quote(name) for name in stage.columns)
    return f"SELECT {names} FROM (\n{select(stage.input, weighted=False)}\n)"


def maintain_stage(engine: Engine, run: StageRun, changed: frozenset[str], *, is_wanted: bool) -> int:
    """Brings a stage up to date. ``changed`` names the inputs' changes; ``is_wanted``: somebody reads its own."""
    match run.stage:
        case GroupStage():
            return _maintain_group(engine, run, run.stage, changed, is_wanted=is_wanted)
        case BagStage():
            if engine.query(bag.summarize(run.stage, changed, run.change))[0][0]:
                return _apply_bag(engine, run)
            engine.query(f"DROP TABLE {run.change}")
            return 0
        case FullStage():
            return recompute(engine, run, f"({run.stage.query})")


def _maintain_group(
    engine: Engine, run: StageRun, stage: GroupStage, changed: frozenset[str], *, is_wanted: bool
) -> int:
    if not is_wanted and _is_small(engine, stage):
        direct = GroupSql(stage, is_null_safe=True)
        if direct.is_additive:
            return int(engine.query(direct.merge_summary(changed))[0][0])
    sql = GroupSql(stage, is_null_safe=False)
    engine.query(sql.summarize(changed))
    groups, null_keys = engine.query(sql.shape())[0]
    if groups == 0:
        engine.query(f"DROP TABLE {sql.groups}")
        return 0
    sql = GroupSql(stage, is_null_safe=null_keys > 0)
    before = quote(f"mv_old_{stage.name}")
    if is_wanted:
        engine.query(f"CREATE OR REPLACE TEMP TABLE {before} AS\n{with_group_rows(run.visible, sql.restriction())}")
    has_affected = _derive_affected(engine, sql)
    if not sql.is_always_derived:
        engine.query(sql.merge(has_affected=has_affected))
    rows = int(groups)
    if is_wanted:
        after = f"({with_group_rows(run.visible, sql.restriction())})"
        change = f"CREATE OR REPLACE TEMP TABLE {run.change} AS\n{bag.difference(after, before, run.columns)}"
        rows = int(engine.query(change)[0][0])
        engine.query(f"DROP TABLE {before}")
    engine.query(f"DROP TABLE {sql.groups}")
    if sql.find_affected() is not None:
        engine.query(f"DROP TABLE {sql.affected}")
    return rows


def _is_small(engine: Engine, stage: GroupStage) -> bool:
    if not stage.keys:
        return True
    return int(engine.query(f"SELECT count(*) FROM {stage.storage}")[0][0]) <= SMALL_STATE_ROWS


def _derive_affected(engine: Engine, sql: GroupSql) -> bool:
    """Derives again the groups whose results cannot follow from the change; whether there were any."""
    find = sql.find_affected()
    if find is None:
        return False
    count = engine.query(find)[0][0]
    if count:
        for statement in sql.derive_affected():
            engine.query(statement)
    return bool(count)


def _apply_bag(engine: Engine, run: StageRun) -> int:
    """Applies the change of stored rows."""
    storage, columns = run.stage.storage, run.columns
    inserted, deleted, with_nulls = engine.query(bag.shape(run.change, columns))[0]
    if deleted:
        engine.query(bag.delete(storage, run.change, columns, is_null_safe=with_nulls > 0))
    if inserted:
        engine.query(bag.insert(storage, run.change, columns))
    return int(inserted) + int(deleted)


def recompute(engine: Engine, run: StageRun, rows: str) -> int:
    """Compares freshly computed rows with the stored ones and applies the difference."""
    names = ", ".join(quote(name) for name in run.columns)
    fresh = quote(f"mv_new_{run.stage.name}")
    engine.query(f"CREATE OR REPLACE TEMP TABLE {fresh} AS SELECT {names} FROM {run.stage.storage} LIMIT 0")
    engine.query(f"INSERT INTO {fresh} SELECT * FROM {rows}")
    engine.query(
        f"CREATE OR REPLACE TEMP TABLE {run.change} AS\n{bag.difference(fresh, run.stage.storage, run.columns)}"
    )
    engine.query(f"DROP TABLE {fresh}")
    return _apply_bag(engine, run)


def runs_of(stages: tuple[Node, ...], visible: Node) -> tuple[StageRun, ...]:
    """The stages of a view, each with what its readers see."""
    runs = []
    for stage in stages:
        assert isinstance(stage, GroupStage | BagStage | FullStage)
        is_last = stage is stages[-1]
        if is_last:
            runs.append(StageRun(stage, visible))
        else:
            assert isinstance(stage, GroupStage)
            runs.append(StageRun(stage, inner_read(stage)))
    return tuple(runs)
