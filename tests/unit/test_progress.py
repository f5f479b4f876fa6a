"""Progress: percentages that never fall, estimates, what is told to whom and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mvengine
from mvengine.refresh.database import Database
from mvengine.refresh.run.progress import LOADING_PERCENT, WATCHED_BYTES_MIN, LiveProgress, Phase, Progress, percentage
from mvengine.refresh.run.reporter import Reporter, reported, running

MB = 1024 * 1024


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Engine:
    """An engine whose running statement is as far as ``share`` says."""

    def __init__(self) -> None:
        self.share: float | None = None
        self.is_reporting = False

    def report_progress(self) -> None:
        self.is_reporting = True

    def progress(self) -> float | None:
        return self.share


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(clock: Clock) -> LiveProgress:
    return LiveProgress(clock, name="main.orders")


@pytest.fixture
def database(clock: Clock) -> Iterator[Database]:
    with mvengine.connect() as connection:
        connection._database.clock = clock
        yield connection._database


# What is counted


def test_bytes_and_tasks_make_up_the_percentage(live: LiveProgress) -> None:
    live.phase("loading")
    live.total(splits=4, size=400, tasks=3)
    live.add(splits=2, rows=10, size=200)
    assert live.snapshot().percentage == pytest.approx(LOADING_PERCENT / 2)
    live.add(splits=2, rows=10, size=200)
    live.task_done("load orders")
    assert live.snapshot().percentage == pytest.approx(LOADING_PERCENT + (100 - LOADING_PERCENT) / 3)
    assert (live.snapshot().splits_done, live.snapshot().rows_done, live.snapshot().bytes_done) == (4, 20, 400)


def test_what_loads_nothing_is_counted_by_its_tasks(live: LiveProgress) -> None:
    live.total(tasks=4)
    live.task_done("merge orders")
    assert live.snapshot().percentage == 25


def test_only_what_went_well_is_at_100_percent(live: LiveProgress) -> None:
    live.total(splits=1, size=1, tasks=1)
    live.add(splits=1, size=1)
    live.task_done("publish")
    assert live.snapshot().percentage < 100
    live.phase("done")
    assert (live.snapshot().percentage, live.snapshot().eta_seconds) == (100, 0)


def test_an_unknown_phase_is_refused(live: LiveProgress) -> None:
    with pytest.raises(ValueError, match="dancing"):
        live.phase("dancing")


@given(st.tuples(*[st.integers(-10, 1000)] * 4))
def test_a_percentage_lies_between_0_and_100_whatever_is_counted(counts: tuple[int, int, int, int]) -> None:
    bytes_done, bytes_total, tasks_done, tasks_total = counts
    assert 0 <= percentage(bytes_done, max(bytes_total, 0), max(tasks_done, 0), max(tasks_total, 0)) <= 100


_STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(-300, 300)),
    st.tuples(st.just("task_done"), st.just("a task")),
    st.tuples(st.just("phase"), st.sampled_from([phase for phase in Phase if phase is not Phase.DONE])),
    st.tuples(st.just("total"), st.integers(1, 3000)),
    st.tuples(st.just("share"), st.one_of(st.none(), st.floats(-1, 2))),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(_STEPS, max_size=20))
def test_a_percentage_never_falls_whatever_happens(steps: list[tuple[str, Any]]) -> None:
    clock, engine = Clock(), Engine()
    live, seen = LiveProgress(clock), [0.0]
    with live.watch(engine, WATCHED_BYTES_MIN):
        for step, value in steps:
            match step:
                case "add":
                    live.add(size=value)
                case "total":
                    live.total(size=value, tasks=5)
                case "share":
                    engine.share = value
                case _:
                    getattr(live, step)(value)
            clock.tick(1)
            progress = live.snapshot()
            seen.append(progress.percentage)
            assert progress.eta_seconds is None or progress.eta_seconds >= 0
    assert seen == sorted(seen)
    assert 0 <= seen[-1] < 100


# The statement that is running


def test_the_share_of_the_running_statement_counts_until_it_is_over(live: LiveProgress) -> None:
    engine = Engine()
    live.total(splits=2, size=20 * MB, tasks=1)
    with live.watch(engine, 10 * MB):
        assert engine.is_reporting
        assert live.snapshot().bytes_done == 0
        engine.share = 0.5
        assert live.snapshot().bytes_done == 5 * MB
        engine.share = 0.1  # the next statement of the same stage has begun
        assert live.snapshot().bytes_done == 5 * MB
    live.add(splits=1, size=10 * MB)
    assert live.snapshot().bytes_done == 10 * MB


def test_a_stage_of_several_statements_counts_those_that_are_over(live: LiveProgress) -> None:
    engine = Engine()
    live.total(size=20 * MB)
    with live.watch(engine, 20 * MB) as stage:
        engine.share = 1.0
        stage.begin(4 * MB)
        assert live.snapshot().bytes_done == 4 * MB
        engine.share = 0.25
        stage.begin(16 * MB)
        assert live.snapshot().bytes_done == (4 + 4) * MB


def test_small_files_are_not_watched(live: LiveProgress) -> None:
    engine = Engine()
    with live.watch(engine, WATCHED_BYTES_MIN - 1):
        assert not engine.is_reporting


def test_an_engine_is_not_asked_any_more_when_its_statement_has_failed(live: LiveProgress) -> None:
    engine = Engine()
    live.total(size=20 * MB)
    with pytest.raises(RuntimeError), live.watch(engine, 10 * MB):
        raise RuntimeError
    engine.share = 1.0
    assert live.snapshot().bytes_done == 0


def test_duckdb_tells_how_far_a_statement_is(database: Database) -> None:
    engine = database.engine.fork()
    assert engine.progress() is None
    engine.report_progress()
    engine.query("SELECT count(*) FROM range(1000000)")
    assert engine.progress() is None or 0 <= engine.progress() <= 1
    engine.close()


# Estimates


def test_the_rest_is_estimated_from_the_speed_so_far(live: LiveProgress, clock: Clock) -> None:
    live.total(size=1000, tasks=0)
    live.phase("loading")
    assert live.snapshot().eta_seconds is None
    clock.tick(10)
    live.add(size=500)  # 35 % in 10 s
    progress = live.snapshot()
    assert progress.elapsed_seconds == 10
    assert progress.eta_seconds == pytest.approx(10 * 65 / 35)


def test_what_is_rolled_back_is_not_counted_and_the_percentage_stays(live: LiveProgress) -> None:
    live.total(splits=4, size=400, tasks=3)
    live.add(splits=1, rows=5, size=100)
    with pytest.raises(ValueError, match="dancing"):
        _roll_back(live)
    after = live.snapshot()
    assert (after.splits_done, after.rows_done, after.bytes_done, after.tasks_done) == (1, 5, 100, 0)
    assert after.percentage == pytest.approx(LOADING_PERCENT + (100 - LOADING_PERCENT) / 3)


def _roll_back(live: LiveProgress) -> None:
    with live.tentative():
        live.add(splits=3, rows=5, size=300)
        live.task_done("load orders")
        assert live.snapshot().splits_done == 4
        live.phase("dancing")


def test_what_an_earlier_attempt_has_done_is_no_measure_of_the_speed(live: LiveProgress, clock: Clock) -> None:
    live.total(size=1000)
    live.found(size=500)
    assert live.snapshot().percentage == 35
    clock.tick(10)
    assert live.snapshot().eta_seconds is None
    live.add(size=100)  # 7 % in 10 s
    assert live.snapshot().eta_seconds == pytest.approx(10 * 58 / 7)


def test_a_pause_does_not_count_as_slowness(live: LiveProgress, clock: Clock) -> None:
    live.total(size=1000)
    live.phase("loading")
    clock.tick(10)
    live.add(size=500)
    before = live.snapshot().eta_seconds
    for idle in ("paused", "waiting to retry"):
        live.phase(idle)
        clock.tick(1000)
        assert live.snapshot().eta_seconds is None
    live.phase("loading")
    assert live.snapshot().eta_seconds == before
    assert live.snapshot().elapsed_seconds == 2010


def test_a_clock_that_is_set_back_gives_no_negative_time(live: LiveProgress, clock: Clock) -> None:
    clock.tick(-3600)
    assert live.snapshot().elapsed_seconds == 0


# What is told


def rows(database: Database) -> list[tuple[Any, ...]]:
    return database.engine.query("SELECT id, phase, percentage, elapsed_seconds FROM mv_meta.progress")


def test_what_is_over_within_half_a_second_writes_nothing(database: Database, clock: Clock) -> None:
    live = LiveProgress(clock)
    reporter = Reporter(database, live, None)
    live.identify(7)
    clock.tick(0.4)
    reporter.tick()
    assert rows(database) == []
    reporter.close()
    assert rows(database) == []


def test_a_row_is_written_twice_a_second_and_goes_at_the_end(database: Database, clock: Clock) -> None:
    live = LiveProgress(clock)
    reporter = Reporter(database, live, None)
    live.identify(7)
    live.total(tasks=4)
    written = []
    for _ in range(10):
        clock.tick(0.2)
        reporter.tick()
        written += rows(database)
    assert [row[3] for row in dict.fromkeys(written)] == pytest.approx([0.6, 1.2, 1.8])
    live.task_done("merge orders")
    clock.tick(1)
    reporter.tick()
    assert rows(database)[0][:3] == (7, "listing", 25.0)
    reporter.close()
    assert rows(database) == []


def test_what_has_no_number_yet_writes_no_row(database: Database, clock: Clock) -> None:
    reporter = Reporter(database, LiveProgress(clock), None)
    clock.tick(10)
    reporter.tick()
    assert rows(database) == []
    reporter.close()


def test_a_callback_hears_at_most_ten_times_a_second_and_once_at_the_end(database: Database, clock: Clock) -> None:
    heard: list[Progress] = []
    live = LiveProgress(clock)
    reporter = Reporter(database, live, heard.append)
    for _ in range(40):  # one second
        clock.tick(0.025)
        reporter.tick()
    assert len(heard) == 10
    live.phase("done")
    reporter.close()
    assert len(heard) == 11
    assert heard[-1].percentage == 100


def test_a_callback_that_raises_is_not_called_again(database: Database, clock: Clock) -> None:
    calls = []

    def broken(progress: Progress) -> None:
        calls.append(progress)
        raise ZeroDivisionError("no")

    reporter = Reporter(database, LiveProgress(clock), broken)
    for _ in range(3):
        clock.tick(1)
        reporter.tick()
    reporter.close()
    assert len(calls) == 1
    assert reporter.troubles == [
        "on_progress raised ZeroDivisionError: no; it was not called again, the refresh went on"
    ]


def _run(database: Database, live: LiveProgress, on_progress: Any) -> None:
    with reported(database, live, on_progress):
        live.phase("done")


def test_the_end_of_a_refresh_warns_of_a_callback_that_raised(database: Database, clock: Clock) -> None:
    with pytest.warns(RuntimeWarning, match="on_progress raised TypeError"):
        _run(database, LiveProgress(clock), lambda: None)


def test_a_row_that_cannot_be_written_is_said_and_does_no_harm(database: Database, clock: Clock) -> None:
    database.engine.query("ALTER TABLE mv_meta.progress RENAME TO lost")
    live = LiveProgress(clock)
    live.identify(7)
    reporter = Reporter(database, live, None)
    for _ in range(3):
        clock.tick(1)
        reporter.tick()
    reporter.close()
    assert len(reporter.troubles) == 1
    assert "could not be recorded" in reporter.troubles[0]


def test_everything_that_runs_is_listed_while_it_runs(database: Database, clock: Clock) -> None:
    with reported(database, LiveProgress(clock, name="main.a")):
        with reported(database, LiveProgress(clock, kind="job", name="main.b")):
            assert [(each.kind, each.name) for each in running(database)] == [("refresh", "main.a"), ("job", "main.b")]
        assert [each.name for each in running(database)] == ["main.a"]
    assert running(database) == ()


def test_a_refresh_that_fails_is_not_listed_any_more(database: Database, clock: Clock) -> None:
    with pytest.raises(ValueError, match="dancing"), reported(database, live := LiveProgress(clock)):
        live.phase("dancing")
    assert running(database) == ()


# The view


def test_the_view_counts_as_the_live_progress_does(database: Database, clock: Clock) -> None:
    query = database.engine.query
    query(
        """INSERT INTO mv_meta.plans BY NAME
           SELECT 7 AS plan_id, 'RUNNING' AS status, 1 AS version, 'statement' AS trigger, [1] AS relation_ids,
                  ['main.a', 'main.b'] AS tables, false AS reads_all, false AS is_background,
                  TIMESTAMP '2026-11-20 11:59:00' AS created_at"""
    )
    found = """SELECT status, phase, percentage, name, splits_done, splits_total FROM mv_catalog.progress
               WHERE kind = 'refresh' AND id = 7"""
    assert query(found) == [("RUNNING", "listing", 0.0, "main.a, main.b", 0, 0)]

    query(
        """INSERT INTO mv_meta.tasks BY NAME
           SELECT 7 AS plan_id, unnest([1, 2, 3]) AS task_id, unnest(['load', 'merge', 'publish']) AS kind,
                  [] AS depends_on, unnest(['RUNNING', 'CREATED', 'CREATED']) AS status, 1 AS version, 1 AS attempts,
                  unnest([1, 0, 0]) AS stages_done, unnest([4, 1, 1]) AS stages_total, unnest([10, 0, 0]) AS rows,
                  unnest([2, 0, 0]) AS splits_done, unnest([8, 0, 0]) AS splits_total,
                  unnest([100, 0, 0]) AS bytes_done, unnest([400, 0, 0]) AS bytes_total"""
    )
    assert query(found)[0][1:3] == ("loading", percentage(100, 400, 0, 3))
    assert query(found)[0][4:] == (2, 8)
    query("UPDATE mv_meta.tasks SET status = 'COMPLETED', bytes_done = bytes_total WHERE kind = 'load'")
    assert query(found)[0][1:3] == ("merging", percentage(400, 400, 1, 3))

    live = LiveProgress(clock)
    live.identify(7)
    live.total(splits=4, size=400, tasks=3)
    live.phase("waiting to retry")
    store = database.store(database.engine)
    store.set_progress(live.snapshot())
    assert query(found)[0][1:3] == ("waiting to retry", percentage(400, 400, 1, 3))  # never less than what is durable
    store.set_progress(replace(live.snapshot(), percentage=95.0, phase=Phase.PUBLISHING))
    assert query(found)[0][1:3] == ("publishing", 95.0)

    query("UPDATE mv_meta.plans SET status = 'COMPLETED', finished_at = TIMESTAMP '2026-11-20 12:00:00'")
    assert query(found)[0][:3] == ("COMPLETED", "done", 100.0)
    assert query("SELECT elapsed_seconds, eta_seconds FROM mv_catalog.progress WHERE id = 7") == [(60.0, 0.0)]
    query("UPDATE mv_meta.plans SET status = 'FAILED'")
    assert query(found)[0][:3] == ("FAILED", "merging", percentage(400, 400, 1, 3))


def test_what_a_process_left_behind_is_gone_when_the_database_is_opened_again(tmp_path: Any) -> None:
    path = tmp_path / "a.db"
    for found in (0, 0):
        with mvengine.connect(path) as connection:
            engine = connection._database.engine
            assert engine.query("SELECT count(*) FROM mv_meta.progress") == [(found,)]
            live = LiveProgress(Clock())
            live.identify(1)
            connection._database.store(engine).set_progress(live.snapshot())
