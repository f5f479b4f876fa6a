"""R09: when a table is due. Pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mvengine.planner.options import INTERVAL_SECONDS_MAX
from mvengine.refresh.schedule.due import delay_ms, due_at, hashed_jitter
from mvengine.schema import Name

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDERS = Name(schema="main", name="orders")


def test_r09_the_next_look_is_an_interval_after_the_last_one() -> None:
    assert due_at(NOON, delay_ms(60, 0, 0.0), NOON) == NOON + timedelta(seconds=60)


def test_r09_an_overdue_table_is_due_once_at_the_moment_it_should_have_been() -> None:
    assert due_at(NOON, delay_ms(60, 0, 0.0), NOON + timedelta(days=7)) == NOON + timedelta(seconds=60)


def test_r09_failures_double_the_interval_up_to_an_hour_or_the_interval() -> None:
    assert [delay_ms(60, failures, 0.0) // 1000 for failures in (0, 1, 2, 5, 6, 50)] == [60, 120, 240, 1920, 3600, 3600]
    assert [delay_ms(5000, failures, 0.0) // 1000 for failures in (0, 1, 50)] == [5000, 5000, 5000]


def test_r09_a_clock_that_was_set_back_does_not_hold_up_a_table() -> None:
    assert due_at(NOON + timedelta(days=365), delay_ms(60, 0, 0.0), NOON) == NOON


@given(st.integers(1, 10**15), st.integers(0, 10**9), st.integers(0, 10**9), st.text(max_size=5))
def test_r09_jitter_is_at_most_a_tenth_of_the_interval_and_the_same_each_time(
    interval: int, failures: int, run: int, seed: str
) -> None:
    jitter = hashed_jitter(seed)(ORDERS, run)
    assert jitter == hashed_jitter(seed)(ORDERS, run)
    assert 0 <= jitter < 1
    added = delay_ms(interval, failures, jitter) - delay_ms(interval, failures, 0.0)
    assert 0 <= added <= 100 * min(interval, INTERVAL_SECONDS_MAX)
    assert due_at(NOON, delay_ms(interval, failures, jitter), NOON) > NOON


def test_r09_jitter_differs_between_tables_runs_and_seeds() -> None:
    other = Name(schema="main", name="customers")
    found = {hashed_jitter(seed)(table, run) for seed in "ab" for table in (ORDERS, other) for run in range(50)}
    assert len(found) == 200
    assert 0.4 < sum(found) / len(found) < 0.6
