"""Transitions in the store: compare-and-set, history, and lost races."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import duckdb
import pytest

from mvengine.errors import ConflictError, StateError, UnknownRelation
from mvengine.meta.migrate import open_format
from mvengine.meta.records import RelationKind
from mvengine.meta.states import JOB, REFRESH, JobEvent, JobStatus, RefreshEvent, RefreshState
from mvengine.meta.store import Store
from mvengine.schema import Name

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLE = Name(schema="main", name="orders")


def connect(path: Path | str = ":memory:") -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path)
    open_format(connection, "0.1.0", lambda: NOON)
    return connection


@pytest.fixture
def cursor() -> duckdb.DuckDBPyConnection:
    return connect()


@pytest.fixture
def store(cursor: duckdb.DuckDBPyConnection) -> Store:
    store = Store(cursor, lambda: NOON)
    for relation_id in (1, 2):
        store.add_refresh(relation_id, replace(TABLE, name=f"orders_{relation_id}"), interval_sec=None)
    return store


def history(cursor: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    sql = "SELECT subject_id, from_state, event, to_state, cause, attempt FROM mv_catalog.state_history ORDER BY seq"
    return cursor.execute(sql).fetchall()


def test_a_job_moves_through_its_states_and_each_step_is_recorded(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    job = store.create_job(1, TABLE, RelationKind.TABLE, is_background=False)
    started = store.move_job(job.job_id, JobEvent.START, "CREATE TABLE")
    created = store.move_job(job.job_id, JobEvent.COMPLETE, "CREATE TABLE")
    assert (job.status, started.status, created.status) == tuple(JobStatus)
    assert (job.version, created.version, created.progress) == (0, 2, 1.0)
    assert store.jobs() == (created,)
    assert history(cursor) == [
        (job.job_id, "INITIAL", "START", "CREATING", "CREATE TABLE", None),
        (job.job_id, "CREATING", "COMPLETE", "CREATED", "CREATE TABLE", None),
    ]


def test_a_refresh_moves_through_its_states_and_records_times_epoch_and_attempt(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    store.set_dirty([1], True)
    triggered = store.move_refresh(1, RefreshEvent.TRIGGER, "REFRESH TABLE")
    assert (triggered.state, triggered.last_trigger_time, triggered.last_success_time) == ("REFRESHING", NOON, None)
    staged = store.move_refresh(1, RefreshEvent.STAGE_DONE, "3 files staged")
    assert (staged.state, staged.is_dirty) == ("FINISHING", True)
    published = store.move_refresh(1, RefreshEvent.PUBLISH, "merged", epoch=4)
    assert (published.state, published.last_success_time, published.last_epoch) == ("IDLE", NOON, 4)
    assert (published.is_dirty, published.version, published.last_checked_time) == (True, 3, NOON)
    assert store.refresh_states()[1] == published
    assert history(cursor) == [
        (1, "IDLE", "TRIGGER", "REFRESHING", "REFRESH TABLE", 1),
        (1, "REFRESHING", "STAGE_DONE", "FINISHING", "3 files staged", 1),
        (1, "FINISHING", "PUBLISH", "IDLE", "merged", 1),
    ]


def test_attempts_count_up_over_failures_and_begin_anew_after_a_success(store: Store) -> None:
    attempts = []
    for event in (RefreshEvent.FAIL, RefreshEvent.RECOVER):
        attempts.append(store.move_refresh(1, RefreshEvent.TRIGGER, "test").attempt)
        failed = store.move_refresh(1, event, "a cause", error="bad row" if event is RefreshEvent.FAIL else None)
        assert failed.last_error == ("bad row" if event is RefreshEvent.FAIL else "a cause")
    attempts.append(store.move_refresh(1, RefreshEvent.TRIGGER, "test").attempt)
    store.move_refresh(1, RefreshEvent.STAGE_DONE, "test")
    assert store.move_refresh(1, RefreshEvent.PUBLISH, "test").last_error is None
    attempts.append(store.move_refresh(1, RefreshEvent.TRIGGER, "test").attempt)
    assert attempts == [1, 2, 3, 1]


@pytest.mark.parametrize(("state", "event"), sorted(set(product(RefreshState, RefreshEvent)) - set(REFRESH)))
def test_a_refused_event_of_a_refresh_writes_nothing(
    store: Store, cursor: duckdb.DuckDBPyConnection, state: RefreshState, event: RefreshEvent
) -> None:
    cursor.execute("UPDATE mv_meta.refresh_jobs SET state = ? WHERE relation_id = 1", [state])
    before = store.refresh_states()
    with pytest.raises(StateError, match=f"cannot {event}"):
        store.move_refresh(1, event, "test")
    assert store.refresh_states() == before
    assert history(cursor) == []


@pytest.mark.parametrize(("status", "event"), sorted(set(product(JobStatus, JobEvent)) - set(JOB)))
def test_a_refused_event_of_a_job_writes_nothing(
    store: Store, cursor: duckdb.DuckDBPyConnection, status: JobStatus, event: JobEvent
) -> None:
    job = store.create_job(1, TABLE, RelationKind.TABLE, is_background=False)
    cursor.execute("UPDATE mv_meta.jobs SET status = ?", [status])
    with pytest.raises(StateError, match=f"cannot {event}"):
        store.move_job(job.job_id, event, "test")
    assert store.jobs() == (replace(job, status=status),)
    assert history(cursor) == []


def test_a_stale_version_is_a_conflict_and_writes_nothing(store: Store, cursor: duckdb.DuckDBPyConnection) -> None:
    job = store.create_job(1, TABLE, RelationKind.TABLE, is_background=False)
    store.move_job(job.job_id, JobEvent.START, "first")
    held = store.refresh_states([1])[1]
    store.move_refresh(1, RefreshEvent.TRIGGER, "first")
    store.move_refresh(1, RefreshEvent.FAIL, "first")
    before = (store.jobs(), store.refresh_states(), history(cursor))
    with pytest.raises(ConflictError, match="somebody else changed the state of job 1"):
        store.move_job(job.job_id, JobEvent.START, "second", held=job)
    with pytest.raises(ConflictError, match="the refresh of orders_1"):  # Idle again, but not the Idle that was read
        store.move_refreshes([held], RefreshEvent.TRIGGER, "second")
    assert (store.jobs(), store.refresh_states(), history(cursor)) == before


def test_several_refreshes_move_at_once_each_from_its_own_state(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    store.move_refreshes(list(store.refresh_states([1, 2]).values()), RefreshEvent.TRIGGER, "both")
    store.move_refresh(2, RefreshEvent.STAGE_DONE, "one")
    held = store.refresh_states()
    moved = store.move_refreshes([held[2], held[1]], RefreshEvent.RECOVER, "killed")
    assert [(job.relation_id, job.state) for job in moved] == [(2, "IDLE"), (1, "IDLE")]
    assert sorted(history(cursor)[-2:]) == [
        (1, "REFRESHING", "RECOVER", "IDLE", "killed", 1),
        (2, "FINISHING", "RECOVER", "IDLE", "killed", 1),
    ]


def test_one_lost_race_among_several_is_a_conflict(store: Store) -> None:
    held = list(store.refresh_states().values())
    store.move_refresh(2, RefreshEvent.TRIGGER, "first")
    with pytest.raises(ConflictError, match="the refresh of orders_1, orders_2"):
        store.move_refreshes(held, RefreshEvent.TRIGGER, "second")


def test_an_unknown_refresh_is_an_error(store: Store) -> None:
    with pytest.raises(UnknownRelation, match="id 77"):
        store.move_refresh(77, RefreshEvent.TRIGGER, "test")


def test_marking_a_table_dirty_does_not_collide_with_a_refresh_that_goes_on(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    beside = cursor.cursor()
    beside.execute("BEGIN")
    Store(beside, lambda: NOON).set_dirty([1, 2], True)
    for event in (RefreshEvent.TRIGGER, RefreshEvent.STAGE_DONE, RefreshEvent.FAIL):
        store.move_refresh(1, event, "test")
    store.touch_checked([1, 2], NOON)
    beside.execute("COMMIT")
    assert [job.is_dirty for job in store.refresh_states().values()] == [True, True]


def test_two_uncommitted_transitions_of_one_refresh_are_a_conflict_for_the_second(
    store: Store, cursor: duckdb.DuckDBPyConnection
) -> None:
    beside = cursor.cursor()
    for connection in (cursor, beside):
        connection.execute("BEGIN")
    store.move_refresh(1, RefreshEvent.TRIGGER, "first")
    with pytest.raises(ConflictError) as lost:
        Store(beside, lambda: NOON).move_refresh(1, RefreshEvent.TRIGGER, "second")
    assert isinstance(lost.value.__cause__, duckdb.TransactionException)
    assert lost.value.retryable
    cursor.execute("COMMIT")
    beside.execute("ROLLBACK")
    assert [cause for *_, cause, _ in history(cursor)] == ["first"]


def test_of_two_connections_that_race_for_a_refresh_exactly_one_wins_200_times_out_of_200(tmp_path: Path) -> None:
    rounds = 200
    connection = connect(tmp_path / "race.db")
    Store(connection, lambda: NOON).add_refresh(1, TABLE, interval_sec=None)
    barrier = threading.Barrier(2)
    wins: list[tuple[int, str]] = []
    unexpected: list[Exception] = []

    def race(cursor: duckdb.DuckDBPyConnection, racer: str) -> None:
        store = Store(cursor, lambda: NOON)
        for round_ in range(rounds):
            barrier.wait(timeout=30)
            try:
                cursor.execute("BEGIN")
                store.move_refresh(1, RefreshEvent.TRIGGER, racer)
                cursor.execute("COMMIT")
                wins.append((round_, racer))
            except StateError:  # a ConflictError is one: who reads after the winner's commit finds REFRESHING
                cursor.execute("ROLLBACK")
            except Exception as failure:
                unexpected.append(failure)
                barrier.abort()
                raise
            barrier.wait(timeout=30)
            if (round_, racer) in wins:
                store.move_refresh(1, RefreshEvent.FAIL, racer)

    threads = [threading.Thread(target=race, args=(connection.cursor(), name)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unexpected == []
    assert sorted(round_ for round_, _ in wins) == list(range(rounds))
    assert len(history(connection)) == 2 * rounds
