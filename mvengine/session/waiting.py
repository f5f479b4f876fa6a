"""Waits bit by bit, so that Ctrl-C and ``Connection.interrupt`` are heard."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from mvengine.errors import OperationalError

if TYPE_CHECKING:
    from mvengine.session import Session

Found = TypeVar("Found")

LOOK_SECONDS = 0.1  # between two looks at whether the wait was interrupted


def patiently(
    session: Session,
    look: Callable[[float], Found],
    *,
    is_late: Callable[[Found], bool],
    deadline: float,
    interrupted: Callable[[Found], tuple[str, str]],
) -> Found:
    """What ``look(seconds)`` finds, again and again while that ``is_late``, until ``deadline`` (of ``monotonic``).

    Errors: OperationalError (57014) where the session is interrupted, with the message and hint of ``interrupted``.
    """
    while True:
        left = max(deadline - monotonic(), 0.0)
        found = look(min(left, LOOK_SECONDS))
        if left <= LOOK_SECONDS or not is_late(found):
            return found
        if session.is_interrupted:
            message, hint = interrupted(found)
            raise OperationalError(message, hint=hint, code="57014")
