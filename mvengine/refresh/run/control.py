"""What others may ask of a refresh that runs. It looks between its stages; whoever asked can wait for the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Condition
from time import monotonic

INTERRUPT_SECONDS = 0.05  # between two interrupts of an execution that has not ended yet


class Request(StrEnum):
    PAUSE = "PAUSE"
    CANCEL = "CANCEL"
    STOP = "STOP"  # the database is closed: what is durable stays, and start-up goes on from there


class Asked(Exception):  # noqa: N818 - the way out of an execution of which a pause or an end is asked for
    """Something was asked of the execution; what is durable is in the ledger."""


class Control:
    """Requests to one execution. The first one counts, but CANCEL and STOP overrule a PAUSE."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._request: Request | None = None
        self._cause = ""
        self._has_begun = self._is_over = False
        self._interrupts: list[Callable[[], None]] = []

    @property
    def request(self) -> Request | None:
        return self._request

    @property
    def cause(self) -> str:
        return self._cause

    def ask(self, request: Request, cause: str) -> None:
        """Asks for the end. A CANCEL or STOP also interrupts the statements that run now."""
        with self._condition:
            if self._request is None or self._request is Request.PAUSE:
                self._request, self._cause = request, cause
            self._interrupt()
            self._condition.notify_all()

    @contextmanager
    def interruptible(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While the block runs, a CANCEL or STOP calls ``interrupt``."""
        with self._condition:
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._condition:
                self._interrupts.remove(interrupt)

    def wait(self, seconds: float) -> bool:
        """Sleeps; True at once when something is asked for."""
        deadline = monotonic() + seconds
        with self._condition:
            while self._request is None:
                left = deadline - monotonic()
                if left <= 0:
                    return False
                self._condition.wait(left)
            return True

    def begin(self) -> bool:
        """Somebody carries the execution out from now on; False where it was given up before."""
        with self._condition:
            self._has_begun = not self._is_over
            return self._has_begun

    def give_up(self) -> bool:
        """The execution will never begin; False where it has."""
        with self._condition:
            if not self._has_begun:
                self._is_over = True
                self._condition.notify_all()
            return not self._has_begun

    def end(self) -> None:
        """The execution is over, its states are written."""
        with self._condition:
            self._is_over = True
            self._condition.notify_all()

    def wait_for_end(self, timeout: float | None) -> bool:
        """Whether the execution is over; waits for it, at most ``timeout`` seconds. After a CANCEL or STOP it is
        interrupted again and again meanwhile: an interrupt that comes between two statements is lost."""
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            with self._condition:
                is_interrupted = self._request in (Request.CANCEL, Request.STOP)
                left = None if deadline is None else max(deadline - monotonic(), 0.0)
                turn = min(INTERRUPT_SECONDS, INTERRUPT_SECONDS if left is None else left) if is_interrupted else left
                if self._condition.wait_for(lambda: self._is_over, turn):
                    return True
                if deadline is not None and monotonic() >= deadline:
                    return False
                self._interrupt()

    def _interrupt(self) -> None:
        """Under the condition: what is not ``interruptible`` any more, the writing of states, is never interrupted."""
        if self._request in (Request.CANCEL, Request.STOP):
            for interrupt in self._interrupts:
                interrupt()
