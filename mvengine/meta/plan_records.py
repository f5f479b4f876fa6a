"""What the store remembers of plans, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mvengine.meta.states import PlanStatus, TaskStatus


class TaskKind(StrEnum):
    LOAD = "load"  # a table's splits into its staging table, in durable stages
    MERGE = "merge"  # the staging table against the contents: the table's delta
    MAINTAIN = "maintain"  # a view follows
    PUBLISH = "publish"  # the epoch; depends on all


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A refresh: ``version`` is what a compare-and-set compares, ``events`` the number of its last event."""

    plan_id: int
    status: PlanStatus
    version: int
    trigger: str
    relation_ids: tuple[int, ...]
    tables: tuple[str, ...]
    reads_all: bool
    is_background: bool
    is_verified: bool  # views are compared with their queries before it publishes
    epoch: int | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    events: int


@dataclass(frozen=True, kw_only=True)
class Task:
    """A node of a plan. ``depends_on`` are tasks with smaller numbers; ``checkpoint`` is JSON, of a load."""

    task_id: int
    kind: TaskKind
    relation_id: int | None
    schema_name: str | None
    relation: str | None
    depends_on: tuple[int, ...]
    status: TaskStatus
    version: int
    attempts: int
    stages_done: int
    stages_total: int
    splits_done: int  # files, of a load
    splits_total: int
    rows: int
    bytes_done: int
    bytes_total: int
    checkpoint: str | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def name(self) -> str:
        """As people read it: "load orders"."""
        return f"{self.kind} {self.relation}" if self.relation else str(self.kind)


@dataclass(frozen=True, kw_only=True)
class PlanEventRecord:
    """A transition: of the plan (``task_id`` None) or of a task."""

    seq: int
    task_id: int | None
    from_state: str
    event: str
    to_state: str
    cause: str
    attempt: int | None
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an attempt of a task failed. ``type`` is one of ``refresh.plan.failure``."""

    task_id: int
    attempt: int
    code: str
    type: str
    message: str
    relation: str | None
    stage: str | None
    file: str | None
    line: int | None
    retryable: bool
    occurred_at: datetime
