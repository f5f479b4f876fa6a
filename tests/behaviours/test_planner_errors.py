"""An error of the planner's own keeps nobody from creating a view: its query is computed again."""

from __future__ import annotations

import pytest
from behaviour_world import one

import mvengine
from mvengine.errors import BindError
from mvengine.planner import plan
from mvengine.planner.binder import view

QUERY = "SELECT x.k, count(*) AS n FROM t AS x GROUP BY x.k"


@pytest.fixture
def failing(con: mvengine.Connection, monkeypatch: pytest.MonkeyPatch) -> mvengine.Connection:
    """A connection whose planner fails on every query."""

    def fail(*arguments: object) -> None:
        raise KeyError("matched")

    monkeypatch.setattr(plan, "raises_own_errors", False)
    monkeypatch.setattr(view, "_incremental", fail)
    con.execute("CREATE TABLE t (k INT); INSERT INTO t VALUES (1), (1), (2)")
    return con


def test_a_query_that_the_planner_fails_on_is_computed_again(failing: mvengine.Connection) -> None:
    failing.execute(f"CREATE MATERIALIZED VIEW v AS {QUERY}")
    failing.execute("INSERT INTO t VALUES (2), (3)")
    assert failing.execute("FROM v ORDER BY k").fetchall() == [(1, 2), (2, 2), (3, 1)]
    reason = one(failing, "SELECT reason FROM mv_catalog.materialized_views")
    assert reason == "computed again: the planner could not take the query apart (KeyError: 'matched')"


def test_under_policy_strict_an_error_of_the_planner_refuses_the_view(failing: mvengine.Connection) -> None:
    with pytest.raises(mvengine.NotSupportedError, match="could not take the query apart"):
        failing.execute(f"CREATE MATERIALIZED VIEW v WITH (policy = 'strict') AS {QUERY}")


def test_what_the_user_did_wrong_is_still_said(failing: mvengine.Connection) -> None:
    with pytest.raises(BindError, match="nothing"):
        failing.execute("CREATE MATERIALIZED VIEW v AS SELECT nothing FROM t")
