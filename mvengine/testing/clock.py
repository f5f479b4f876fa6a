"""A clock that stands still until it is told to go on, for tests of what happens by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Condition, Event

SETTLE_SECONDS_MAX = 30.0


class FakeClock:
    """``clock()`` is an aware time in UTC. Threads that wait by this clock sleep until it was advanced far enough.

    A test goes ``clock.advance(60)`` and then ``clock.settle()``, which returns when the threads that were woken by it
    wait again: no sleeps.
    """

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now
        self._sleepers: list[tuple[Event, datetime | None]] = []
        self._changed = Condition()

    def __call__(self) -> datetime:
        with self._changed:
            return self._now

    def advance(self, seconds: float) -> None:
        """Moves the time, and wakes those whose deadline has come."""
        with self._changed:
            self._now += timedelta(seconds=seconds)
            for bell, deadline in self._sleepers:
                if deadline is not None and deadline <= self._now:
                    bell.set()

    def wait_until(self, bell: Event, deadline: datetime | None) -> None:
        """Returns when the time has come (None: never), or when somebody sets the bell. The bell is the caller's own:
        the clock sets it, too."""
        with self._changed:
            if deadline is not None and deadline <= self._now:
                return
            sleeper = (bell, deadline)
            self._sleepers.append(sleeper)
            self._changed.notify_all()
        bell.wait()
        with self._changed:
            self._sleepers.remove(sleeper)

    def settle(self, sleepers: int = 1) -> None:
        """Returns when so many threads wait by this clock and nothing has woken them. TimeoutError: they do not."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._asleep() >= sleepers, SETTLE_SECONDS_MAX):
                raise TimeoutError(f"{self._asleep()} threads wait by the clock after {SETTLE_SECONDS_MAX} s")

    def _asleep(self) -> int:
        return sum(not bell.is_set() for bell, _ in self._sleepers)
