"""When a failed task is tried again by itself. Pure."""

from __future__ import annotations

PAUSE_SECONDS_MAX = 60.0


def pause_before(attempt: int, *, first_pause: float) -> float:
    """Seconds to wait before the ``attempt``-th try (from 2 on): doubled with each, bounded."""
    return min(first_pause * 2.0 ** min(attempt - 2, 30), PAUSE_SECONDS_MAX)


def is_tried_again(attempts: int, *, retryable: bool, attempts_max: int) -> bool:
    """Whether a task that has failed after ``attempts`` tries gets another one by itself."""
    return retryable and attempts < attempts_max
