"""Groups with state: the change of the input is summed per group, and merged."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit import bag
from mvengine.planner.emit.group import GroupSql
from mvengine.planner.emit.select import with_group_rows
from mvengine.planner.logical import GroupStage
from mvengine.refresh.stages.run import StageRun
from mvengine.schema import quote

SMALL_STATE_ROWS = 100_000
"""Up to so many groups a null-safe join costs no more than one by ``=``, and so nobody needs to look for NULL keys."""


def create(engine: Engine, stage: GroupStage) -> None:
    engine.query(GroupSql(stage, is_null_safe=False).create())


def rebuild(engine: Engine, stage: GroupStage) -> None:
    for statement in GroupSql(stage, is_null_safe=False).rebuild():
        engine.query(statement)


def maintain(engine: Engine, run: StageRun, stage: GroupStage, changes: Changes, *, is_wanted: bool) -> int:
    if not is_wanted and _is_small(engine, stage):
        direct = GroupSql(stage, is_null_safe=True)
        if direct.is_additive:
            return int(engine.query(direct.merge_summary(changes))[0][0])
    sql = GroupSql(stage, is_null_safe=False)
    engine.query(sql.summarize(changes))
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
