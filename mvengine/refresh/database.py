"""An open database: what all connections of this process to one file share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from mvengine.config import Config
from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.store import Store
from mvengine.refresh.choice import Costs
from mvengine.refresh.graph import Graph
from mvengine.refresh.lock import WriterLock
from mvengine.refresh.run.progress import LiveProgress
from mvengine.refresh.run.registry import Registry
from mvengine.refresh.run.workers import Workers
from mvengine.schema import Name

if TYPE_CHECKING:
    from mvengine.refresh.foreign import DatabaseFile, ForeignChange
    from mvengine.refresh.jobs.build import Build

Clock = Callable[[], datetime]


class Wakeable(Protocol):
    """The scheduler, to those who have something new for it."""

    def wake(self) -> None: ...


@dataclass
class Database:
    """Shared by all connections to one file. ``epoch``, ``changed`` and ``graph`` change only under the writer lock."""

    path: str
    engine: DuckDbEngine
    config: Config  # as SET has left it
    clock: Clock
    graph: Graph
    epoch: int
    name: str  # DuckDB's, of the attached file
    opened_with: Config  # what RESET goes back to
    stored_settings: dict[str, str]  # by ALTER DATABASE SET, mvengine's and DuckDB's
    costs: Costs  # by which views are derived again or follow
    changed: dict[Name, int] = field(default_factory=dict)  # relation -> epoch of its last change in this process
    lock: WriterLock = field(default_factory=WriterLock)
    workers: Workers = field(default_factory=Workers)  # background refreshes, builds, the scheduler
    builds: dict[int, Build] = field(default_factory=dict)  # by job id: those that run, and those that failed
    scheduler: Wakeable | None = None  # runs where a connection was opened with it
    registry: Registry = field(default_factory=Registry)  # refreshes that run, and their tables
    live: list[LiveProgress] = field(default_factory=list)  # of what runs now, in the order of its start
    plain_writes: dict[str, int] = field(default_factory=dict)  # bare name of an unmaintained table -> write_clock
    shapes: int = 0  # counts statements after which names or columns may mean something else
    write_clock: int = 0  # counts writes to unmaintained tables, which make no epoch
    users: int = 0
    file: DatabaseFile | None = None  # of a database that is not in memory
    foreign_changes: tuple[ForeignChange, ...] = ()  # found when it was opened, until the caller is told
    system_schemas: set[str] = field(default_factory=set)  # what has been made of mv_system so far
    guard: Lock = field(default_factory=Lock)  # of ``live``
    system_guard: Lock = field(default_factory=Lock)  # of ``system_schemas``

    def note_plain_writes(self, names: Iterable[str]) -> None:
        """Remembers that tables nothing depends on were written. Called under the writer lock."""
        for name in names:
            self.write_clock += 1
            self.plain_writes[name.lower()] = self.write_clock

    def store(self, engine: DuckDbEngine) -> Store:
        """The meta store, in the transaction of ``engine``."""
        return Store(engine, self.clock)
