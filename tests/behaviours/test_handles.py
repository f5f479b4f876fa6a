"""Refreshes from Python: objects that are read and steered, and outcomes that are values (P38, P02, R08)."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import pytest
from behaviour_world import Files, declare, one, rows

import mvengine
from mvengine import JobOutcome, JobStatus, Outcome, PlanStatus, Progress, Refresh, RefusalKind
from mvengine.errors import ConflictError, Error, LoadError, ParseError, StateError, WrongObject
from mvengine.refresh.run.registry import Run
from mvengine.testing.faults import inject

WAIT_SECONDS = 20


@pytest.fixture
def table(con: mvengine.Connection, files: Files) -> Files:
    """A table t with files to refresh from, and a view over it."""
    files.write(a="1,10 2,20")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW total AS SELECT sum(x) AS total FROM t")
    return files


@pytest.fixture
def failed(con: mvengine.Connection, table: Files) -> Refresh:
    """A refresh that has failed: one of two files cannot be read, the other is staged."""
    table.write(z="3,many")
    with pytest.raises(LoadError):
        con.refresh("t")
    return con.refreshes()[-1]


def refused(outcome: Outcome) -> RefusalKind | None:
    return outcome.refusal.kind if outcome.refusal else None


# -- foreground --------------------------------------------------------------------------------------------------------


def test_a_foreground_refresh_returns_what_it_did(con: mvengine.Connection, table: Files) -> None:
    refresh = con.refresh("t")
    (result,) = refresh.results
    assert (result.table_name, result.files_read, result.rows_inserted) == ("t", 1, 2)
    assert (refresh.id, refresh.status, refresh.failure) == (1, PlanStatus.COMPLETED, None)
    assert [task.name for task in refresh.tasks] == ["load t", "merge t", "maintain total", "publish"]
    assert refresh.progress is not None
    assert refresh.progress.percentage == 100
    assert rows(con, "total") == [(30,)]


def test_a_refresh_that_finds_nothing_to_do_has_no_number_and_is_over(con: mvengine.Connection, table: Files) -> None:
    con.refresh()
    idle = con.refresh()
    assert (idle.id, idle.status, idle.tasks, idle.failures, idle.progress) == (None, "COMPLETED", (), (), None)
    assert idle.results[0].files_skipped == 1
    assert idle.wait().is_done
    assert refused(idle.cancel()) is RefusalKind.ILLEGAL_TRANSITION
    assert [refresh.id for refresh in con.refreshes()] == [1]


def test_without_tables_there_is_nothing_to_refresh(con: mvengine.Connection) -> None:
    assert con.refresh().results == ()
    assert con.refreshes() == []


def test_a_foreground_refresh_raises_what_sql_raises(con: mvengine.Connection, table: Files) -> None:
    con.execute("CREATE TABLE plain (id INTEGER)")
    for name, error in {"plain": WrongObject, "t u": ParseError, "": ParseError, "nowhere": Error}.items():
        with pytest.raises(error):
            con.refresh(name)
    table.write(b="3,many")
    with pytest.raises(LoadError, match=r"b\.csv:2") as raised:
        con.refresh("t")
    assert "RETRY REFRESH 1" in (raised.value.hint or "")
    con.begin()
    with pytest.raises(mvengine.ProgrammingError, match="inside BEGIN") as inside:
        con.refresh("t")
    assert inside.value.code == "25001"


def test_names_are_written_as_in_sql(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    con.execute('CREATE SCHEMA "my schema"')
    declare(con, '"my schema"."A B"', files)
    assert con.refresh('"my schema"."A B"').results[0].rows_inserted == 1


def test_progress_is_told_to_a_callback(con: mvengine.Connection, table: Files) -> None:
    told: list[Progress] = []
    con.refresh("t", on_progress=told.append)
    assert told[-1].percentage == 100
    assert (told[-1].kind, told[-1].id, told[-1].rows_done) == ("refresh", 1, 2)


def test_reading_a_refresh_leaves_the_open_result_of_the_connection(con: mvengine.Connection, table: Files) -> None:
    refresh = con.refresh("t", background=True)
    con.execute("FROM range(3)")
    assert refresh.wait(WAIT_SECONDS).status is PlanStatus.COMPLETED
    assert [refresh.status, len(refresh.tasks), len(con.refreshes())] == ["COMPLETED", 4, 1]
    assert con.fetchall() == [(0,), (1,), (2,)]


def test_a_handle_of_a_closed_connection_says_so(table: Files) -> None:
    connection = mvengine.connect()
    declare(connection, "t", table)
    refresh = connection.refresh("t")
    connection.close()
    for look in (lambda: refresh.status, refresh.cancel, refresh.wait):
        with pytest.raises(mvengine.InterfaceError, match="the connection is closed"):
            look()


# -- background: pause, resume, cancel ---------------------------------------------------------------------------------


def held(point: str) -> tuple[Event, Event, Callable[[], None]]:
    """What stops a refresh at a point: an event that it has come there, one that lets it go on, and the action."""
    reached, go_on = Event(), Event()

    def hold() -> None:
        reached.set()
        assert go_on.wait(WAIT_SECONDS)

    return reached, go_on, hold


def running(con: mvengine.Connection, number: int) -> Run:
    run = con._database.registry.running(number)
    assert run is not None
    return run


def test_a_background_refresh_is_paused_and_resumed(con: mvengine.Connection, table: Files) -> None:
    reached, go_on, hold = held("refresh.after_trigger")
    outcomes: list[Outcome] = []
    with inject("refresh.after_trigger", hold):
        refresh = con.refresh("t", background=True)
        assert reached.wait(WAIT_SECONDS)
        assert refresh.status is PlanStatus.RUNNING
        assert refused(refresh.wait(0)) is RefusalKind.TIMEOUT
        assert refused(refresh.resume()) is RefusalKind.ILLEGAL_TRANSITION
        pausing = Thread(target=lambda: outcomes.append(refresh.pause()))
        pausing.start()
        assert running(con, 1).control.wait(WAIT_SECONDS)
        go_on.set()
        pausing.join(WAIT_SECONDS)
    assert [outcome.status for outcome in outcomes] == [PlanStatus.PAUSED]
    assert rows(con, "t") == []
    with pytest.raises(StateError, match="t is being refreshed already"):
        con.refresh("t")
    assert refused(refresh.pause()) is RefusalKind.ILLEGAL_TRANSITION
    assert refresh.resume().is_done
    assert refresh.wait(WAIT_SECONDS).status is PlanStatus.COMPLETED
    assert rows(con, "total") == [(30,)]


def test_a_cancelled_refresh_leaves_nothing_and_its_table_free(con: mvengine.Connection, table: Files) -> None:
    reached, go_on, hold = held("refresh.after_split")
    outcomes: list[Outcome] = []
    with inject("refresh.after_split", hold):
        refresh = con.refresh("t", background=True)
        assert reached.wait(WAIT_SECONDS)
        cancelling = Thread(target=lambda: outcomes.append(refresh.cancel()))
        cancelling.start()
        assert running(con, 1).control.wait(WAIT_SECONDS)
        go_on.set()
        cancelling.join(WAIT_SECONDS)
    assert [(outcome.is_done, outcome.status) for outcome in outcomes] == [(True, PlanStatus.CANCELLED)]
    assert refused(refresh.retry()) is RefusalKind.ILLEGAL_TRANSITION
    assert con.refresh("t").results[0].rows_inserted == 2


def test_an_interrupt_ends_a_foreground_refresh(con: mvengine.Connection, table: Files) -> None:
    with (
        inject("refresh.after_split", con.interrupt),
        pytest.raises(mvengine.OperationalError, match="was cancelled: interrupted") as raised,
    ):
        con.execute("REFRESH TABLE t")
    assert raised.value.code == "57014"
    assert one(con, "SELECT status FROM mv_catalog.plans") == "CANCELLED"
    con.execute("REFRESH TABLE t")
    assert rows(con, "total") == [(30,)]


def test_a_wait_may_be_without_an_end(con: mvengine.Connection, table: Files) -> None:
    reached, go_on, hold = held("refresh.after_trigger")
    outcomes: list[Outcome] = []
    with inject("refresh.after_trigger", hold):
        refresh = con.refresh("t", background=True)
        assert reached.wait(WAIT_SECONDS)
        waiting = Thread(target=lambda: outcomes.append(refresh.wait(float("inf"))))
        waiting.start()
        waiting.join(0.05)
        go_on.set()
        waiting.join(WAIT_SECONDS)
    assert [outcome.status for outcome in outcomes] == [PlanStatus.COMPLETED]


def test_an_interrupt_ends_a_wait_and_not_what_it_waits_for(con: mvengine.Connection, table: Files) -> None:
    reached, go_on, hold = held("refresh.after_trigger")
    with inject("refresh.after_trigger", hold), con.cursor() as waiting:
        refresh = con.refresh("t", background=True)
        assert reached.wait(WAIT_SECONDS)
        errors: list[Error] = []

        def wait() -> None:
            with pytest.raises(mvengine.OperationalError, match="the wait for refresh 1 was interrupted") as raised:
                waiting.execute("WAIT")
            errors.append(raised.value)

        thread = Thread(target=wait)
        thread.start()
        while thread.is_alive():
            waiting.interrupt()
            thread.join(0.05)
        go_on.set()
    assert [error.code for error in errors] == ["57014"]
    assert refresh.wait(WAIT_SECONDS).status is PlanStatus.COMPLETED


# -- jobs --------------------------------------------------------------------------------------------------------------


def begun(con: mvengine.Connection, sql: str) -> int:
    ((number, status),) = con.execute(sql).fetchall()
    assert status == "CREATING"
    return int(number)


def test_a_job_is_waited_for(con: mvengine.Connection, table: Files) -> None:
    con.refresh("t")
    job = con.job(begun(con, "CREATE MATERIALIZED VIEW doubled BACKGROUND AS SELECT 2 * x AS y FROM t"))
    outcome = job.wait(WAIT_SECONDS)
    assert (outcome.is_done, outcome.status, job.status) == (True, JobStatus.CREATED, JobStatus.CREATED)
    assert job.progress is not None
    assert job.progress.percentage == 100
    assert rows(con, "doubled") == [(20,), (40,)]
    assert not job.cancel().is_done  # it is a view like others now
    con.execute("DROP MATERIALIZED VIEW doubled")
    assert (job.status, job.progress) == (None, None)


def test_a_job_is_cancelled_unless_it_is_over_first(con: mvengine.Connection, table: Files) -> None:
    reached, go_on, hold = held("build.after_snapshot")
    con.execute("SET background_ddl = true")
    outcomes: list[JobOutcome] = []
    with inject("build.after_snapshot", hold):
        job = con.job(begun(con, "CREATE MATERIALIZED VIEW doubled AS SELECT 2 * x AS y FROM t"))
        assert reached.wait(WAIT_SECONDS)
        assert (job.status, job.wait(0).is_done) == (JobStatus.CREATING, False)
        cancelling = Thread(target=lambda: outcomes.append(job.cancel()))
        cancelling.start()
        go_on.set()
        cancelling.join(WAIT_SECONDS)
    assert [outcome.status for outcome in outcomes] == [None if outcomes[0].is_done else JobStatus.CREATED]
    assert (job.status is None) == outcomes[0].is_done


def test_a_job_that_never_was_is_an_error(con: mvengine.Connection) -> None:
    with pytest.raises(mvengine.ProgrammingError, match="there is no job 7"):
        con.job(7)


# -- P38, P02: outcomes are values -------------------------------------------------------------------------------------


def test_p38_what_a_state_does_not_allow_is_a_value_with_the_way_on(failed: Refresh) -> None:
    assert failed.status is PlanStatus.FAILED
    for outcome in (failed.pause(), failed.resume(), failed.cancel()):
        assert (outcome.is_done, outcome.status) == (False, PlanStatus.FAILED)
        assert refused(outcome) is RefusalKind.ILLEGAL_TRANSITION
        assert outcome.refusal is not None
        assert "it is FAILED" in outcome.refusal.message
        assert "retried or rolled back" in (outcome.refusal.hint or "")
    with pytest.raises(StateError, match="cannot PAUSE refresh 1"):
        failed.pause().raise_refused()


def test_p38_a_failure_is_a_value_with_file_and_line(failed: Refresh) -> None:
    failure = failed.failure
    assert failure is not None
    assert (failure.code, failure.relation, failure.line, failure.attempt) == ("22P04", "t", 2, 1)
    assert (failure.file or "").endswith("z.csv")
    assert not failure.retryable
    assert failed.failures == (failure,)


def test_p38_a_retry_of_what_still_cannot_work_fails_again_as_a_value(failed: Refresh, table: Files) -> None:
    assert failed.retry().is_done
    assert failed.wait(WAIT_SECONDS).status is PlanStatus.FAILED
    assert [failure.attempt for failure in failed.failures] == [1, 2]
    table.write(z="3,30")
    assert failed.retry().is_done
    assert failed.wait(WAIT_SECONDS).status is PlanStatus.COMPLETED


def test_p38_more_attempts_than_are_allowed_is_a_value(con: mvengine.Connection, failed: Refresh, table: Files) -> None:
    con.execute("ALTER TABLE t SET (max_attempts = 1)")
    outcome = failed.retry()
    assert refused(outcome) is RefusalKind.RETRY_EXHAUSTED
    assert failed.status is PlanStatus.FAILED
    table.write(z="3,30")
    assert failed.retry(from_start=True).is_done
    assert failed.wait(WAIT_SECONDS).status is PlanStatus.COMPLETED


def test_p38_a_rollback_discards_what_was_staged_and_where_nothing_was_it_is_a_value(
    failed: Refresh, files: Files
) -> None:
    outcome = failed.rollback()  # both files were of one stage
    assert (refused(outcome), failed.status) == (RefusalKind.NOTHING_TO_ROLL_BACK, PlanStatus.FAILED)
    with mvengine.connect(staging_batch_bytes=1) as con:  # a stage for each file
        declare(con, "t", files)
        with pytest.raises(LoadError):
            con.refresh("t")
        (refresh,) = con.refreshes()
        assert one(con, "SELECT count(*) FROM mv_meta.staged_files") == 1
        assert refresh.rollback().status is PlanStatus.ROLLED_BACK
        assert one(con, "SELECT count(*) FROM mv_meta.staged_files") == 0
        assert refused(refresh.retry()) is RefusalKind.ILLEGAL_TRANSITION


def test_p38_a_bug_still_raises(con: mvengine.Connection, table: Files) -> None:
    def bug() -> None:
        raise ZeroDivisionError

    with inject("refresh.after_staged", bug), pytest.raises(ZeroDivisionError):
        con.refresh("t")


def test_p02_of_two_that_act_on_one_version_one_wins_and_the_other_gets_a_conflict(
    con: mvengine.Connection, failed: Refresh
) -> None:
    outcomes: list[Outcome] = []
    with con.cursor() as other:
        handles = [failed, other.refreshes()[-1]]
        threads = [Thread(target=lambda handle=handle: outcomes.append(handle.retry())) for handle in handles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_SECONDS)
        failed.wait(WAIT_SECONDS)
    done = [outcome for outcome in outcomes if outcome.is_done]
    lost = [outcome for outcome in outcomes if not outcome.is_done]
    assert (len(done), len(lost)) in ((1, 1), (2, 0))  # two: the first retry was over before the second began
    for outcome in lost:
        assert refused(outcome) in (RefusalKind.CONFLICT, RefusalKind.ILLEGAL_TRANSITION)
        with pytest.raises((ConflictError, StateError)):
            outcome.raise_refused()
    assert [failure.attempt for failure in failed.failures] == list(range(1, 2 + len(done)))
