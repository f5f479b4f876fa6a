"""Jobs: what is made in the background while writers go on (J01–J03)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Semaphore

import duckdb
import pytest
from behaviour_world import Files, check_views, declare, one, rows

import mvengine
from mvengine.errors import DataError, DependentObjects, DuplicateRelation, ProgrammingError, StateError
from mvengine.testing.faults import inject

SECONDS_MAX = 30

VIEWS = {
    "joined": "SELECT name, sum(x) AS total, count(*) AS n FROM t JOIN s USING (g) GROUP BY name",
    "extremes": "SELECT g, min(x) AS lo, max(x) AS hi, avg(x) AS mean FROM t GROUP BY g",
    "names": "SELECT DISTINCT name, x FROM t JOIN s USING (g)",
    "pairs": "SELECT a.id, b.id AS other FROM t AS a JOIN t AS b ON a.x = b.x AND a.id < b.id",
    "sizes": "SELECT n, count(*) AS groups FROM base GROUP BY n",
    "labelled": "SELECT base.g, n, name FROM base JOIN s USING (g) JOIN t ON t.g = base.g",
    "ranks": "SELECT id, rank() OVER (ORDER BY x, id) AS place FROM t",
    "how_many": "SELECT count(*) AS n FROM t CROSS JOIN s",
    "loaded": "SELECT t.id, files.x FROM t JOIN files ON t.id = files.id",
    "together": "SELECT id, x FROM files UNION ALL SELECT g, 0 FROM s",
}

POINTS = ("build.after_announce", "build.in_snapshot", "build.after_snapshot", "build.after_round")


class Hold:
    """What an injected fault does here: it keeps the builders at the point until it is left."""

    def __init__(self) -> None:
        self._arrived, self._left = Semaphore(0), Event()

    def __call__(self) -> None:
        self._arrived.release()
        assert self._left.wait(SECONDS_MAX)

    def wait_for(self, builders: int) -> None:
        for _ in range(builders):
            assert self._arrived.acquire(timeout=SECONDS_MAX)

    def leave(self) -> None:
        self._left.set()


@contextmanager
def held(point: str) -> Iterator[Hold]:
    """Builders are held at ``point`` until the block ends, or ``leave``."""
    hold = Hold()
    with inject(point, hold):
        try:
            yield hold
        finally:
            hold.leave()


def create_inputs(con: mvengine.Connection, files: Files) -> None:
    con.execute("CREATE TABLE t AS SELECT i AS id, i % 7 AS g, i % 11 AS x FROM range(60) AS r(i)")
    con.execute("INSERT INTO t VALUES (100, NULL, NULL), (101, 1, NULL), (102, NULL, 3)")
    con.execute("CREATE TABLE s AS SELECT i AS g, 'n' || i % 4 AS name FROM range(9) AS r(i)")
    con.execute("CREATE MATERIALIZED VIEW base AS SELECT g, count(*) AS n FROM t GROUP BY g")
    files.write(a="1,10 2,20 3,30", b="4,40 100,50")
    declare(con, "files", files)


def change_all(con: mvengine.Connection, files: Files, salt: int) -> None:
    """Writes and refreshes on every input; several of them at once."""
    con.execute(f"INSERT INTO t SELECT 200 + {salt} * 50 + i, i % 5, i FROM range(20) AS r(i)")
    con.execute("BEGIN")
    con.execute(f"DELETE FROM t WHERE id % 7 = {salt}")
    con.execute(f"UPDATE s SET name = 'm' || g WHERE g % 3 = {salt % 3}")
    con.execute("FROM base")
    con.execute("UPDATE t SET x = x + 1, g = g + 1 WHERE id % 5 = 2")
    con.execute(f"INSERT INTO s VALUES (1, 'again'), ({salt}, NULL)")
    con.execute("COMMIT")
    con.execute("REFRESH TABLE files")
    files.write(a=f"1,1{salt} 3,30 5,5", b="4,40")
    con.execute("REFRESH TABLE files")
    con.execute("REFRESH MATERIALIZED VIEW base FULL")
    con.execute("DELETE FROM s WHERE name = 'n3'")


def in_background(con: mvengine.Connection, name: str, query: str) -> int:
    con.execute(f"CREATE MATERIALIZED VIEW {name} BACKGROUND AS {query}")
    ((job_id, status),) = con.fetchall()
    assert status == "CREATING"
    return int(job_id)


def history(con: mvengine.Connection, job_id: int) -> list[tuple[object, ...]]:
    return con.execute(
        "SELECT from_state, event, to_state, cause FROM mv_catalog.state_history "
        "WHERE subject = 'job' AND subject_id = ? ORDER BY seq",
        [job_id],
    ).fetchall()


def check_no_trace(con: mvengine.Connection, *kept: str) -> None:
    """Nothing is there of what is not in ``kept``."""
    expected = sorted((name,) for name in kept)
    for table in ("relations", "jobs"):
        assert rows(con, f"SELECT name FROM mv_meta.{table}") == expected, table
    assert one(con, "SELECT count(*) FROM mv_meta.fragments") == len(kept)
    assert rows(con, "SELECT * FROM mv_meta.consumers") == []
    tables = rows(con, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mv_state'")
    assert [name for (name,) in tables if str(name).partition("$")[0].partition("#")[0] not in kept] == []
    assert [name for (name,) in tables if "$log" in str(name)] == []


# -- J01 ---------------------------------------------------------------------------------------------------------------


def test_j01_a_creation_in_the_foreground_returns_when_it_is_created_and_its_states_are_recorded(
    con: mvengine.Connection,
) -> None:
    con.execute("CREATE TABLE t (x INT)")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    assert rows(con, "SELECT name, status, is_background FROM mv_catalog.jobs") == [("v", "CREATED", False)]
    assert history(con, 1) == [("INITIAL", "START", "CREATING", "CREATE"), ("CREATING", "COMPLETE", "CREATED", "built")]
    assert one(con, "SELECT count(*) FROM mv_catalog.state_history WHERE occurred_at IS NULL") == 0


def test_j01_a_creation_in_the_background_returns_a_job_that_can_be_watched_and_waited_for(
    con: mvengine.Connection,
) -> None:
    con.execute("CREATE TABLE t AS SELECT i AS x FROM range(10) AS r(i)")
    with held("build.in_snapshot") as hold:
        job = in_background(con, "v", "SELECT sum(x) AS total FROM t")
        hold.wait_for(1)
        shown = rows(con, "SELECT name, status, phase, is_background FROM mv_catalog.jobs")
        assert shown == [("v", "CREATING", "ConsumingSnapshot", True)]
        assert len(con.execute("SHOW JOBS").fetchall()) == 1
        with pytest.raises(StateError, match=f"job {job} is not over") as late:
            con.execute(f"WAIT JOB {job} TIMEOUT 0.01")
        assert late.value.code == "57014"
    assert con.execute(f"WAIT JOB {job}").fetchall() == [(job, "CREATED")]
    assert rows(con, "v") == [(45,)]
    assert rows(con, "SELECT status, phase, progress FROM mv_catalog.jobs") == [("CREATED", None, 1.0)]
    assert [event for _, event, _, _ in history(con, job)] == ["START", "COMPLETE"]


def test_j01_background_ddl_makes_every_creation_a_job(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    con.execute("SET background_ddl = true")
    declare(con, "t", files)
    assert con.fetchall()[0][1] == "CREATING"
    con.execute("WAIT")
    con.execute("REFRESH TABLE t")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    con.execute("WAIT")
    assert rows(con, "v") == [(10,)]
    assert rows(con, "SELECT DISTINCT is_background, status FROM mv_catalog.jobs") == [(True, "CREATED")]
    con.execute("RESET background_ddl")
    con.execute("CREATE MATERIALIZED VIEW w AS SELECT count(*) AS n FROM v")
    assert rows(con, "w") == [(1,)]


def test_j01_a_refreshable_table_is_declared_in_the_background(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    with held("build.after_announce"):
        declare(con, "t", files, more="BACKGROUND")
        ((job, _),) = con.fetchall()
        assert rows(con, "SELECT name, kind, status FROM mv_catalog.jobs") == [("t", "table", "CREATING")]
    con.execute(f"WAIT JOB {job}")
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10)]


@pytest.mark.parametrize("point", POINTS)
def test_j01_a_cancelled_job_leaves_no_trace_but_its_history(con: mvengine.Connection, point: str) -> None:
    con.execute("CREATE TABLE t AS SELECT i AS x FROM range(10) AS r(i)")
    arrived = Event()

    def until_cancelled() -> None:
        arrived.set()
        (build,) = con._database.builds.values()
        assert build.is_asked.wait(SECONDS_MAX)

    with inject(point, until_cancelled):
        job = in_background(con, "v", "SELECT sum(x) AS total FROM t")
        assert arrived.wait(SECONDS_MAX)
        con.execute("INSERT INTO t VALUES (5)")
        con.execute(f"CANCEL JOB {job}")
    check_no_trace(con)
    assert history(con, job)[-1] == ("CREATING", "CANCEL", None, "CANCEL JOB")
    with pytest.raises(StateError, match=r"(?i)cancel"):
        con.execute(f"WAIT JOB {job}")
    con.execute("INSERT INTO t VALUES (6)")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    assert rows(con, "v") == [(56,)]


def test_j01_a_cancel_interrupts_a_statement_that_would_run_for_hours(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE big AS SELECT i AS x FROM range(300000) AS r(i)")
    job = in_background(con, "v", "SELECT count(*) AS n FROM big AS a JOIN big AS b ON hash(a.x) % 7 <= hash(b.x) % 9")
    con.execute(f"CANCEL JOB {job}")
    check_no_trace(con)


def test_j01_a_job_that_fails_says_why_and_leaves_no_trace(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT 'a' || i AS x FROM range(10) AS r(i)")
    job = in_background(con, "v", "SELECT CAST(x AS INTEGER) AS x FROM t")
    with pytest.raises(DataError, match="Could not convert"):
        con.execute(f"WAIT JOB {job}")
    check_no_trace(con)
    before, event, after, cause = history(con, job)[-1]
    assert (before, event, after) == ("CREATING", "FAIL", None)
    assert "Could not convert" in str(cause)
    con.execute("CREATE TABLE v (id INT)")  # the name is free


def test_j01_a_job_that_fails_by_a_row_that_comes_later_says_why(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT '1' AS x")
    with held("build.after_snapshot") as hold:
        job = in_background(con, "v", "SELECT CAST(x AS INTEGER) AS x FROM t")
        hold.wait_for(1)
        con.execute("INSERT INTO t VALUES ('word')")
    with pytest.raises(DataError, match="word"):
        con.execute(f"WAIT JOB {job}")
    check_no_trace(con)
    assert rows(con, "SELECT count(*) FROM t") == [(2,)]


def test_j01_a_job_inside_a_transaction_is_refused(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t (x INT)")
    con.execute("BEGIN")
    with pytest.raises(ProgrammingError, match="BEGIN"):
        con.execute("CREATE MATERIALIZED VIEW v BACKGROUND AS SELECT x FROM t")
    con.execute("ROLLBACK")
    check_no_trace(con)


def test_j01_the_name_of_what_is_being_built_is_taken(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t (x INT)")
    with held("build.in_snapshot") as hold:
        job = in_background(con, "v", "SELECT x FROM t")
        hold.wait_for(1)
        for statement in (
            "CREATE TABLE v (id INT)",
            "CREATE MATERIALIZED VIEW V AS SELECT x FROM t",
            "CREATE VIEW v AS FROM t",
        ):
            with pytest.raises(DuplicateRelation, match=f"job {job}"):
                con.execute(statement)
        con.execute("CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT x FROM t")
    con.execute(f"WAIT JOB {job}")
    assert rows(con, "v") == []


def test_j01_what_a_job_reads_is_dropped_with_cascade_only_which_cancels_it(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t (x INT)")
    con.execute("CREATE MATERIALIZED VIEW base AS SELECT x, count(*) AS n FROM t GROUP BY x")
    hold = Hold()
    with inject("build.in_snapshot", hold):
        job = in_background(con, "v", "SELECT n, count(*) AS c FROM base GROUP BY n")
        hold.wait_for(1)
        for statement in ("DROP TABLE t", "DROP MATERIALIZED VIEW base"):
            with pytest.raises(DependentObjects, match=f"job {job}|base"):
                con.execute(statement)
        con.execute("BEGIN")
        with pytest.raises(StateError, match=f"job {job}"):
            con.execute("DROP TABLE t CASCADE")
        con.execute("ROLLBACK")
        with pytest.raises(DependentObjects):
            con.execute("ALTER TABLE t DROP COLUMN x")
        hold.leave()
        con.execute("DROP TABLE t CASCADE")
    check_no_trace(con)
    assert history(con, job)[-1][1] in ("CANCEL", "DROP")  # or it was CREATED just before


# -- J02 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", POINTS)
def test_j02_views_equal_their_queries_whatever_is_written_and_refreshed_while_they_are_built(
    con: mvengine.Connection, files: Files, point: str
) -> None:
    create_inputs(con, files)
    with held(point) as hold:
        jobs = [in_background(con, name, query) for name, query in VIEWS.items()]
        hold.wait_for(len(VIEWS))
        change_all(con, files, 1)
        change_all(con, files, 2)
    for job in jobs:
        con.execute(f"WAIT JOB {job}")
    check_views(con)
    assert rows(con, "SELECT * FROM mv_meta.consumers") == []
    assert rows(con, "SELECT table_name FROM duckdb_tables() WHERE ends_with(table_name, '$log')") == []
    change_all(con, files, 3)
    check_views(con)


def test_j02_a_view_that_reads_no_table_is_built_in_the_background_too(con: mvengine.Connection) -> None:
    job = in_background(con, "v", "SELECT 1 AS x")
    con.execute(f"WAIT JOB {job}")
    assert rows(con, "v") == [(1,)]


def test_j02_two_builds_of_one_table_share_its_log_although_they_read_different_columns(
    con: mvengine.Connection,
) -> None:
    con.execute('CREATE TABLE "T x" AS SELECT i AS a, i AS "B b", i AS c FROM range(5) AS r(i)')
    with held("build.after_snapshot") as hold:
        first = in_background(con, "v", 'SELECT sum(a) AS a FROM "T x"')
        hold.wait_for(1)
        con.execute('UPDATE "T x" SET a = 10 WHERE c = 1')
        second = in_background(con, "w", 'SELECT c, max("B b") AS b FROM "T x" GROUP BY c')
        hold.wait_for(1)
        con.execute('UPDATE "T x" SET "B b" = 20 WHERE a = 10')
        con.execute('INSERT INTO "T x" VALUES (7, 8, 9)')
        with ThreadPoolExecutor(1) as pool, con.cursor() as other:
            build = con._database.builds[first]
            cancelled = pool.submit(other.execute, f"CANCEL JOB {first}")
            assert build.is_asked.wait(SECONDS_MAX)
            hold.leave()
            cancelled.result(timeout=SECONDS_MAX)
    con.execute(f"WAIT JOB {second}")
    check_views(con)
    check_no_trace(con, "w")


def test_j02_a_build_goes_through_its_phases(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT i AS x FROM range(10) AS r(i)")
    seen: list[object] = []
    told: list[object] = []

    def look() -> None:
        with con.cursor() as other:
            seen.append(one(other, "SELECT phase FROM mv_catalog.jobs"))
            told.extend((each.id, each.phase, each.current) for each in other.progress())

    with (
        inject("build.in_snapshot", look),
        inject("build.after_round", look),
        inject("build.before_finish_commit", look),
    ):
        con.execute(f"WAIT JOB {in_background(con, 'v', 'SELECT sum(x) AS total FROM t')}")
    assert seen == ["ConsumingSnapshot", "ConsumingLogStore", "Finishing"]
    assert told == [(1, "building", f"build v: {phase}") for phase in seen]
    assert con.progress() == ()


def test_j01_a_creation_in_the_foreground_is_told_of_too(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT i AS x FROM range(10) AS r(i)")
    told: list[object] = []

    def look() -> None:
        told.extend((each.kind, each.id, each.name, each.phase, each.current) for each in con.progress())

    with inject("create.before_commit", look):
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    assert told == [("job", 1, "v", "building", "build v")]
    assert con.progress() == ()


def test_j02_a_build_with_much_in_its_log_reads_it_in_rounds_and_trims_it(
    con: mvengine.Connection, files: Files
) -> None:
    create_inputs(con, files)
    left: list[object] = []

    def write_more() -> None:
        with con.cursor() as other:
            left.append(one(other, 'SELECT count(*) FROM mv_state."t$log"'))
            if len(left) <= 2:
                other.execute("INSERT INTO t SELECT i, i % 9, i % 5 FROM range(3000) AS r(i)")

    with inject("build.after_round", write_more):
        con.execute(f"WAIT JOB {in_background(con, 'v', VIEWS['joined'])}")
    assert left == [0, 0, 0]
    check_views(con)


def test_j02_a_write_that_conflicts_with_the_end_of_a_build_is_refused_and_not_lost(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t AS SELECT i AS x FROM range(10) AS r(i)")
    with held("build.after_round") as hold:
        job = in_background(con, "v", "SELECT sum(x) AS total FROM t")
        hold.wait_for(1)
        other = con.cursor()
        other.execute("BEGIN")
        other.execute("SELECT * FROM t").fetchall()  # its snapshot has no v yet
    con.execute(f"WAIT JOB {job}")
    with pytest.raises(mvengine.Error) as refused:
        other.execute("INSERT INTO t VALUES (100)")
    assert refused.value.code == "40001"
    other.execute("ROLLBACK")
    other.execute("INSERT INTO t VALUES (100)")
    other.close()
    assert rows(con, "v") == [(145,)]


# -- J03 ---------------------------------------------------------------------------------------------------------------


def reopened(path: Path) -> mvengine.Connection:
    return mvengine.connect(str(path))


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("build.after_announce", "no snapshot yet"),
        ("build.in_snapshot", "ConsumingSnapshot and had no snapshot yet"),
        ("build.after_snapshot", "it goes on from epoch"),
        ("build.after_round", "ConsumingLogStore; it goes on from epoch"),
    ],
)
def test_j03_a_job_in_the_background_goes_on_when_the_database_is_opened_again(
    tmp_path: Path, files: Files, point: str, said: str
) -> None:
    path = tmp_path / "jobs.db"
    con = reopened(path)
    create_inputs(con, files)
    arrived, stop = Event(), con._database.workers.stop

    def until_closed() -> None:
        arrived.set()
        stop.wait(SECONDS_MAX)

    with inject(point, until_closed):
        job = in_background(con, "v", VIEWS["joined"])
        assert arrived.wait(SECONDS_MAX)
        change_all(con, files, 1)
        con.close()
    with reopened(path) as con:
        change_all(con, files, 2)
        con.execute(f"WAIT JOB {job}")
        check_views(con)
        assert rows(con, "SELECT name FROM mv_catalog.materialized_views") == [("base",), ("v",)]
        recovered = [cause for before, event, after, cause in history(con, job) if event == "RECOVER"]
        assert len(recovered) == 1
        assert said in str(recovered[0])


@pytest.mark.parametrize(("status", "is_background"), [("INITIAL", True), ("INITIAL", False), ("CREATING", False)])
def test_j03_other_unfinished_jobs_are_cleaned_away_with_everything_they_had(
    tmp_path: Path, status: str, is_background: bool
) -> None:
    path = tmp_path / "jobs.db"
    with reopened(path) as con:
        con.execute("CREATE TABLE t (x INT)")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT sum(x) AS total FROM t")
    with duckdb.connect(str(path)) as raw:  # as a process that ended there would have left it
        raw.execute("UPDATE mv_meta.jobs SET status = ?, is_background = ?", [status, is_background])
    with reopened(path) as con:
        check_no_trace(con)
        assert history(con, 1)[-1] == (status, "DROP", None, f"the process ended while the job was {status}")


def test_j03_a_table_that_was_to_be_declared_in_the_background_is_there_when_the_database_is_opened_again(
    tmp_path: Path, files: Files
) -> None:
    path = tmp_path / "jobs.db"
    files.write(a="1,10")
    con = reopened(path)
    arrived, stop = Event(), con._database.workers.stop

    def until_closed() -> None:
        arrived.set()
        stop.wait(SECONDS_MAX)

    with inject("build.after_announce", until_closed):
        declare(con, "t", files, more="BACKGROUND")
        assert arrived.wait(SECONDS_MAX)
        con.close()
    with reopened(path) as con:
        con.execute("WAIT")
        con.execute("REFRESH TABLE t")
        assert rows(con, "t") == [(1, 10)]
