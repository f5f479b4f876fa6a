"""The clock for tests: it stands still, goes on when told to, and wakes who waits by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from mvengine.testing.clock import FakeClock

START = datetime(2026, 1, 1, tzinfo=UTC)


def sleeping(clock: FakeClock, bell: Event, seconds: float | None) -> Thread:
    """A thread that waits by the clock, and does so when this returns."""
    deadline = None if seconds is None else clock() + timedelta(seconds=seconds)
    thread = Thread(target=clock.wait_until, args=(bell, deadline), daemon=True)
    thread.start()
    clock.settle()
    return thread


def test_the_clock_stands_still_until_it_is_advanced() -> None:
    clock = FakeClock()
    assert clock() == clock() == START
    clock.advance(1.5)
    assert clock() == START + timedelta(seconds=1.5)


def test_a_wait_ends_when_the_time_has_come_and_not_before() -> None:
    clock = FakeClock()
    thread = sleeping(clock, Event(), 10)
    clock.advance(9)
    clock.settle()
    assert thread.is_alive()
    clock.advance(1)
    thread.join(10)
    assert not thread.is_alive()


def test_a_wait_ends_when_the_bell_rings_also_one_without_a_deadline() -> None:
    for seconds in (10, None):
        clock, bell = FakeClock(), Event()
        thread = sleeping(clock, bell, seconds)
        bell.set()
        thread.join(10)
        assert not thread.is_alive()


def test_a_deadline_that_has_passed_is_not_waited_for() -> None:
    clock = FakeClock()
    clock.wait_until(Event(), clock())
