"""A process killed at each fault point: the file, opened again, is at one epoch, whole, and nothing is stuck."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import pytest
from crash_world import STEPS, World, check_nothing_is_stuck, check_views, contents, refresh, run_child

import mvengine
from mvengine.testing.faults import POINTS


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Where a step is killed; ``is_published``: whether readers see its changes afterwards."""

    step: str
    fault: str
    is_published: bool

    def __str__(self) -> str:
        return f"{self.step}-{self.fault}"


KILLS = (
    Kill(step="create_table", fault="create.after_job", is_published=False),
    Kill(step="create_table", fault="create.before_commit", is_published=False),
    Kill(step="create_view", fault="create.after_job", is_published=False),
    Kill(step="create_view", fault="create.before_commit", is_published=False),
    Kill(step="create_view", fault="dml.before_commit", is_published=False),
    Kill(step="refresh", fault="refresh.after_trigger", is_published=False),
    Kill(step="refresh", fault="refresh.after_split", is_published=False),
    Kill(step="refresh", fault="refresh.after_split:3", is_published=False),
    Kill(step="refresh", fault="refresh.after_staged", is_published=False),
    Kill(step="refresh", fault="refresh.after_merge", is_published=False),
    Kill(step="refresh", fault="refresh.after_merge:2", is_published=False),
    Kill(step="refresh", fault="maintain.view:4", is_published=False),
    Kill(step="refresh", fault="publish.before_commit", is_published=False),
    Kill(step="refresh", fault="dml.before_commit", is_published=False),
    Kill(step="refresh", fault="dml.after_commit", is_published=True),
    Kill(step="refresh", fault="publish.after_commit", is_published=True),
    Kill(step="change_rows", fault="maintain.view", is_published=False),
    Kill(step="change_rows", fault="dml.before_commit", is_published=False),
    Kill(step="change_rows", fault="dml.after_commit", is_published=True),
)


def test_every_fault_point_is_killed_at_by_some_test() -> None:
    recovery = {"recovery.before_commit"}  # test_recovery.py
    assert {kill.fault.partition(":")[0] for kill in KILLS} | recovery == set(POINTS)


@pytest.mark.parametrize("kill", KILLS, ids=str)
def test_a_killed_step_happened_or_did_not_and_can_be_done_again(world: World, kill: Kill) -> None:
    child = run_child(kill.step, world.database, world.folder, fault=kill.fault)
    assert child.returncode == -signal.SIGKILL, child.stderr

    with mvengine.connect(str(world.database)) as con:
        check_nothing_is_stuck(con)
        check_views(con)
        assert contents(con) == (world.after[kill.step] if kill.is_published else world.before)
        names = {name for (name,) in con.execute("SELECT name FROM mv_catalog.tables").fetchall()}
        assert "more" not in names, "a creation that was killed leaves no trace"

        if not kill.is_published:
            STEPS[kill.step](con, world.folder)
        refresh(con, world.folder)
        check_nothing_is_stuck(con)
        check_views(con)
        assert contents(con) == world.finished[kill.step]
