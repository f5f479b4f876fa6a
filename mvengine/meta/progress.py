"""How far a refresh or a build is, as a value: what callbacks get, the shell shows and the store keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """What a refresh or a build is doing."""

    LISTING = "listing"  # the sources
    LOADING = "loading"  # splits into staging tables
    MERGING = "merging"
    MAINTAINING = "maintaining"  # views
    PUBLISHING = "publishing"
    BUILDING = "building"  # a job
    PAUSED = "paused"
    WAITING = "waiting to retry"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a refresh or job was when it was looked at. Totals are 0 until they are known."""

    kind: str  # refresh, job
    id: int | None  # plan_id or job_id; None: it has no number yet
    name: str  # of the tables, or of what is built
    phase: Phase
    current: str  # what it is at: load orders: 3/17 files
    splits_done: int
    splits_total: int
    rows_done: int
    bytes_done: int  # of files, the one being loaded estimated
    bytes_total: int
    tasks_done: int
    tasks_total: int
    percentage: float  # 0 to 100, never less than before; 100 only when all went well
    started_at: datetime
    elapsed_seconds: float
    eta_seconds: float | None  # until it is over, as far as can be told
