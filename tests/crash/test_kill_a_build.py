"""A process killed while a view is built in the background: opened again, the build goes on, and nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from crash_world import CHILD_SECONDS_MAX, World, check_nothing_is_stuck, check_views, child_environment

import mvengine
from mvengine.testing.faults import POINTS

QUERY = (
    "SELECT name, product, sum(worth) AS worth, min(orders.amount) AS least "
    "FROM lines JOIN orders ON lines.id = orders.id JOIN customers ON customers.id = orders.customer GROUP BY ALL"
)

BUILD = """
import sys, mvengine
con = mvengine.connect(sys.argv[1])
if sys.argv[2] != "":
    con.execute("CREATE MATERIALIZED VIEW more BACKGROUND AS " + sys.argv[2])
with con.cursor() as other:
    for i in range(20):
        other.execute("INSERT INTO customers VALUES (?, 'new')", [i % 4])
        other.execute("UPDATE orders SET amount = amount + 1 WHERE id = ?", [1 + i % 6])
    other.execute("REFRESH ALL")
con.execute("WAIT")
con.close()
"""

BUILD_POINTS = tuple(point for point in POINTS if point.startswith("build."))


def killed(world: World, fault: str, query: str = "") -> None:
    command = [sys.executable, "-c", BUILD, str(world.database), query]
    child = subprocess.run(
        command,
        env=child_environment(fault),
        capture_output=True,
        text=True,
        timeout=CHILD_SECONDS_MAX,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr


def check_built(world: World, recoveries: int) -> None:
    with mvengine.connect(str(world.database)) as con:
        con.execute("INSERT INTO customers VALUES (2, 'while it goes on')")
        con.execute("WAIT")
        check_views(con)
        check_nothing_is_stuck(con)
        assert con.execute("SELECT count(*) FROM mv_catalog.materialized_views WHERE name = 'more'").fetchall() == [
            (1,)
        ]
        assert con.execute("FROM mv_meta.consumers").fetchall() == []
        history = "SELECT count(*) FROM mv_catalog.state_history WHERE name = 'more' AND event = 'RECOVER'"
        assert con.execute(history).fetchall() == [(recoveries,)]
        con.execute("REFRESH ALL")
        check_views(con)


@pytest.mark.parametrize("point", BUILD_POINTS)
def test_a_build_that_was_killed_goes_on_when_the_database_is_opened_again(world: World, point: str) -> None:
    killed(world, point, QUERY)
    check_built(world, recoveries=1)


def test_a_build_and_its_recovery_may_be_killed_again_and_again(world: World) -> None:
    killed(world, "build.in_snapshot", QUERY)
    for point in ("recovery.before_commit", "build.after_snapshot", "build.after_round", "build.before_finish_commit"):
        killed(world, point)
    check_built(world, recoveries=4)  # the recovery that was killed itself has left nothing


def test_a_build_of_a_query_that_is_computed_again_goes_on_after_a_kill(world: World) -> None:
    killed(world, "build.after_round", "SELECT id, rank() OVER (ORDER BY amount, id) AS place FROM orders")
    check_built(world, recoveries=1)
