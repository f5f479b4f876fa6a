"""A build that runs in this process: how others end its thread, and how they learn that it is over."""

from __future__ import annotations

from threading import Event, Lock

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error, LockTimeout
from mvengine.refresh.database import Database
from mvengine.refresh.run.workers import Stop
from mvengine.refresh.transaction import Transaction

INTERRUPT_SECONDS = 0.05
"""How often a build that is to stop is interrupted: an interrupt between two statements ends neither of them."""

LOCK_SECONDS = 0.1
"""How long a build waits for the writer lock before it looks whether it is to stop."""


class Stopped(Exception):  # noqa: N818 - no failure: somebody ends the build, or the database is being closed
    """Raised in a build's thread where it is to stop; what it has committed stays."""


class Build:
    """One job's. ``error`` is what it ended with, None if it is CREATED; to be read when ``is_over`` is set."""

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self.is_over = Event()
        self.error: Error | None = None
        self.is_asked = Event()  # to stop
        self._is_idle = Event()
        self._engine: DuckDbEngine | None = None
        self._guard = Lock()

    def begin(self, engine: DuckDbEngine) -> None:
        """Its thread is about to run, with this engine."""
        self.is_asked.clear()
        self._is_idle.clear()
        self._engine = engine

    def end(self) -> None:
        """Its thread has run: it holds nothing open any more."""
        with self._guard:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
        self._is_idle.set()

    def finish(self, error: Error | None) -> None:
        """The job is CREATED, or it is no more, or nobody works on it until the database is opened again."""
        self.error = error
        self.is_over.set()

    def stop(self) -> None:
        """Ends the thread, and returns when it has. The caller may hold the writer lock."""
        self.is_asked.set()
        while not self._is_idle.wait(INTERRUPT_SECONDS):
            self.interrupt()

    def interrupt(self) -> None:
        """Ends the statement that the thread is in."""
        with self._guard:
            if self._engine is not None:
                self._engine.interrupt()

    def is_stopping(self, stop: Stop) -> bool:
        return self.is_asked.is_set() or stop.is_set()

    def check(self, stop: Stop) -> None:
        """Raises Stopped where the thread is to end."""
        if self.is_stopping(stop):
            raise Stopped

    def lock(self, database: Database, transaction: Transaction, what: str, stop: Stop) -> None:
        """Makes a transaction the writer, however long that takes. Raises Stopped."""
        while True:
            self.check(stop)
            try:
                database.lock.acquire(transaction, what, LOCK_SECONDS)
            except LockTimeout:
                continue
            return
