"""Jobs and refreshes in their states: J01, F01, F04, R08; several tables at once, and who is refused meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from behaviour_world import Files, check_views, declare, epoch, one, rows

import mvengine
from mvengine.errors import Error, SourceError, StateError
from mvengine.testing.faults import inject

RACES = 200
WAIT_SECONDS = 20


def state(con: mvengine.Connection, table: str = "t") -> object:
    return one(con, f"SELECT state FROM mv_catalog.refresh_jobs WHERE table_name = '{table}'")


def history(con: mvengine.Connection, subject: str, name: str) -> list[tuple[object, ...]]:
    sql = "SELECT from_state, event, to_state FROM mv_catalog.state_history WHERE subject = ? AND name = ? ORDER BY seq"
    return con.execute(sql, [subject, name]).fetchall()


# -- J01: jobs ---------------------------------------------------------------------------------------------------------


def test_j01_a_creation_is_a_job_whose_states_are_recorded_with_time_and_cause(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t")
    jobs = con.execute("SELECT name, kind, status, progress FROM mv_catalog.jobs ORDER BY job_id").fetchall()
    assert jobs == [("t", "table", "CREATED", 1.0), ("v", "materialized_view", "CREATED", 1.0)]
    for name in ("t", "v"):
        assert history(con, "job", name) == [("INITIAL", "START", "CREATING"), ("CREATING", "COMPLETE", "CREATED")]
    untold = "SELECT count(*) FROM mv_catalog.state_history WHERE cause = '' OR occurred_at IS NULL"
    assert one(con, untold) == 0


def test_j01_a_creation_is_seen_as_creating_by_others_until_it_is_done(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE o (id INT)")
    with con.cursor() as reader:
        seen: list[object] = []
        question = "SELECT status FROM mv_catalog.jobs WHERE name = 'v'"
        with inject("create.before_commit", lambda: seen.append(one(reader, question))):
            con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM o")
        assert (seen, one(reader, question)) == (["CREATING"], "CREATED")


def test_j01_a_creation_that_fails_leaves_no_trace_but_its_history(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE o (id VARCHAR)")
    con.execute("INSERT INTO o VALUES ('many')")
    with pytest.raises(mvengine.DataError):
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT CAST(id AS INT) AS id FROM o")
    assert rows(con, "mv_catalog.jobs") == []
    assert rows(con, "mv_catalog.fragments") == []
    (*_, (_, event, _)) = history(con, "job", "v")
    assert event == "DROP"
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT TRY_CAST(id AS INT) AS id FROM o")
    assert rows(con, "v") == [(None,)]


# -- F01: refreshing, finishing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ("refresh.after_trigger", "REFRESHING"),
        ("stage.before_commit", "REFRESHING"),
        ("refresh.after_staged", "FINISHING"),
        ("publish.before_commit", "FINISHING"),
        ("publish.after_commit", "IDLE"),
    ],
)
def test_f01_another_connection_sees_the_state_of_a_running_refresh(
    con: mvengine.Connection, files: Files, point: str, expected: str
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    with con.cursor() as reader:
        seen: list[object] = []
        with inject(point, lambda: seen.append(state(reader))):
            con.execute("REFRESH TABLE t")
        assert seen == [expected]


def test_f01_each_state_of_a_refresh_is_in_the_history_once(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    assert history(con, "refresh", "t") == [
        ("IDLE", "TRIGGER", "REFRESHING"),
        ("REFRESHING", "STAGE_DONE", "FINISHING"),
        ("FINISHING", "PUBLISH", "IDLE"),
    ]
    trigger, success = con.execute(
        "SELECT last_trigger_time, last_success_time FROM mv_catalog.refresh_jobs"
    ).fetchall()[0]
    assert trigger <= success


# -- R08: several tables, several refreshes ----------------------------------------------------------------------------


def test_r08_two_tables_of_one_refresh_have_one_epoch_and_views_over_both_follow_once(
    con: mvengine.Connection, tmp_path: Path
) -> None:
    sources = {name: Files(tmp_path / name) for name in ("t", "u")}
    for name, source in sources.items():
        source.write(a="1,10 2,20")
        declare(con, name, source)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT t.id, u.x FROM t JOIN u USING (id)")
    before = epoch(con)
    con.execute("REFRESH TABLE t, u, t")
    found = con.execute("SELECT table_name, last_epoch FROM mv_catalog.refresh_jobs ORDER BY 1").fetchall()
    assert epoch(con) == before + 1  # type: ignore[operator]
    assert found == [("t", epoch(con)), ("u", epoch(con))]
    assert rows(con, "v") == [(1, 10), (2, 20)]
    assert len(rows(con, "SELECT epoch FROM mv_catalog.maintenance_history WHERE name = 'v'")) == 1


def test_r08_a_second_refresh_is_refused_and_names_the_state_and_the_first(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    refused: list[StateError] = []
    with con.cursor() as other:

        def refresh_too() -> None:
            with pytest.raises(StateError) as raised:
                other.execute("REFRESH TABLE t")
            refused.append(raised.value)

        with inject("refresh.after_trigger", refresh_too), inject("refresh.after_staged", refresh_too):
            con.execute("REFRESH TABLE t")
    first, second = (error.message for error in refused)
    assert first.startswith("t is being refreshed already: it is REFRESHING, by refresh 1 since")
    assert "it is FINISHING" in second
    assert rows(con, "t") == [(1, 10)]
    assert len(history(con, "refresh", "t")) == 3


def test_r08_dml_during_a_refresh_waits_for_nobody_and_the_table_equals_its_files_after_the_next(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    con.execute("REFRESH TABLE t")
    files.write(a="1,11")
    with con.cursor() as writer, inject("refresh.after_split", lambda: writer.execute("INSERT INTO t VALUES (7, 70)")):
        con.execute("REFRESH TABLE t")
    check_views(con)
    con.execute("REFRESH TABLE t")
    assert (rows(con, "t"), rows(con, "v")) == ([(1, 11)], [(11,)])


@pytest.mark.parametrize("point", ["refresh.after_trigger", "refresh.after_split", "refresh.after_staged"])
def test_r08_a_drop_during_a_refresh_ends_it_and_leaves_nothing(
    con: mvengine.Connection, files: Files, point: str
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t")
    other = con.cursor()
    drop = once(lambda: other.execute("DROP TABLE t CASCADE"))
    with inject(point, drop), pytest.raises(Error, match=r"\bt\b"):
        con.execute("REFRESH TABLE t")
    other.close()
    for name in ("tables", "jobs", "refresh_jobs", "fragments", "source_files", "dependencies"):
        assert rows(con, f"mv_catalog.{name}") == [], name
    assert rows(con, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mv_state'") == []
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10)]


def once(action: Callable[[], object]) -> Callable[[], None]:
    left = [action]

    def act() -> None:
        if left:
            left.pop()()

    return act


# -- F04: races --------------------------------------------------------------------------------------------------------


def test_f04_of_two_connections_that_race_for_a_refresh_exactly_one_wins(
    con: mvengine.Connection, files: Files
) -> None:
    """The winner waits until the other has lost, lest it be done before the other begins, and then gives up."""
    files.write(a="1,10")
    declare(con, "t", files)
    results: list[type[Error]] = []
    lost = Event()

    def wait_for_the_loser() -> None:
        raise SourceError("somebody lost" if lost.wait(WAIT_SECONDS) else "nobody lost")

    def race(racer: mvengine.Connection, barrier: Barrier) -> None:
        barrier.wait(WAIT_SECONDS)
        try:
            racer.execute("REFRESH TABLE t")
        except Error as error:
            is_refused = isinstance(error, StateError)
            results.append(StateError if is_refused else type(error))
            if is_refused:
                lost.set()

    racers = [con.cursor(), con.cursor()]
    with inject("refresh.after_trigger", wait_for_the_loser):
        for _ in range(RACES):
            results.clear()
            lost.clear()
            barrier = Barrier(len(racers))
            threads = [Thread(target=race, args=(racer, barrier)) for racer in racers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(WAIT_SECONDS)
            assert results == [StateError, SourceError]
    for racer in racers:
        racer.close()
    assert history(con, "refresh", "t") == RACES * [
        ("IDLE", "TRIGGER", "REFRESHING"),
        ("REFRESHING", "FAIL", "IDLE"),
    ]
    assert one(con, "SELECT last_error FROM mv_catalog.refresh_jobs") == "58030: somebody lost"
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10)]
