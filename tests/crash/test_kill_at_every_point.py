"""A process killed at each fault point: the file, opened again, is at one epoch, whole, and nothing is stuck."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
from crash_world import STEPS, World, check_nothing_is_stuck, check_views, contents, refresh, run_child
from plan_checks import check_staging_of_file, settle

import mvengine
from mvengine.testing.faults import POINTS


class Then(Enum):
    """What becomes of what was killed, when the file is opened again."""

    NOTHING = "readers see what was there before, and nothing goes on"
    GOES_ON = "something was staged: it goes on by itself to its end"
    PUBLISHED = "it had been published"


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Where a step is killed."""

    step: str
    fault: str
    then: Then

    def __str__(self) -> str:
        return f"{self.step}-{self.fault}"


KILLS = (
    Kill(step="build_view", fault="build.after_announce", then=Then.GOES_ON),
    Kill(step="build_view", fault="build.in_snapshot", then=Then.GOES_ON),
    Kill(step="build_view", fault="build.after_snapshot", then=Then.GOES_ON),
    Kill(step="build_view", fault="build.after_round", then=Then.GOES_ON),
    Kill(step="build_view", fault="build.before_finish_commit", then=Then.GOES_ON),
    Kill(step="create_table", fault="create.after_job", then=Then.NOTHING),
    Kill(step="create_table", fault="create.before_commit", then=Then.NOTHING),
    Kill(step="create_view", fault="create.after_job", then=Then.NOTHING),
    Kill(step="create_view", fault="create.before_commit", then=Then.NOTHING),
    Kill(step="create_view", fault="dml.before_commit", then=Then.NOTHING),
    Kill(step="background", fault="refresh.after_listing", then=Then.GOES_ON),  # it has a number: it was promised
    Kill(step="refresh", fault="refresh.before_trigger", then=Then.NOTHING),
    Kill(step="refresh", fault="refresh.after_trigger", then=Then.NOTHING),
    Kill(step="refresh", fault="stage.after_prepare", then=Then.NOTHING),
    Kill(step="refresh", fault="stage.before_commit", then=Then.NOTHING),
    Kill(step="background", fault="stage.before_commit:3", then=Then.GOES_ON),
    Kill(step="refresh", fault="refresh.after_split", then=Then.GOES_ON),
    Kill(step="refresh", fault="refresh.after_split:3", then=Then.GOES_ON),
    Kill(step="refresh", fault="states.before_commit", then=Then.GOES_ON),
    Kill(step="background", fault="states.after_commit", then=Then.GOES_ON),
    Kill(step="refresh", fault="refresh.before_staged", then=Then.GOES_ON),
    Kill(step="refresh", fault="refresh.after_staged", then=Then.GOES_ON),
    Kill(step="refresh", fault="refresh.after_merge", then=Then.GOES_ON),
    Kill(step="refresh", fault="refresh.after_merge:2", then=Then.GOES_ON),
    Kill(step="background", fault="maintain.view:4", then=Then.GOES_ON),
    Kill(step="refresh", fault="publish.before_commit", then=Then.GOES_ON),
    Kill(step="refresh", fault="dml.before_commit", then=Then.GOES_ON),
    Kill(step="refresh", fault="dml.after_commit", then=Then.PUBLISHED),
    Kill(step="refresh", fault="publish.after_commit", then=Then.PUBLISHED),
    Kill(step="resumed", fault="refresh.after_listing:2", then=Then.GOES_ON),
    Kill(step="resumed", fault="refresh.before_trigger:2", then=Then.GOES_ON),
    Kill(step="tried_again", fault="stage.after_prepare:3", then=Then.GOES_ON),
    Kill(step="retried", fault="refresh.before_trigger:2", then=Then.GOES_ON),
    Kill(step="retried_from_start", fault="refresh.before_trigger:2", then=Then.NOTHING),
    Kill(step="change_rows", fault="maintain.view", then=Then.NOTHING),
    Kill(step="change_rows", fault="dml.before_commit", then=Then.NOTHING),
    Kill(step="change_rows", fault="dml.after_commit", then=Then.PUBLISHED),
)


def test_every_fault_point_is_killed_at_by_some_test() -> None:
    recovery = {"recovery.before_commit", "recovery.after_commit"}  # test_recovery.py
    views = {"views.before_cursors", "views.before_commit", "suspend.before_commit"}  # test_kill_views.py
    definitions = {"redefine.after_build", "redefine.before_commit"}  # test_kill_definitions.py
    assert {kill.fault.partition(":")[0] for kill in KILLS} | recovery | views | definitions == set(POINTS)


@pytest.mark.parametrize("kill", KILLS, ids=str)
def test_a_killed_step_happened_or_did_not_or_goes_on_and_can_be_done_again(
    world: World, tmp_path: Path, kill: Kill
) -> None:
    child = run_child(kill.step, world.database, world.folder, fault=kill.fault)
    assert child.returncode == -signal.SIGKILL, child.stderr
    check_staging_of_file(world.database, tmp_path / "killed")

    with mvengine.connect(str(world.database)) as con:
        settle(con)
        check_nothing_is_stuck(con)
        check_views(con)
        assert contents(con) == (world.before if kill.then is Then.NOTHING else world.after[kill.step])
        is_made = "more" in {name for (name,) in con.execute("SELECT name FROM mv_meta.relations").fetchall()}
        assert is_made == (kill.step == "build_view"), "a creation in the foreground that was killed leaves no trace"

        if kill.then is Then.NOTHING:
            STEPS[kill.step](con, world.folder)
        refresh(con, world.folder)
        check_nothing_is_stuck(con)
        check_views(con)
        assert contents(con) == world.finished[kill.step]
