"""Rows stored as they are: the change of the input is applied."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit import bag
from mvengine.planner.emit.select import select
from mvengine.planner.logical import BagStage
from mvengine.refresh.stages.run import StageRun
from mvengine.schema import Columns, quote


def create(engine: Engine, stage: BagStage) -> None:
    engine.query(f"CREATE TABLE {stage.storage} AS\n{_rows(stage)}")


def rebuild(engine: Engine, stage: BagStage) -> None:
    engine.query(f"DELETE FROM {stage.storage}")
    engine.query(f"INSERT INTO {stage.storage}\n{_rows(stage)}")


def _rows(stage: BagStage) -> str:
    names = ", ".join(quote(name) for name in stage.columns)
    return f"SELECT {names} FROM (\n{select(stage.input, weighted=False)}\n)"


def maintain(engine: Engine, run: StageRun, stage: BagStage, changes: Changes) -> int:
    if engine.query(bag.summarize(stage, changes, run.change))[0][0]:
        return apply(engine, stage.storage, run.change, stage.columns, stage.twins)
    engine.query(f"DROP TABLE {run.change}")
    return 0


def apply(
    engine: Engine, storage: str, change: str, columns: tuple[str, ...], twins: Columns, among: str | None = None
) -> int:
    """Applies the change of stored rows, those that go being ``among`` copied ones; returns how many came and went."""
    inserted, deleted, with_nulls, *with_twins = engine.query(bag.shape(change, columns, twins))[0]
    if deleted:
        told_apart = twins if any(with_twins) else ()
        engine.query(bag.delete(storage, change, columns, told_apart, is_null_safe=with_nulls > 0, among=among))
    if inserted:
        engine.query(bag.insert(storage, change, columns))
    return int(inserted) + int(deleted)
