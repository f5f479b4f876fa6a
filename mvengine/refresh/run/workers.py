"""Threads of an open database: named, told to stop at close, and joined."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread, current_thread

from mvengine.errors import StateError

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
        thread = Thread(target=self._run, args=(run,), name=f"mvengine-{name}", daemon=True)
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
        """Tells all threads to stop, interrupts what they are in, and joins them."""
        self.stop.set()
        with self._guard:
            threads, interrupts = list(self._threads), list(self._interrupts.values())
        for interrupt in interrupts:
            interrupt()
        for thread in threads:
            if thread is not current_thread() and thread.is_alive():  # Ctrl-C may come before it is started
                thread.join(JOIN_SECONDS_MAX)
