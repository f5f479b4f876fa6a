"""A refresh as a plan of tasks: their order (P10), its end (P11), its history (P03), and who is in its way (R08)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Lock

import pytest
from behaviour_world import Files, check_views, declare, epoch, one, rows
from plan_world import (
    Hold,
    causes,
    check_histories,
    connect,
    contents,
    create_diamond,
    events,
    last,
    refresh_in_background,
    release_when_asked,
    sources,
    staged_files,
    status,
    table_state,
    tasks,
    wait,
)

import mvengine
from mvengine.errors import StateError, UnknownRelation
from mvengine.refresh.plan.outcome import RefusalKind
from mvengine.refresh.run import operations
from mvengine.testing.faults import inject


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    with connect() as connection:
        yield connection
        check_histories(connection)


# -- P10: order and overlap --------------------------------------------------------------------------------------------


def most_running(con: mvengine.Connection, number: int) -> int:
    """How many tasks were RUNNING at a time, by the events."""
    running, most = 0, 0
    sql = f"""SELECT from_state, to_state FROM mv_catalog.events
        WHERE plan_id = {number} AND task_id IS NOT NULL ORDER BY seq"""
    for from_state, to_state in con.execute(sql).fetchall():
        running += (to_state == "RUNNING") - (from_state == "RUNNING")
        most = max(most, running)
    return most


def test_p10_a_task_of_a_diamond_starts_when_all_upstream_ones_are_completed(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10", b="2,20")
    declare(con, "t", files)
    create_diamond(con)
    con.execute("REFRESH TABLE t")
    number = last(con)
    depends = f"""SELECT t.name, u.name FROM mv_catalog.task_dependencies AS d
        JOIN mv_catalog.tasks AS t USING (plan_id, task_id)
        JOIN mv_catalog.tasks AS u ON (u.plan_id, u.task_id) = (d.plan_id, d.depends_on) WHERE plan_id = {number}"""
    upstream = con.execute(depends).fetchall()
    assert sorted(upstream) == [
        ("maintain a", "merge t"),
        ("maintain b", "merge t"),
        ("maintain c", "maintain a"),
        ("maintain c", "maintain b"),
        ("merge t", "load t"),
        ("publish", "maintain c"),
    ]
    sql = f"""SELECT name, min(seq) FILTER (event = 'EXECUTE'), max(seq) FILTER (event = 'COMPLETE')
        FROM mv_catalog.events JOIN mv_catalog.tasks USING (plan_id, task_id) WHERE plan_id = {number} GROUP BY name"""
    started, ended = {}, {}
    for name, start, end in con.execute(sql).fetchall():
        started[name], ended[name] = start, end
    assert all(ended[needed] < started[name] for name, needed in upstream)


@pytest.mark.parametrize("limit", [1, 2])
def test_p10_independent_loads_overlap_and_never_more_than_the_limit(tmp_path: Path, limit: int) -> None:
    live, most, lock = 0, 0, Lock()
    together = Barrier(limit)

    def stay_a_while() -> None:
        nonlocal live, most
        with lock:
            live += 1
            most = max(most, live)
        together.wait(10)  # as many as the limit allows must come here
        with lock:
            live -= 1

    with connect(max_concurrency=limit) as con:
        sources(con, tmp_path, "p", "q", "r", "s")
        with inject("stage.before_commit", stay_a_while):
            con.execute("REFRESH TABLE p, q, r, s")
        assert most == limit
        assert most_running(con, last(con)) == limit
        assert rows(con, "SELECT id FROM p UNION ALL FROM (SELECT id FROM s)") == [(1,), (4,)]
        check_histories(con)


def test_p10_a_third_load_waits_for_its_turn(tmp_path: Path) -> None:
    too_many = Barrier(3)

    def meet() -> None:
        with pytest.raises(BrokenBarrierError):
            too_many.wait(0.1)

    with connect(max_concurrency=2) as con:
        sources(con, tmp_path, "p", "q", "r")
        with inject("stage.before_commit", meet):
            con.execute("REFRESH TABLE p, q, r")
        assert most_running(con, last(con)) == 2


# -- P11: completed ----------------------------------------------------------------------------------------------------


def test_p11_a_plan_completes_by_itself_and_leaves_no_checkpoint(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10", b="2,20", c="3,30")
    declare(con, "t", files)
    create_diamond(con)
    number = refresh_in_background(con, "t")
    assert wait(con, number) == "COMPLETED"
    assert set(tasks(con, number).values()) == {"COMPLETED"}
    assert set(tasks(con, number, "checkpoint").values()) == {None}
    assert (tasks(con, number, "stages_done")["load t"], staged_files(con)) == (3, 0)
    assert events(con, number) == ["START", "COMPLETE"]
    assert events(con, number, "load t") == ["EXECUTE", "COMPLETE"]
    assert table_state(con) == "IDLE"
    plan = "SELECT trigger, tables, reads_all, is_background, epoch, error FROM mv_catalog.plans"
    assert con.execute(plan).fetchall() == [("background", ["t"], False, True, epoch(con), None)]
    assert one(con, "SELECT created_at <= started_at AND started_at <= finished_at FROM mv_catalog.plans") is True
    check_views(con)


def test_p11_an_empty_delta_completes_without_an_epoch(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10", b="2,20")
    declare(con, "t", files)
    create_diamond(con)
    con.execute("REFRESH TABLE t")
    before = epoch(con)
    files.path("a.csv").write_text("id,x\n1,10\n\n")  # another file with the same rows
    con.execute("REFRESH TABLE t")
    assert status(con, last(con)) == "COMPLETED"
    assert set(tasks(con, last(con)).values()) == {"COMPLETED"}
    assert (last(con), epoch(con)) == (2, before)


def test_p11_a_refresh_that_finds_nothing_has_a_number_only_where_it_was_given_before_it_looked(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    con.execute("REFRESH TABLE t")
    assert last(con) == 1
    number = refresh_in_background(con, "t")
    assert wait(con, number) == "COMPLETED"
    assert (number, tasks(con, number), events(con, number)) == (2, {}, ["START", "COMPLETE"])
    assert causes(con, number, "COMPLETE") == ["nothing has changed"]


# -- R08: several refreshes --------------------------------------------------------------------------------------------


def test_r08_background_returns_the_number_at_once(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    hold = Hold()
    with inject("refresh.after_split", hold):
        number = refresh_in_background(con, "t")
        hold.wait()
        assert (status(con, number), table_state(con), rows(con, "t")) == ("RUNNING", "REFRESHING", [])
        with pytest.raises(StateError, match=f"t is being refreshed already: it is REFRESHING, by refresh {number}"):
            con.execute("REFRESH TABLE t")
        hold.release()
        assert wait(con, number) == "COMPLETED"
    assert rows(con, "t") == [(1, 10)]


def test_r08_a_refresh_that_lists_its_source_or_was_paused_is_named_to_the_next_one(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    listing, staging = Hold(), Hold()
    with inject("refresh.before_trigger", listing), inject("refresh.after_split", staging):
        number = refresh_in_background(con, "t")
        listing.wait()
        with pytest.raises(StateError, match=f"its source is listed, by refresh {number} since"):
            con.execute("REFRESH TABLE t")
        listing.release()
        staging.wait()
        release_when_asked(con, number, staging.release)
        con.execute(f"PAUSE REFRESH {number}")
    with pytest.raises(StateError, match=f"by refresh {number}, which is paused") as refused:
        con.execute("REFRESH TABLE t")
    assert (refused.value.hint or "").startswith(f"RESUME REFRESH {number} lets that refresh go on")


def test_r08_two_tables_in_the_background_have_one_epoch(con: mvengine.Connection, tmp_path: Path) -> None:
    sources(con, tmp_path, "t", "u")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT (SELECT sum(x) FROM t) + (SELECT sum(x) FROM u) AS total")
    before = epoch(con)
    number = refresh_in_background(con, "t", "u")
    assert wait(con, number) == "COMPLETED"
    assert epoch(con) == before + 1  # type: ignore[operator]
    assert rows(con, "SELECT DISTINCT last_epoch FROM mv_catalog.refresh_jobs") == [(epoch(con),)]
    assert rows(con, "v") == [(30,)]


def test_r08_a_queued_refresh_waits_for_the_one_before_and_sees_what_came_meanwhile(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    hold = Hold()
    with inject("refresh.after_staged", hold):
        first = refresh_in_background(con, "t")
        hold.wait()
        files.write(b="2,20")
        second = refresh_in_background(con, "t", more="QUEUE")
        assert (status(con, first), status(con, second)) == ("RUNNING", "CREATED")
        hold.release()
        assert (wait(con, first), wait(con, second)) == ("COMPLETED", "COMPLETED")
    assert rows(con, "t") == [(1, 10), (2, 20)]
    ended = f"SELECT finished_at FROM mv_catalog.plans WHERE plan_id = {first}"
    assert one(con, f"SELECT started_at >= ({ended}) FROM mv_catalog.plans WHERE plan_id = {second}") is True


def test_r08_a_queued_refresh_in_the_foreground_waits_too(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    hold = Hold()
    with inject("refresh.after_staged", hold):
        first = refresh_in_background(con, "t")
        hold.wait()
        files.write(b="2,20")
        hold.release()
        con.execute("REFRESH TABLE t QUEUE")
    assert (wait(con, first), rows(con, "t")) == ("COMPLETED", [(1, 10), (2, 20)])


def test_r08_a_queued_refresh_can_be_cancelled_and_cannot_be_paused(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    hold = Hold()
    with inject("refresh.after_staged", hold):
        first = refresh_in_background(con, "t")
        hold.wait()
        second = refresh_in_background(con, "t", more="QUEUE")
        with pytest.raises(StateError, match=f"cannot PAUSE refresh {second}: it is CREATED"):
            con.execute(f"PAUSE REFRESH {second}")
        assert con.execute(f"CANCEL REFRESH {second}").fetchall() == [(second, "CANCELLED")]
        assert (status(con, first), table_state(con)) == ("RUNNING", "FINISHING")
        hold.release()
        assert wait(con, first) == "COMPLETED"
    assert (events(con, second), causes(con, second, "CANCEL")) == (["CANCEL"], ["CANCEL REFRESH"])
    assert rows(con, "t") == [(1, 10)]


def test_r08_a_queued_refresh_goes_on_after_a_restart(tmp_path: Path, files: Files) -> None:
    files.write(a="1,10")
    path = tmp_path / "w.db"
    with connect(path) as con:
        declare(con, "t", files)
        hold = Hold()
        with inject("refresh.after_split", hold):
            first = refresh_in_background(con, "t")
            hold.wait()
            database = con._database
            second = refresh_in_background(con, "t", more="QUEUE")
            database.workers.stop.set()  # the queued one ends as it does when the database is closed
            database.registry.running(second).control.wait_for_end(10)  # type: ignore[union-attr]
            assert status(con, second) == "CREATED"
            hold.release()
    with connect(path) as con:
        assert (wait(con, first), wait(con, second)) == ("COMPLETED", "COMPLETED")
        assert rows(con, "t") == [(1, 10)]
        check_histories(con)


@pytest.mark.parametrize(
    "point", ["refresh.after_trigger", "stage.before_commit", "refresh.after_split", "refresh.after_staged"]
)
def test_r08_a_drop_during_a_refresh_cancels_it_and_says_why(
    con: mvengine.Connection, tmp_path: Path, point: str
) -> None:
    sources(con, tmp_path, "t", "u")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM u")
    hold = Hold()
    with inject(point, hold):
        number = refresh_in_background(con, "t", "u")
        hold.wait()
        with con.cursor() as other:
            other.execute("DROP TABLE t")
        hold.release()
        assert wait(con, number) == "CANCELLED"
    assert causes(con, number, "CANCEL")[-1] == "t was dropped while it was being refreshed"
    found = tasks(con, number)
    assert found.pop("load t") in ("CANCELLED", "COMPLETED")
    assert rows(con, "SELECT message FROM mv_catalog.failures") == []  # a DROP is no failure
    assert set(found.values()) <= {"CANCELLED", "COMPLETED"}
    assert "PUBLISH" not in rows(con, "SELECT event FROM mv_catalog.state_history")
    assert (table_state(con, "u"), staged_files(con)) == ("IDLE", 0)
    assert contents(con) == {"u": [], "v": [(0,)]}
    con.execute("REFRESH TABLE u")
    assert contents(con) == {"u": [(2, 20)], "v": [(1,)]}


# -- numbers that are not a refresh's ----------------------------------------------------------------------------------

OPERATIONS = {
    "PAUSE": operations.pause,
    "RESUME": operations.resume,
    "CANCEL": operations.cancel,
    "RETRY": operations.retry,
    "ROLLBACK": operations.rollback,
}


@pytest.mark.parametrize("verb", OPERATIONS)
def test_an_operation_on_an_unknown_number_is_a_refusal_that_says_so(con: mvengine.Connection, verb: str) -> None:
    outcome = OPERATIONS[verb](con._database, 41)
    assert outcome.refusal is not None
    assert (outcome.refusal.kind, outcome.status, outcome.is_done) == (RefusalKind.UNKNOWN, None, False)
    with pytest.raises(UnknownRelation, match="there is no refresh 41"):
        con.execute(f"{verb} REFRESH 41")
    con.execute("CREATE TABLE o (id INTEGER)")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM o")
    job = one(con, "SELECT max(job_id) FROM mv_catalog.jobs")
    with pytest.raises(UnknownRelation, match=f"there is no refresh {job}"):
        con.execute(f"{verb} REFRESH {job}")


ALLOWED = {
    ("PAUSED", "RESUME"),
    ("PAUSED", "RETRY"),
    ("PAUSED", "CANCEL"),
    ("FAILED", "RETRY"),
    ("FAILED", "ROLLBACK"),
}


@pytest.mark.parametrize("state", ["CREATED", "PAUSED", "COMPLETED", "FAILED", "ROLLED_BACK", "CANCELLED"])
def test_p01_an_operation_that_the_state_does_not_allow_is_refused_and_writes_nothing(
    con: mvengine.Connection, files: Files, state: str
) -> None:
    """Of RUNNING see test_pause: there the execution itself answers."""
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    meta = con._database.engine
    meta.query(f"UPDATE mv_meta.plans SET status = '{state}'")
    before = [meta.query(f"FROM mv_meta.{name}") for name in ("plans", "tasks", "plan_events")]
    for verb, operation in OPERATIONS.items():
        if (state, verb) in ALLOWED or (state, verb) == ("CREATED", "CANCEL"):
            continue
        outcome = operation(con._database, 1)
        assert outcome.refusal is not None
        assert (outcome.refusal.kind, outcome.status) == (RefusalKind.ILLEGAL_TRANSITION, state)
        assert outcome.refusal.message == f"cannot {verb} refresh 1: it is {state}"
        with pytest.raises(StateError, match=f"cannot {verb} refresh 1: it is {state}"):
            con.execute(f"{verb} REFRESH 1")
    assert [meta.query(f"FROM mv_meta.{name}") for name in ("plans", "tasks", "plan_events")] == before
    meta.query("UPDATE mv_meta.plans SET status = 'COMPLETED'")
