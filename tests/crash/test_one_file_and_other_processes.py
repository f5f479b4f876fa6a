"""One file and whoever else opens it: another process, plain DuckDB, a newer mvengine, a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import duckdb
import pytest
from crash_world import (
    CHILD_SECONDS_MAX,
    RELATIONS,
    World,
    check_nothing_is_stuck,
    child_environment,
    contents,
)

import mvengine
from mvengine.errors import DatabaseLocked, FormatError


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a piece of Python in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=child_environment(None),
        capture_output=True,
        text=True,
        timeout=CHILD_SECONDS_MAX,
        check=False,
    )


HOLD = "import mvengine, sys; con = mvengine.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def test_a_second_process_is_refused_and_told_who_holds_the_file(world: World) -> None:
    command = [sys.executable, "-c", HOLD, str(world.database)]
    environment = child_environment(None)
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(DatabaseLocked) as raised:
            mvengine.connect(str(world.database))
        assert str(holder.pid) in raised.value.message
        assert str(world.database) in raised.value.message
        assert raised.value.hint
        holder.communicate("")
    with mvengine.connect(str(world.database)) as con:
        check_nothing_is_stuck(con)
        assert contents(con) == world.before


def test_the_command_line_says_who_holds_the_file(world: World) -> None:
    with mvengine.connect(str(world.database)):
        refused = subprocess.run(
            [sys.executable, "-m", "mvengine", str(world.database), "-c", "SELECT 1"],
            env=child_environment(None),
            capture_output=True,
            text=True,
            timeout=CHILD_SECONDS_MAX,
            check=False,
        )
    assert refused.returncode != 0
    assert str(os.getpid()) in refused.stderr
    assert "Traceback" not in refused.stderr


def test_connections_of_one_process_share_the_file(world: World) -> None:
    with mvengine.connect(str(world.database)) as first, mvengine.connect(str(world.database)) as second:
        first.execute("INSERT INTO customers VALUES (5, 'Eve')")
        assert second.execute("SELECT count(*) FROM customers").fetchall() == [(4,)]


def test_a_file_of_a_newer_version_is_refused_with_the_reason_and_left_alone(world: World) -> None:
    with duckdb.connect(str(world.database)) as raw:
        raw.execute("INSERT INTO mv_meta.migrations VALUES (999, now()::TIMESTAMP, '9.9')")
    with pytest.raises(FormatError, match=r"format 999, written by mvengine 9\.9") as raised:
        mvengine.connect(str(world.database))
    assert raised.value.hint == "install mvengine 9.9 or newer"
    with duckdb.connect(str(world.database)) as raw:
        raw.execute("DELETE FROM mv_meta.migrations WHERE version = 999")
    with mvengine.connect(str(world.database)) as con:
        assert contents(con) == world.before


PLAIN = """
import duckdb, sys
database, *names = sys.argv[1:]
con = duckdb.connect(database, read_only=True)
for name in names:
    print(sorted(con.execute(f'FROM {name}').fetchall(), key=repr))
for (view,) in con.execute("SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal").fetchall():
    con.execute(f'FROM {view}').fetchall()
assert 'mvengine' not in sys.modules
"""


def test_plain_duckdb_reads_every_table_and_view_of_the_closed_file(world: World) -> None:
    read = python(PLAIN, world.database, *RELATIONS)
    assert read.returncode == 0, read.stderr
    expected = [str(sorted(world.before[name].elements(), key=repr)) for name in RELATIONS]
    assert read.stdout.splitlines() == expected


def test_plain_duckdb_reads_the_old_epoch_from_a_file_whose_process_was_killed(world: World) -> None:
    killed = python(
        "import os, sys, mvengine, mvengine.testing.faults as faults\n"
        "con = mvengine.connect(sys.argv[1])\n"
        "with faults.inject('publish.before_commit', lambda: os.kill(os.getpid(), 9)): con.execute('REFRESH ALL')",
        world.database,
    )
    assert killed.returncode == -9, killed.stderr
    with duckdb.connect(str(world.database)) as raw:
        found = {name: Counter(raw.execute(f"FROM {name}").fetchall()) for name in RELATIONS}
    assert found == world.before
