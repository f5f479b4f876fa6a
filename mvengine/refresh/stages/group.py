"""Groups with state: the change of the input is summed per group, and merged."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.group import GroupSql
from mvengine.planner.logical import GroupStage
from mvengine.refresh.sizes import Sizes
from mvengine.refresh.stages.run import StageRun

SMALL_STATE_ROWS = 100_000
"""Up to so many groups a null-safe join costs no more than one by ``=``, and so nobody needs to look for NULL keys."""


def create(engine: Engine, stage: GroupStage) -> None:
    engine.query(GroupSql(stage, is_null_safe=False).create())


def rebuild(engine: Engine, stage: GroupStage) -> None:
    for statement in GroupSql(stage, is_null_safe=False).rebuild():
        engine.query(statement)


def maintain(
    engine: Engine, run: StageRun, stage: GroupStage, changes: Changes, sizes: Sizes, *, is_wanted: bool
) -> int:
    sql = GroupSql(stage, is_null_safe=True)
    is_small = not stage.keys or sizes.rows(engine, stage.storage) <= SMALL_STATE_ROWS
    if is_small and not is_wanted and sql.is_additive:
        groups = int(engine.query(sql.merge_summary(changes))[0][0])
        sizes.note(stage.storage, groups)
        return groups
    if is_small:
        groups = int(engine.query(sql.derive_next_at_once(changes))[0][0])
    else:
        sql, groups = _next_of_many(engine, stage, changes)
    lost, *with_twin = engine.query(sql.count_lost())[0] if sql.may_lose else (0,)
    if lost:
        engine.query(sql.derive_lost(changes))
    if sql.twins and (lost or any(with_twin)):
        engine.query(sql.forget_twins())
    if groups:
        engine.query(sql.merge_next())
        sizes.note(stage.storage, groups)
    if groups and is_wanted:
        change = f"CREATE OR REPLACE TEMP TABLE {run.change} AS\n{sql.visible_change(run.visible, run.twins)}"
        groups = int(engine.query(change)[0][0])
    engine.query(f"DROP TABLE {sql.next}")
    return groups


def _next_of_many(engine: Engine, stage: GroupStage, changes: Changes) -> tuple[GroupSql, int]:
    """Among many groups: looks at the keys that change, to compare by ``=`` if none of them is NULL."""
    sql = GroupSql(stage, is_null_safe=False)
    engine.query(sql.summarize(changes))
    groups, null_keys = engine.query(sql.shape())[0]
    sql = GroupSql(stage, is_null_safe=null_keys > 0)
    engine.query(sql.derive_next(sql.groups))
    engine.query(f"DROP TABLE {sql.groups}")
    return sql, int(groups)
