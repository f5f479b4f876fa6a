"""A process killed while definitions change: opened again, all of them are the old ones or all are the new ones."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from crash_world import CHILD_SECONDS_MAX, World, check_nothing_is_stuck, child_environment, contents

import mvengine

CHILD = "import sys, mvengine\nwith mvengine.connect(sys.argv[1]) as con:\n    con.execute(sys.argv[2])"

REPLACE = (
    "CREATE OR REPLACE MATERIALIZED VIEW spent AS SELECT name, sum(amount) AS total, count(*) AS orders, "
    "avg(amount) AS mean FROM orders JOIN customers ON orders.customer = customers.id WHERE amount > 10 GROUP BY name"
)
RETYPE = "ALTER TABLE orders ALTER COLUMN amount TYPE DECIMAL(14, 1) CASCADE"
RENAME = "ALTER TABLE orders RENAME TO purchases"


def kill(path: Path, statement: str, fault: str) -> None:
    command = [sys.executable, "-c", CHILD, str(path), statement]
    child = subprocess.run(
        command, env=child_environment(fault), capture_output=True, text=True, timeout=CHILD_SECONDS_MAX, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr


def definitions(con: mvengine.Connection) -> list[tuple[object, ...]]:
    return con.execute("SELECT name, definition FROM mv_catalog.materialized_views ORDER BY name").fetchall()


@pytest.mark.parametrize(
    ("statement", "fault", "is_done"),
    [
        (REPLACE, "redefine.after_build", False),
        (REPLACE, "maintain.view", False),
        (REPLACE, "redefine.before_commit", False),
        (REPLACE, "dml.before_commit", False),
        (REPLACE, "dml.after_commit", True),
        (RETYPE, "redefine.after_build:3", False),
        (RETYPE, "dml.after_commit", True),
        (RENAME, "redefine.before_commit", False),
        (RENAME, "dml.after_commit", True),
    ],
)
def test_definitions_that_were_being_changed_are_the_old_or_the_new_ones(
    world: World, statement: str, fault: str, is_done: bool
) -> None:
    with mvengine.connect(str(world.database)) as con:
        before = definitions(con)
    kill(world.database, statement, fault)
    with mvengine.connect(str(world.database)) as con:
        if is_done and statement != RETYPE:  # a type stands in no definition
            assert definitions(con) != before
        if not is_done:
            assert definitions(con) == before
            assert contents(con) == world.before
            con.execute(statement)
        con.execute("INSERT INTO customers VALUES (3, 'Cyril')")
        con.execute("REFRESH ALL")
        assert {row[5] for row in con.execute("VERIFY ALL").fetchall()} == {"equal"}
        types = con.execute("SELECT DISTINCT column_type FROM (DESCRIBE lines) WHERE column_name = 'worth'").fetchall()
        assert types == [("DECIMAL(18,1)" if statement == RETYPE else "DECIMAL(18,2)",)]
        check_nothing_is_stuck(con)
