"""The writer lock: one transaction at a time may write, from its first write until it ends.

Two concurrent transactions under snapshot isolation, one changing R and one changing S, would each maintain R ⋈ S
without the other's delta, and ΔR ⋈ ΔS would be lost for ever. Readers never wait.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, get_ident
from time import monotonic

from mvengine.errors import LockTimeout


class WriterLock:
    """Held by an owner (a transaction), not by a thread: whoever ends the transaction releases it."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._owner: object | None = None
        self._what = ""
        self.before_first: Callable[[], None] | None = None  # what the first holder does before it writes

    def acquire(self, owner: object, what: str, timeout_seconds: float) -> None:
        """Waits for the lock. Raises LockTimeout, naming the holder. Does nothing where ``owner`` has it."""
        deadline = monotonic() + timeout_seconds
        with self._condition:
            while self._owner is not None and self._owner is not owner:
                left = deadline - monotonic()
                if left <= 0 or not self._condition.wait(left):
                    if self._owner is None or self._owner is owner:
                        break
                    raise LockTimeout(
                        f"another writer has held the database for {timeout_seconds:g} s: {self._what}",
                        hint="commit or roll back there, or raise lock_timeout",
                    )
            self._owner = owner
            self._what = f"{what} (thread {get_ident()})"
        if self.before_first is not None:
            try:
                self.before_first()
            except BaseException:
                self.release(owner)
                raise
            self.before_first = None

    def is_held_by(self, owner: object) -> bool:
        return self._owner is owner

    def release(self, owner: object) -> None:
        with self._condition:
            if self._owner is owner:
                self._owner = None
                self._condition.notify_all()  # one that is interrupted would swallow the only word
