"""Rows of a query that is computed again, and compared with the stored ones."""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.emit import bag as emit
from mvengine.planner.logical import FullStage
from mvengine.refresh.changes import no_rows
from mvengine.refresh.stages import bag
from mvengine.refresh.stages.run import StageRun
from mvengine.schema import quote


def create(engine: Engine, stage: FullStage, column_types: dict[str, str]) -> None:
    columns = ", ".join(f"{quote(name)} {column_types[name]}" for name in stage.columns)
    engine.query(f"CREATE TABLE {stage.storage} ({columns})")
    engine.query(f"INSERT INTO {stage.storage}\n{stage.query}")


def rebuild(engine: Engine, stage: FullStage) -> None:
    engine.query(f"DELETE FROM {stage.storage}")
    engine.query(f"INSERT INTO {stage.storage}\n{stage.query}")


def maintain(engine: Engine, run: StageRun, stage: FullStage) -> int:
    """Compares freshly computed rows with the stored ones and applies the difference."""
    names = ", ".join(quote(name) for name in run.columns)
    fresh = quote(f"mv_new_{stage.name}")
    engine.query(f"CREATE OR REPLACE TEMP TABLE {fresh} AS {no_rows(names, stage.storage)}")
    engine.query(f"INSERT INTO {fresh} SELECT * FROM ({stage.query})")
    difference = emit.difference(fresh, stage.storage, run.columns, stage.twins)
    engine.query(f"CREATE OR REPLACE TEMP TABLE {run.change} AS\n{difference}")
    engine.query(f"DROP TABLE {fresh}")
    return bag.apply(engine, stage.storage, run.change, run.columns, stage.twins)
