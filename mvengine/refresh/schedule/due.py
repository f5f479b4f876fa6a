"""When a table or a view is due. Pure.

    due = last look + interval × 2^failures + jitter        of a table with an interval
    due = first change that waits + half the target lag     of a view with a target_lag

The last look is whoever's: a refresh by hand counts, and an overdue table is refreshed once, not once for every
interval that has passed. Failures back off exponentially, up to an hour (or the interval, where that is longer). The
jitter keeps tables that were made together from being refreshed at the same moment for ever; it is a hash, so that
a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from mvengine.planner.options import INTERVAL_SECONDS_MAX
from mvengine.schema import Name

BACKOFF_SECONDS_MAX = 3600
JITTER_SHARE_MAX = 0.1  # of the interval

Jitter = Callable[[Name, int], float]
"""From a table and the number of its run to a share of the longest jitter, from 0 up to 1."""


def hashed_jitter(seed: str) -> Jitter:
    """A jitter that is evenly spread, and the same for the same seed, table and run."""

    def jitter(table: Name, run: int) -> float:
        digest = sha256(f"{seed}\0{table}\0{run}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48

    return jitter


def delay_ms(interval_sec: int, failures: int, jitter: float) -> int:
    """Milliseconds from the last look at a source to the next one, after ``failures`` failures in a row."""
    interval = min(interval_sec, INTERVAL_SECONDS_MAX)  # older versions accepted any
    longest = max(interval, BACKOFF_SECONDS_MAX)
    backed_off = min(interval << min(failures, 12), longest)  # 2^12 seconds are more than an hour
    return round(1000 * (backed_off + interval * JITTER_SHARE_MAX * jitter))


def lag_delay_ms(target_sec: int, failures: int) -> int:
    """Milliseconds until a view follows, since something waits for it (or since the last of ``failures`` failures in a
    row): half its target, so that the other half is left for the refresh itself and for the scheduler's own turn."""
    longest = max(500 * target_sec, 1000 * BACKOFF_SECONDS_MAX)
    return min(500 * target_sec << min(failures, 12), longest)


def due_at(seen_at: datetime, delay: int, now: datetime) -> datetime:
    """When a table that was looked at at ``seen_at`` is due; ``delay`` in milliseconds.

    A last look that lies further ahead than one delay says that the clock was set back: the table is due now.
    """
    pause = timedelta(milliseconds=delay)
    return now if seen_at - now > pause else seen_at + pause
