"""Views whose query fails on the data: on_error = 'fail' publishes nothing, 'suspend' leaves the view behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from behaviour_world import Files, check_views, declare, epoch, one, rows
from plan_checks import check_plans

import mvengine
from mvengine.errors import DataError, NotSupportedError, ProgrammingError, SerializationFailure, UnknownOption

BAD = "SELECT a, sum(CAST(s AS INTEGER)) AS total FROM t GROUP BY a"
FAILING = {
    "cast": BAD,
    "overflow": "SELECT a, CAST(length(s) * 1000 + a AS TINYINT) AS small FROM t WHERE s = 'x'",
    "scalar subquery": "SELECT a, (SELECT a FROM t AS o WHERE o.s = 'x') AS one FROM t",
    "function": "SELECT a, error('no x') AS never FROM t WHERE s = 'x'",
}


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    with mvengine.connect(":memory:") as con:
        con.execute("CREATE TABLE t (a INTEGER, s VARCHAR)")
        con.execute("INSERT INTO t VALUES (1, '1')")
        con.execute("CREATE MATERIALIZED VIEW good AS SELECT a, count(*) AS n FROM t GROUP BY a")
        yield con


def bad(con: mvengine.Connection, options: str = "WITH (on_error = 'suspend')", query: str = BAD) -> None:
    con.execute(f"CREATE MATERIALIZED VIEW bad {options} AS {query}")


def state(con: mvengine.Connection, name: str = "bad") -> object:
    return one(con, f"SELECT state FROM mv_catalog.materialized_views WHERE name = '{name}'")


@pytest.mark.parametrize("kind", FAILING)
def test_by_default_a_failing_view_fails_the_write_and_nothing_is_published(
    con: mvengine.Connection, kind: str
) -> None:
    bad(con, "", FAILING[kind])
    before = epoch(con)
    with pytest.raises(DataError, match="materialized view bad: ") as failure:
        con.execute("INSERT INTO t VALUES (2, 'x'), (3, 'x')")
    assert "on_error = 'suspend'" in str(failure.value.hint)
    assert epoch(con) == before
    assert state(con) == "fresh"
    assert rows(con, "good") == [(1, 1)]
    assert rows(con, "t") == [(1, "1")]
    con.execute("INSERT INTO t VALUES (2, '2')")
    check_views(con)


@pytest.mark.parametrize("kind", FAILING)
def test_a_view_that_is_suspended_is_left_behind_and_heals_when_the_data_does(
    con: mvengine.Connection, kind: str
) -> None:
    bad(con, query=FAILING[kind])
    good = rows(con, "bad")
    con.execute("INSERT INTO t VALUES (2, 'x'), (3, 'x')")
    assert state(con) == "suspended"
    assert rows(con, "bad") == good
    assert rows(con, "good") == [(1, 1), (2, 1), (3, 1)]
    con.execute("INSERT INTO t VALUES (4, '4')")
    assert state(con) == "suspended"
    assert rows(con, "bad") == good
    con.execute("UPDATE t SET s = '7' WHERE s = 'x'")
    assert state(con) == "fresh"
    check_views(con)


def test_the_failure_is_shown_and_the_history_has_what_happened(con: mvengine.Connection) -> None:
    bad(con)
    con.execute("CREATE MATERIALIZED VIEW above AS SELECT count(*) AS n FROM bad")
    con.execute("INSERT INTO t VALUES (2, 'x')")
    shown = "SELECT name, state, failure LIKE '%string ''x''%', followed_epoch FROM mv_catalog.materialized_views"
    assert rows(con, shown) == [
        ("above", "stale", None, 0),
        ("bad", "suspended", True, 0),
        ("good", "fresh", None, 1),
    ]
    con.execute("DELETE FROM t WHERE s = 'x'")
    history = "SELECT name, from_state, event, to_state FROM mv_catalog.state_history WHERE subject = 'view'"
    assert con.execute(history + " ORDER BY seq").fetchall() == [
        ("bad", "fresh", "SUSPEND", "suspended"),
        ("bad", "suspended", "HEAL", "fresh"),
    ]


def test_a_healed_view_hands_its_difference_on(con: mvengine.Connection) -> None:
    bad(con)
    con.execute("CREATE MATERIALIZED VIEW above AS SELECT bad.a, total, n FROM bad JOIN good USING (a)")
    con.execute("INSERT INTO t VALUES (2, 'x')")
    check = "SELECT bad.a, total, n FROM bad JOIN good USING (a)"
    con.execute("INSERT INTO t VALUES (1, '5')")
    assert rows(con, "above") == rows(con, check) == [(1, 1, 2)]
    con.execute("DELETE FROM t WHERE s = 'x'")
    assert rows(con, "above") == rows(con, check) == [(1, 6, 2)]


def test_several_views_may_fail_in_one_write(con: mvengine.Connection) -> None:
    bad(con)
    con.execute(
        "CREATE MATERIALIZED VIEW worse WITH (on_error = 'suspend') AS SELECT CAST(s AS DATE) AS d FROM t WHERE a > 1"
    )
    con.execute("INSERT INTO t VALUES (2, 'x')")
    assert (state(con), state(con, "worse"), state(con, "good")) == ("suspended", "suspended", "fresh")


def test_a_view_that_fails_by_default_fails_also_a_write_that_suspends_another(con: mvengine.Connection) -> None:
    bad(con)
    con.execute("CREATE MATERIALIZED VIEW strict AS SELECT CAST(s AS INTEGER) AS i FROM t")
    with pytest.raises(DataError, match="materialized view strict: "):
        con.execute("INSERT INTO t VALUES (2, 'x')")
    assert rows(con, "t") == [(1, "1")]
    assert rows(con, "strict") == [(1,)]


def test_in_a_transaction_the_commit_fails_once_and_goes_through_when_it_is_run_again(con: mvengine.Connection) -> None:
    bad(con)

    def transaction() -> None:
        con.execute("BEGIN")
        con.execute("INSERT INTO t VALUES (2, 'x')")
        con.execute("INSERT INTO t VALUES (3, '3')")
        con.execute("COMMIT")

    with pytest.raises(SerializationFailure, match="materialized view bad is suspended") as failure:
        transaction()
    assert failure.value.code == "40001"
    assert failure.value.retryable
    assert rows(con, "t") == [(1, "1")]
    assert state(con) == "suspended"
    transaction()
    assert rows(con, "good") == [(1, 1), (2, 1), (3, 1)]
    assert state(con) == "suspended"
    con.execute("BEGIN")
    con.execute("DELETE FROM t WHERE s = 'x'")
    con.execute("COMMIT")
    assert state(con) == "fresh"
    check_views(con)


def test_a_read_inside_a_transaction_that_meets_the_failure_says_the_same(con: mvengine.Connection) -> None:
    bad(con)
    con.execute("BEGIN")
    con.execute("INSERT INTO t VALUES (2, 'x')")
    with pytest.raises(SerializationFailure, match="run the transaction again"):
        con.execute("SELECT * FROM good")
    con.execute("ROLLBACK")
    assert state(con) == "suspended"
    assert rows(con, "t") == [(1, "1")]


def test_a_refresh_goes_without_a_view_that_is_suspended(con: mvengine.Connection, tmp_path: Path) -> None:
    files = Files(tmp_path / "s")
    files.write(a="1,10 2,20")
    declare(con, "s", files)
    con.execute(
        "CREATE MATERIALIZED VIEW small WITH (on_error = 'suspend') AS SELECT sum(CAST(x AS TINYINT)) AS total FROM s"
    )
    con.execute("CREATE MATERIALIZED VIEW sums AS SELECT sum(x) AS total FROM s")
    con.execute("REFRESH TABLE s")
    files.write(a="1,1000 2,20")
    con.execute("REFRESH TABLE s")
    assert rows(con, "small") == [(30,)]
    assert rows(con, "sums") == [(1020,)]
    assert rows(con, "SELECT name, status FROM mv_catalog.tasks WHERE plan_id = 2 AND kind = 'maintain'") == [
        ("maintain small", "SKIPPED"),
        ("maintain sums", "COMPLETED"),
    ]
    assert one(con, "SELECT status FROM mv_catalog.plans WHERE plan_id = 2") == "COMPLETED"
    files.write(a="1,11 2,20")
    con.execute("REFRESH TABLE s")
    assert state(con, "small") == "fresh"
    assert rows(con, "small") == [(31,)]


def test_a_refresh_that_failed_of_a_view_goes_through_when_it_is_retried_and_the_view_may_be_suspended(
    con: mvengine.Connection, tmp_path: Path
) -> None:
    files = Files(tmp_path / "s")
    files.write(a="1,1000")
    declare(con, "s", files)
    con.execute("CREATE MATERIALIZED VIEW small AS SELECT sum(CAST(x AS TINYINT)) AS total FROM s")
    con.execute("CREATE MATERIALIZED VIEW sums AS SELECT sum(x) AS total FROM s")
    with pytest.raises(DataError, match="maintain small failed: ") as failure:
        con.execute("REFRESH TABLE s")
    assert "RETRY REFRESH 1" in str(failure.value.hint)
    con.execute("ALTER MATERIALIZED VIEW small SET (on_error = 'suspend')")
    con.execute("RETRY REFRESH 1")
    con.execute("WAIT")
    assert rows(con, "sums") == [(1000,)]
    assert state(con, "small") == "suspended"
    check_plans(con)


def test_refresh_of_a_suspended_view_heals_it_or_says_why_not(con: mvengine.Connection) -> None:
    bad(con)
    con.execute("INSERT INTO t VALUES (2, 'x')")
    for full in ("", " FULL"):
        with pytest.raises(DataError, match=r"materialized view bad is suspended.*'x'"):
            con.execute(f"REFRESH MATERIALIZED VIEW good, bad{full}")
    con.execute("REFRESH ALL")
    assert state(con) == "suspended"
    con.execute("ALTER MATERIALIZED VIEW bad SET (maintain = 'deferred')")
    con.execute("UPDATE t SET s = '7'")
    assert state(con) == "suspended"
    con.execute("REFRESH MATERIALIZED VIEW bad")
    assert state(con) == "fresh"
    check_views(con)


def test_deferred_views_are_suspended_at_their_refresh_and_the_others_are_published(con: mvengine.Connection) -> None:
    bad(con, "WITH (on_error = 'suspend', maintain = 'deferred')")
    con.execute("ALTER MATERIALIZED VIEW good SET (maintain = 'deferred')")
    con.execute("INSERT INTO t VALUES (2, 'x')")
    with pytest.raises(DataError, match="materialized view bad is suspended"):
        con.execute("REFRESH MATERIALIZED VIEW bad, good")
    assert (state(con), state(con, "good")) == ("suspended", "fresh")
    con.execute("DELETE FROM t WHERE s = 'x'")
    con.execute("REFRESH ALL")
    assert state(con) == "fresh"
    check_views(con)


def test_a_deferred_view_that_fails_by_default_publishes_nothing_of_its_refresh(con: mvengine.Connection) -> None:
    bad(con, "WITH (maintain = 'deferred')")
    con.execute("ALTER MATERIALIZED VIEW good SET (maintain = 'deferred')")
    con.execute("INSERT INTO t VALUES (2, 'x')")
    with pytest.raises(DataError, match="materialized view bad: "):
        con.execute("REFRESH MATERIALIZED VIEW good, bad")
    assert (state(con), state(con, "good")) == ("stale", "stale")
    con.execute("UPDATE t SET s = '2'")
    con.execute("REFRESH MATERIALIZED VIEW good, bad")
    check_views(con)


def test_a_view_that_fails_when_it_is_to_follow_at_commit_again_does_so_suspended(con: mvengine.Connection) -> None:
    bad(con, "WITH (on_error = 'suspend', maintain = 'deferred')")
    con.execute("INSERT INTO t VALUES (2, 'x')")
    con.execute("ALTER MATERIALIZED VIEW bad SET (maintain = 'on_commit')")
    assert state(con) == "suspended"
    con.execute("UPDATE t SET s = '2'")
    assert state(con) == "fresh"
    check_views(con)


def test_a_suspended_view_stays_so_over_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "d.db")
    with mvengine.connect(path) as con:
        con.execute("CREATE TABLE t (a INTEGER, s VARCHAR)")
        bad(con)
        con.execute("INSERT INTO t VALUES (2, 'x')")
    with mvengine.connect(path) as con:
        assert state(con) == "suspended"
        con.execute("UPDATE t SET s = '2'")
        assert state(con) == "fresh"
        check_views(con)


def test_a_suspended_view_can_be_dropped(con: mvengine.Connection) -> None:
    bad(con)
    con.execute("INSERT INTO t VALUES (2, 'x')")
    con.execute("DROP MATERIALIZED VIEW bad")
    assert one(con, "SELECT count(*) FROM mv_meta.view_states") == 0
    con.execute("BEGIN")
    con.execute("INSERT INTO t VALUES (3, 'x')")
    con.execute("COMMIT")
    check_views(con)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ("maintian = 'deferred'", UnknownOption, "did you mean 'maintain'"),
        ("maintain = 'later'", ProgrammingError, "allowed: on_commit, deferred"),
        ("target_lag = 'soon'", ProgrammingError, "an interval, as '90 seconds'"),
        ("target_lag = '0 minutes'", ProgrammingError, "an interval of 1 second to"),
        ("on_error = 'ignore'", ProgrammingError, "allowed: fail, suspend"),
        ("policy = 'best'", ProgrammingError, "allowed: auto, incremental, strict, full"),
        ("maintain = 'on_commit', target_lag = '1 minute'", ProgrammingError, "has no lag"),
    ],
)
def test_what_is_no_option_of_a_view_is_refused_by_create_and_alter(
    con: mvengine.Connection, options: str, kind: type[Exception], words: str
) -> None:
    for statement in (
        f"CREATE MATERIALIZED VIEW w WITH ({options}) AS SELECT a FROM t",
        f"ALTER MATERIALIZED VIEW good SET ({options})",
    ):
        with pytest.raises(kind, match=words):
            con.execute(statement)
    assert rows(con, "mv_catalog.settings") == []


def test_alter_changes_the_policy_where_the_plan_stays_the_same(con: mvengine.Connection) -> None:
    con.execute("ALTER MATERIALIZED VIEW good SET (policy = 'strict', on_error = 'suspend')")
    assert rows(con, "SELECT policy, on_error FROM mv_catalog.materialized_views") == [("strict", "suspend")]
    con.execute("INSERT INTO t VALUES (2, '2')")
    assert one(con, "SELECT reason FROM mv_catalog.maintenance_history WHERE name = 'good'") == "policy 'strict'"
    with pytest.raises(NotSupportedError, match="CREATE OR REPLACE MATERIALIZED VIEW good"):
        con.execute("ALTER MATERIALIZED VIEW good SET (policy = 'full')")
    con.execute("CREATE MATERIALIZED VIEW full WITH (policy = 'full') AS SELECT a FROM t")
    with pytest.raises(NotSupportedError, match="would need another plan"):
        con.execute("ALTER MATERIALIZED VIEW full RESET (policy)")
    with pytest.raises(ProgrammingError, match="exact_floats"):
        con.execute("ALTER MATERIALIZED VIEW good SET (exact_floats = true)")
