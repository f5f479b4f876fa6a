"""A process that refreshes and writes without end, killed at a random moment: nothing is lost or half."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from crash_world import World, check_nothing_is_stuck, check_views, child_command, child_environment, refresh
from plan_checks import settle

import mvengine

SEEDS = (1, 2, 3, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_process_killed_at_a_random_moment_lost_nothing_that_it_had_committed(
    world: World, tmp_path: Path, seed: int
) -> None:
    """The child says each round that it has committed; the next one may be there or not, and nothing else."""
    moment = random.Random(seed).uniform(0.0, 0.4)
    folder = tmp_path / "rounds"
    command = child_command("rounds", world.database, folder)
    with subprocess.Popen(command, env=child_environment(None), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "0\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(moment)
        child.kill()
        said = [0, *(int(line) for line in child.stdout if line.endswith("\n"))]

    with mvengine.connect(str(world.database)) as con:
        settle(con)
        check_nothing_is_stuck(con)
        check_views(con)
        ((rounds,),) = con.execute("SELECT coalesce(max(id), 0) FROM ticks").fetchall()
        assert rounds in (said[-1], said[-1] + 1)
        assert con.execute("SELECT count(*), sum(id) FROM ticks").fetchall() == [
            (rounds, rounds * (rounds + 1) // 2 or None)
        ]
        con.execute("REFRESH ALL")
        check_nothing_is_stuck(con)
        check_views(con)
        refresh(con, folder)
