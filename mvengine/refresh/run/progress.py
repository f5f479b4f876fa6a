"""How far a running refresh or build is: counted by those who carry it out, read by any thread.

    percentage = 70 · bytes done / bytes total + 30 · tasks done / tasks total

Loading counts by bytes, everything by tasks; a refresh that loads nothing counts by tasks alone. A build has neither,
and says itself what share of it is done. The bytes of a file that is being loaded are estimated from what the engine
reports of its running statement. A percentage never falls, also where a stage is tried again. What is left is estimated
from the speed so far; pauses do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Protocol

from mvengine.meta.progress import Phase, Progress

__all__ = ["LiveProgress", "Phase", "Progress", "of_job", "percentage"]

LOADING_PERCENT = 70.0  # of a refresh that loads something; the view mv_catalog.progress counts alike
UNFINISHED_PERCENT_MAX = 99.9  # until it is over
WATCHED_BYTES_MIN = 4 * 1024 * 1024  # a smaller file is loaded before anybody looks
ESTIMATE_SECONDS_MIN = 1.0  # nothing is foretold from less
ESTIMATE_PERCENT_MIN = 1.0


_IDLE = (Phase.PAUSED, Phase.WAITING)


class Reporting(Protocol):
    """An engine that says how far its running statement is."""

    def report_progress(self) -> None:
        """From now on ``progress`` tells something."""
        ...

    def progress(self) -> float | None:
        """The share of the running statement that is done, 0 to 1; None where nothing can be said. For any thread."""
        ...


class Watched:
    """A stage of ``size`` bytes that an engine loads by one statement, or by several of which each is announced."""

    def __init__(self, engine: Reporting, size: int, lock: Lock) -> None:
        self._engine = engine
        self._lock = lock
        self._before = 0  # bytes of the statements that are over
        self._size = size  # of the running one
        self._share = 0.0  # the largest that was seen of it
        self._is_announced = False

    def begin(self, size: int) -> None:
        """The next statement begins, and loads ``size`` bytes of the stage."""
        with self._lock:
            if self._is_announced:
                self._before += self._size
            self._is_announced, self._size, self._share = True, size, 0.0

    def bytes_done(self) -> float:
        """What is loaded now, for who holds the lock."""
        self._share = max(self._share, min(self._engine.progress() or 0.0, 1.0))
        return self._before + self._share * self._size


class LiveProgress:
    """The progress of one refresh or job while it runs. All methods are for any thread, and none touches the database
    but ``watch``."""

    def __init__(self, clock: Callable[[], datetime], *, kind: str = "refresh", name: str = "") -> None:
        self._clock = clock
        self._lock = Lock()
        self._kind = kind
        self._id: int | None = None
        self._name = name
        self._started_at = clock()
        self._phase = Phase.LISTING
        self._current = ""
        self._splits = self._rows = self._bytes = self._tasks = 0
        self._splits_total = self._bytes_total = self._tasks_total = 0
        self._watched: list[Watched] = []
        self._share: float | None = None  # of a build
        self._percentage = 0.0
        self._percentage_found = 0.0  # was there before: no measure of the speed
        self._idle_seconds = 0.0
        self._idle_since: datetime | None = None
        self._ended_at: datetime | None = None

    # -- for those who carry it out --------------------------------------------------------------------------------

    def identify(self, number: int) -> None:
        """It has got its plan_id (job_id)."""
        with self._lock:
            self._id = number

    def phase(self, phase: str, current: str = "") -> None:
        """It does something else now: one of ``Phase``. DONE is 100 %, and only for what went well."""
        with self._lock:
            now = self._clock()
            if self._idle_since is not None:
                self._idle_seconds += _seconds(self._idle_since, now)
            self._phase, self._current = Phase(phase), current
            self._idle_since = now if self._phase in _IDLE else None
            self._ended_at = now if self._phase is Phase.DONE else None

    def at(self, current: str) -> None:
        """What it is at, for people: ``load orders: 3/17 files``."""
        with self._lock:
            self._current = current

    def total(self, *, splits: int | None = None, size: int | None = None, tasks: int | None = None) -> None:
        """What there is to do in all, ``size`` in bytes; what is not given stays."""
        with self._lock:
            self._splits_total = self._splits_total if splits is None else splits
            self._bytes_total = self._bytes_total if size is None else size
            self._tasks_total = self._tasks_total if tasks is None else tasks

    def found(self, *, splits: int = 0, rows: int = 0, size: int = 0, tasks: int = 0) -> None:
        """An earlier attempt has done this much: it counts, but not as speed. Call it behind ``total``."""
        self.add(splits=splits, rows=rows, size=size)
        with self._lock:
            self._tasks += tasks
            self._percentage_found = self._percent()

    def add(self, *, splits: int = 0, rows: int = 0, size: int = 0) -> None:
        """This much more was loaded. Negative where it is undone, to be loaded again."""
        with self._lock:
            self._splits += splits
            self._rows += rows
            self._bytes += size

    def task_done(self, name: str) -> None:
        """One more task is over, called ``name``: ``merge orders``."""
        with self._lock:
            self._tasks += 1
            self._current = f"{name}: done"

    def share(self, done: float) -> None:
        """This share of a build is done, 0 to 1."""
        with self._lock:
            self._share = done

    @contextmanager
    def tentative(self) -> Iterator[None]:
        """What is counted in the block stays counted only if it ends well: it is one transaction, of one thread."""
        with self._lock:
            kept = self._splits, self._rows, self._bytes, self._tasks
        try:
            yield
        except BaseException:
            with self._lock:
                self._splits, self._rows, self._bytes, self._tasks = kept
            raise

    @contextmanager
    def watch(self, engine: Reporting, size: int) -> Iterator[Watched]:
        """Meanwhile ``engine`` loads a stage of ``size`` bytes, which count as it goes on. They are
        ``add``-ed afterwards. What loads it by several statements says ``begin`` before each.
        """
        watched = Watched(engine, size, self._lock)
        if size < WATCHED_BYTES_MIN:
            yield watched
            return
        engine.report_progress()
        with self._lock:
            self._watched.append(watched)
        try:
            yield watched
        finally:
            with self._lock:  # nobody asks the engine after this: it may be closed
                self._watched.remove(watched)

    # -- for those who look ----------------------------------------------------------------------------------------

    def snapshot(self) -> Progress:
        """How far it is now."""
        with self._lock:
            now = self._ended_at or self._clock()
            elapsed = _seconds(self._started_at, now)
            self._percentage = max(self._percentage, self._percent())
            return Progress(
                kind=self._kind,
                id=self._id,
                name=self._name,
                phase=self._phase,
                current=self._current,
                splits_done=self._splits,
                splits_total=self._splits_total,
                rows_done=self._rows,
                bytes_done=self._bytes_done(),
                bytes_total=self._bytes_total,
                tasks_done=self._tasks,
                tasks_total=self._tasks_total,
                percentage=self._percentage,
                started_at=self._started_at,
                elapsed_seconds=elapsed,
                eta_seconds=self._eta(elapsed - self._idle_seconds),
            )

    def _bytes_done(self) -> int:
        done = self._bytes + int(sum(watched.bytes_done() for watched in self._watched))
        return min(done, self._bytes_total) if self._bytes_total else done

    def _percent(self) -> float:
        if self._phase is Phase.DONE:
            return 100.0
        percent = percentage(self._bytes_done(), self._bytes_total, self._tasks, self._tasks_total)
        if self._share is not None:
            percent = 100.0 * self._share
        return min(percent, UNFINISHED_PERCENT_MAX)

    def _eta(self, working_seconds: float) -> float | None:
        """The rest at the speed so far."""
        if self._phase is Phase.DONE:
            return 0.0
        gained = self._percentage - self._percentage_found
        is_known = gained >= ESTIMATE_PERCENT_MIN and working_seconds >= ESTIMATE_SECONDS_MIN
        if self._phase in _IDLE or not is_known:
            return None
        return working_seconds * (100.0 - self._percentage) / gained


def of_job(clock: Callable[[], datetime], job_id: int, name: str) -> LiveProgress:
    """The progress of a build that begins now."""
    live = LiveProgress(clock, kind="job", name=name)
    live.identify(job_id)
    live.phase(Phase.BUILDING, f"build {name}")
    live.share(0.0)
    return live


def percentage(bytes_done: int, bytes_total: int, tasks_done: int, tasks_total: int) -> float:
    """The formula above, 0 to 100."""
    tasks = min(tasks_done / tasks_total, 1.0) if tasks_total else 0.0
    if not bytes_total:
        return 100.0 * tasks
    loaded = min(max(bytes_done, 0) / bytes_total, 1.0)
    return LOADING_PERCENT * loaded + (100.0 - LOADING_PERCENT) * tasks


def _seconds(since: datetime, until: datetime) -> float:
    return max((until - since).total_seconds(), 0.0)  # a clock may be set back
