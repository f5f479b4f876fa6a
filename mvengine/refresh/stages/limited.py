"""Rows that a view limits on reading: all are kept, and readers downstream get the difference of those shown."""

from __future__ import annotations

from collections.abc import Callable

from mvengine.engines.base import Engine
from mvengine.planner.emit import bag
from mvengine.planner.logical import Limit
from mvengine.planner.node import walk
from mvengine.refresh.stages.run import StageRun
from mvengine.schema import quote


def is_limited(run: StageRun) -> bool:
    """Whether readers see some of the stored rows, and which ones depends on the others."""
    return any(isinstance(node, Limit) for node in walk(run.visible))


def maintain(engine: Engine, run: StageRun, follow: Callable[[], int]) -> int:
    """Lets the stage ``follow`` its inputs, and compares what is shown before and after: few rows."""
    before = quote(f"mv_shown_{run.stage.name}")
    engine.query(f"CREATE OR REPLACE TEMP TABLE {before} AS\n{run.rows()}")
    rows = 0
    if follow():
        difference = bag.difference(f"({run.rows()})", before, run.columns, run.twins)
        rows = int(engine.query(f"CREATE OR REPLACE TEMP TABLE {run.change} AS\n{difference}")[0][0])
    engine.query(f"DROP TABLE {before}")
    return rows
