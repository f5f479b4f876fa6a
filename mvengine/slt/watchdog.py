"""Stops statements that take too long."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Self

from mvengine.slt.engines import Connection

_LOOK_SECONDS_MAX = 0.1


class Watchdog:
    """Interrupts what runs longer than ``seconds_max``. One thread for a whole script; None: no limit, no thread.

    ``begins`` and ``ends`` are two assignments, so that they cost a statement nothing.
    """

    def __init__(self, seconds_max: float | None) -> None:
        self.seconds_max = seconds_max
        self._running: tuple[float, Connection] | None = None
        self._stopped: tuple[float, Connection] | None = None
        self._is_over = Event()
        self._thread = Thread(target=self._watch, name="slt watchdog", daemon=True)

    def begins(self, connection: Connection) -> None:
        if self.seconds_max is not None:
            self._running = (monotonic() + self.seconds_max, connection)

    def ends(self) -> bool:
        """Whether the statement was stopped."""
        running, self._running = self._running, None
        return running is not None and running is self._stopped

    def _watch(self) -> None:
        assert self.seconds_max is not None
        pause = min(_LOOK_SECONDS_MAX, self.seconds_max / 4)
        while not self._is_over.wait(pause):
            running = self._running
            if running is not None and monotonic() > running[0]:
                self._stopped = running
                running[1].interrupt()

    def __enter__(self) -> Self:
        if self.seconds_max is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        if self.seconds_max is not None:
            self._thread.join()
