"""Tells of a running refresh: to its callback, and to everybody through a row of ``mv_meta.progress``.

A thread of its own looks at the live progress; those who do the work only count. What is over within half a second
writes no row. The row is written through a connection of its own, never inside anybody's transaction.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error
from mvengine.meta.progress import Progress
from mvengine.refresh.database import Database
from mvengine.refresh.run.progress import LiveProgress

OnProgress = Callable[[Progress], None]

ROW_SECONDS = 0.5  # before the first row, and between two
CALL_SECONDS = 0.1  # between two calls


@contextmanager
def reported(database: Database, live: LiveProgress, on_progress: OnProgress | None = None) -> Iterator[None]:
    """Reports ``live`` for as long as the block lasts; it stands in ``database.live`` meanwhile.

    ``on_progress`` is called in the reporter's thread, at most ten times a second, and once at the end. It must not
    wait for the refresh. Where it raises, it is not called again and the refresh goes on: the end of the block warns of
    it (RuntimeWarning), as of a row that could not be written. Who wants to end a refresh cancels it.
    """
    reporter = Reporter(database, live, on_progress)
    thread = Thread(target=reporter.run, name="mvengine-progress", daemon=True)
    thread.start()
    try:
        with shown(database, live):
            yield
    finally:
        reporter.is_over.set()
        thread.join()
        for trouble in reporter.troubles:
            warnings.warn(trouble, RuntimeWarning, stacklevel=3)


@contextmanager
def shown(database: Database, live: LiveProgress) -> Iterator[None]:
    """``running`` tells of ``live`` for as long as the block lasts; nothing is written."""
    with database.guard:
        database.live.append(live)
    try:
        yield
    finally:
        with database.guard:
            database.live.remove(live)


def running(database: Database) -> tuple[Progress, ...]:
    """How far everything is that runs now, in the order of its start."""
    with database.guard:
        live = tuple(database.live)
    return tuple(each.snapshot() for each in live)


class Reporter:
    """``run`` is the thread's; ``tick`` is one look, and ``close`` the last one."""

    def __init__(self, database: Database, live: LiveProgress, on_progress: OnProgress | None) -> None:
        self.is_over = Event()
        self.troubles: list[str] = []
        self._database = database
        self._live = live
        self._on_progress = on_progress
        self._called = _Rhythm(CALL_SECONDS, None)
        self._written = _Rhythm(ROW_SECONDS, database.clock())
        self._engine: DuckDbEngine | None = None
        self._row: tuple[str, int] | None = None

    def run(self) -> None:
        pause = ROW_SECONDS / 2 if self._on_progress is None else CALL_SECONDS
        while not self.is_over.wait(pause):
            self.tick()
        self.close()

    def tick(self) -> None:
        """Calls and writes what is due."""
        now, progress = self._database.clock(), self._live.snapshot()
        if self._called.is_due(now):
            self._call(progress)
        if progress.id is not None and self._written.is_due(now):
            self._write(progress, progress.id)

    def close(self) -> None:
        """The last call; the row goes, since plan and tasks (the job) say how it ended."""
        self._call(self._live.snapshot())
        if self._engine is None:
            return
        try:
            if self._row is not None:
                self._database.store(self._engine).clear_progress(*self._row)
        except Error as error:
            self.troubles.append(f"the progress of {self._row} could not be cleared: {error.message}")
        finally:
            self._engine.close()

    def _call(self, progress: Progress) -> None:
        if self._on_progress is None:
            return
        try:
            self._on_progress(progress)
        except Exception as error:  # the user's: nothing here knows it
            self._on_progress = None
            self.troubles.append(
                f"on_progress raised {type(error).__name__}: {error}; it was not called again, the refresh went on"
            )

    def _write(self, progress: Progress, number: int) -> None:
        try:
            if self._engine is None:
                self._engine = self._database.engine.fork()
            self._database.store(self._engine).set_progress(progress)
            self._row = (progress.kind, number)
        except Error as error:
            self._written.stop()
            self.troubles.append(f"the progress could not be recorded any more: {error.message}; the refresh went on")


class _Rhythm:
    """Whether enough time has passed since the last time (or since ``since``)."""

    def __init__(self, seconds: float, since: datetime | None) -> None:
        self._seconds = seconds
        self._last = since
        self._is_stopped = False

    def is_due(self, now: datetime) -> bool:
        """True once for each time."""
        early = self._last is not None and abs((now - self._last).total_seconds()) < self._seconds
        if early or self._is_stopped:
            return False
        self._last = now
        return True

    def stop(self) -> None:
        self._is_stopped = True
