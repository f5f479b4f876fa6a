"""What goes into the store and what comes out: frozen values.

All times are aware and in UTC. Tables are named as text, as the engine quotes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from mvengine.meta.states import JobStatus, RefreshState
from mvengine.schema import Name


class RelationKind(StrEnum):
    TABLE = "table"
    MATERIALIZED_VIEW = "materialized_view"


class MaintenanceMode(StrEnum):
    INCREMENTAL = "incremental"
    FULL = "full"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or view as it was defined."""

    relation_id: int
    name: Name
    kind: RelationKind
    is_refreshable: bool
    definition: str  # as the user wrote it
    storage_table: str
    staging_table: str | None
    shadow_table: str | None
    source: str | None  # without secrets: people read it
    strategy: str | None
    reason: str | None
    policy: str | None


@dataclass(frozen=True, kw_only=True)
class StoredFragment:
    """A fragment as opaque text. ``digest`` is ``fragment_digest(text)``: the store checks it on both ways."""

    format: int
    digest: str
    text: str


def fragment_digest(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class StoredRelation:
    """A relation with everything that is stored about its definition."""

    relation: Relation
    fragment: StoredFragment | None
    dependencies: tuple[Name, ...]  # sorted by schema and name
    created_at: datetime
    epoch: int  # of its last change
    building_job: int | None  # the job that makes it; None once it is CREATED
    on_error: str  # of a view: fail or suspend
    deferred_by: int | None  # the consumer through which it follows later, if it does
    suspended_by: int | None  # the state_id of its failure, if it is suspended


@dataclass(frozen=True, kw_only=True)
class Job:
    """A standing definition being built or kept; ``version`` is what a compare-and-set compares."""

    job_id: int
    relation_id: int
    name: Name
    kind: RelationKind
    status: JobStatus
    phase: str | None
    progress: float  # 0 to 1
    is_background: bool
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """Who reads change logs. It has read them up to ``epoch``, from a state on that it holds if ``has_snapshot``."""

    consumer_id: int
    kind: str
    inputs: tuple[Name, ...]  # relations whose logs it reads, sorted by schema and name
    epoch: int
    has_snapshot: bool


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A deferred view's place in the logs, and the relations whose logs hold something that it has not read."""

    consumer: Consumer
    names: frozenset[Name]


@dataclass(frozen=True, kw_only=True)
class RefreshJob:
    """The refresh of one refreshable table; ``version`` is what a compare-and-set compares."""

    relation_id: int
    name: Name
    state: RefreshState
    version: int
    attempt: int  # tries since the last success, the one going on included
    last_trigger_time: datetime | None
    last_checked_time: datetime | None
    last_success_time: datetime | None
    last_epoch: int | None
    interval_sec: int | None
    last_error: str | None
    is_dirty: bool


@dataclass(frozen=True, kw_only=True)
class SourceFileRow:
    """A file whose rows are in the table. ``path`` identifies it within its table."""

    file_id: int
    path: str
    size: int  # bytes
    mtime_ns: int
    etag: str | None
    rows: int
    rejected: int
    epoch: int  # that loaded it


@dataclass(frozen=True, kw_only=True)
class StagedFileRow:
    """A file, or a part of a large one, whose rows are in the staging table and not in the table yet."""

    file_id: int
    path: str
    size: int  # bytes, of the whole file
    mtime_ns: int
    etag: str | None
    rows: int
    rejected: int
    staged_at: datetime
    part: int  # from 1
    parts: int


@dataclass(frozen=True, kw_only=True)
class RejectedRowRecord:
    """A row that a load skipped."""

    path: str
    line: int | None  # from 1, where the format has lines
    reason: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """What one epoch did to one relation, and why so."""

    relation_id: int
    name: Name
    epoch: int
    strategy: str
    mode: MaintenanceMode
    reason: str
    delta_rows: int  # read from the inputs' deltas
    output_rows: int  # handed on
    ms: float
    input_rows: int | None = None  # of all inputs together, where somebody counted
    predicted_ms: float | None = None  # of the way that was chosen, where something was known


@dataclass(frozen=True, kw_only=True)
class MaintenanceRun:
    """What is learnt from one maintenance of a view: a first derivation is FULL, too."""

    relation_id: int
    mode: MaintenanceMode
    delta_rows: int
    input_rows: int | None
    ms: float


@dataclass(frozen=True, kw_only=True)
class SealedObject:
    """A table or view of the file, as it is or was at the last close. ``rows`` and ``fingerprint``: None for a view."""

    owner: Name  # the table or view of the user that it belongs to
    name: Name
    sql: str
    rows: int | None
    fingerprint: str | None


@dataclass(frozen=True, kw_only=True)
class Seal:
    """What the last close has left."""

    duckdb_version: str
    objects: tuple[SealedObject, ...]
