"""A process killed while deferred views follow, or while one is suspended: rows and cursors are of one transaction."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from crash_world import CHILD_SECONDS_MAX, child_environment

import mvengine

CHILD = "import sys, mvengine\nwith mvengine.connect(sys.argv[1]) as con:\n    con.execute(sys.argv[2])"

VIEWS = {
    "totals": "SELECT a, sum(b) AS total FROM t GROUP BY a",
    "above": "SELECT total, count(*) AS n FROM totals GROUP BY total",
    "pairs": "SELECT l.a, r.b FROM t AS l JOIN t AS r ON l.b = r.a",
}


def kill(path: Path, statement: str, fault: str) -> None:
    command = [sys.executable, "-c", CHILD, str(path), statement]
    child = subprocess.run(
        command, env=child_environment(fault), capture_output=True, text=True, timeout=CHILD_SECONDS_MAX, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr


@pytest.mark.parametrize(
    ("fault", "is_published"),
    [
        ("views.before_cursors", False),
        ("views.before_commit", False),
        ("dml.before_commit", False),
        ("dml.after_commit", True),
    ],
)
def test_a_killed_refresh_of_views_happened_as_a_whole_or_not_at_all(
    tmp_path: Path, fault: str, is_published: bool
) -> None:
    path = tmp_path / "d.db"
    with mvengine.connect(str(path)) as con:
        con.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
        con.execute("INSERT INTO t VALUES (1, 1), (2, 1)")
        for name, query in VIEWS.items():
            con.execute(f"CREATE MATERIALIZED VIEW {name} WITH (maintain = 'deferred') AS {query}")
        before = {name: con.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in VIEWS}
        con.execute("INSERT INTO t VALUES (1, 2), (3, 3)")
        con.execute("DELETE FROM t WHERE a = 2")
    kill(path, "REFRESH MATERIALIZED VIEW above, pairs", fault)
    with mvengine.connect(str(path)) as con:
        after = {name: con.execute(f"{query} ORDER BY ALL").fetchall() for name, query in VIEWS.items()}
        shown = {name: con.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in VIEWS}
        assert shown["totals"] == (after if is_published else before)["totals"]
        assert shown["pairs"] == (after if is_published else before)["pairs"]
        con.execute("INSERT INTO t VALUES (9, 9)")
        con.execute("REFRESH ALL")
        for name, query in VIEWS.items():
            assert (
                con.execute(f"FROM {name} ORDER BY ALL").fetchall() == con.execute(f"{query} ORDER BY ALL").fetchall()
            )


@pytest.mark.parametrize(("fault", "state"), [("suspend.before_commit", "fresh"), ("dml.before_commit", "suspended")])
def test_a_write_killed_while_a_view_is_suspended_has_not_happened_and_can_be_done_again(
    tmp_path: Path, fault: str, state: str
) -> None:
    """Killed between the two, the view is suspended for a write that did not come: it heals at the next one."""
    path = tmp_path / "d.db"
    with mvengine.connect(str(path)) as con:
        con.execute("CREATE TABLE t (s VARCHAR)")
        con.execute("INSERT INTO t VALUES ('1')")
        con.execute("CREATE MATERIALIZED VIEW bad WITH (on_error = 'suspend') AS SELECT CAST(s AS INTEGER) AS i FROM t")
    kill(path, "INSERT INTO t VALUES ('x')", fault)
    found = "SELECT state FROM mv_catalog.materialized_views"
    with mvengine.connect(str(path)) as con:
        assert con.execute("FROM t").fetchall() == [("1",)]
        assert con.execute(found).fetchall() == [(state,)]
        con.execute("INSERT INTO t VALUES ('2')")
        assert con.execute("FROM bad ORDER BY i").fetchall() == [(1,), (2,)]
        assert con.execute(found).fetchall() == [("fresh",)]
