"""Named places at which a test can kill the process or raise, and proof that they were passed.

``MVENGINE_FAULT=publish.before_commit`` kills the process there by SIGKILL; ``name:3`` does so at the third passing.
Without it a fault point costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POINTS = (
    "create.after_job",
    "create.before_commit",
    "redefine.after_build",
    "redefine.before_commit",
    "refresh.after_listing",
    "refresh.before_trigger",
    "refresh.after_trigger",
    "stage.after_prepare",
    "stage.before_commit",
    "refresh.after_split",
    "refresh.before_staged",
    "refresh.after_staged",
    "refresh.after_merge",
    "maintain.view",
    "publish.before_commit",
    "publish.after_commit",
    "views.before_cursors",
    "views.before_commit",
    "suspend.before_commit",
    "dml.before_commit",
    "dml.after_commit",
    "states.before_commit",
    "states.after_commit",
    "recovery.before_commit",
    "recovery.after_commit",
    "build.after_announce",
    "build.in_snapshot",
    "build.after_snapshot",
    "build.after_round",
    "build.before_finish_commit",
)
"""Every fault point that there is: crash tests go through this list."""

_handlers: dict[str, Callable[[], None]] = {}


def fault_point(name: str) -> None:
    """A place where a fault may be injected."""
    handler = _handlers.get(name)
    if handler is not None:
        handler()


@contextmanager
def inject(name: str, action: Callable[[], None]) -> Iterator[None]:
    """Runs ``action`` at a fault point for as long as the block lasts."""
    if name not in POINTS:
        raise ValueError(f"no fault point {name}")
    _handlers[name] = action
    try:
        yield
    finally:
        del _handlers[name]


def _kill_at(specification: str) -> None:
    name, _, count = specification.partition(":")
    if name not in POINTS:
        raise ValueError(f"MVENGINE_FAULT names no fault point: {name}")
    left = [int(count or 1)]

    def kill() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    _handlers[name] = kill


if _fault := os.environ.get("MVENGINE_FAULT"):
    _kill_at(_fault)
