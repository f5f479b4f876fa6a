"""Threads of an open database: named, told to stop at close, and joined."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread, current_thread
from time import monotonic

from mvengine.errors import StateError

THREAD_PREFIX = "mvengine-"
INTERRUPT_SECONDS = 0.05  # between two interrupts of a thread that has not ended yet
JOIN_SECONDS_MAX = 30.0
"""How long close waits for a thread: a stage that does not react to an interrupt within it is a bug."""


class Stop:
    """What a worker looks at between its steps: set when the database is closed."""

    def __init__(self) -> None:
        self._event = Event()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleeps; True at once where the worker is to stop."""
        return self._event.wait(seconds)

    def set(self) -> None:
        self._event.set()


class Workers:
    """The background threads of one database."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._threads: set[Thread] = set()
        self._interrupts: dict[Thread, Callable[[], None]] = {}
        self._guard = Lock()

    def start(self, name: str, run: Callable[[Stop], None], interrupt: Callable[[], None] | None = None) -> Thread:
        """Runs ``run`` in a thread. ``interrupt`` ends the statement that it may be in, when the database is closed."""
        if self.stop.is_set():
            raise StateError("the database is being closed", hint="open it again")
        thread = Thread(target=self._run, args=(run,), name=f"{THREAD_PREFIX}{name}", daemon=True)
        with self._guard:
            self._threads.add(thread)
            if interrupt is not None:
                self._interrupts[thread] = interrupt
        thread.start()
        return thread

    def _run(self, run: Callable[[Stop], None]) -> None:
        try:
            run(self.stop)
        finally:
            with self._guard:
                self._threads.discard(current_thread())
                self._interrupts.pop(current_thread(), None)

    def close(self) -> None:
        """Tells all threads to stop, interrupts what they are in, and joins them. An interrupt that comes between two
        statements is lost, so each is told until it has ended."""
        self.stop.set()
        with self._guard:
            threads, interrupts = list(self._threads), dict(self._interrupts)
        deadline = monotonic() + JOIN_SECONDS_MAX
        for interrupt in interrupts.values():
            interrupt()
        for thread in threads:
            while thread is not current_thread() and thread.is_alive() and monotonic() < deadline:
                thread.join(INTERRUPT_SECONDS)
                if thread in interrupts:
                    interrupts[thread]()
