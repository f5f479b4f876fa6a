"""The only writer of ``mv_meta``."""

from mvengine.meta.store.definitions import DefinitionStore
from mvengine.meta.store.epochs import EpochStore
from mvengine.meta.store.files import FileStore
from mvengine.meta.store.foreign import ForeignStore
from mvengine.meta.store.jobs import JobStore
from mvengine.meta.store.log import LogStore
from mvengine.meta.store.objects import ObjectStore
from mvengine.meta.store.plans import PlanStore
from mvengine.meta.store.progress import ProgressStore
from mvengine.meta.store.refreshes import RefreshStore
from mvengine.meta.store.relations import RelationStore
from mvengine.meta.store.schedules import ScheduleStore
from mvengine.meta.store.settings import SettingStore
from mvengine.meta.store.views import ViewStore

__all__ = ["Store"]


class Store(
    RelationStore,
    JobStore,
    RefreshStore,
    PlanStore,
    FileStore,
    EpochStore,
    SettingStore,
    ScheduleStore,
    ProgressStore,
    LogStore,
    ViewStore,
    DefinitionStore,
    ForeignStore,
    ObjectStore,
):
    """``Store(cursor, clock)``: reads and writes what the engine remembers, in the transaction that ``cursor`` is in.

    ``cursor`` is DuckDB's, or anything with its ``execute``; ``clock`` gives aware times. Nothing is cached: two stores
    on one cursor are the same store.
    """
