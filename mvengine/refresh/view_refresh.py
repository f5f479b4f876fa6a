"""REFRESH MATERIALIZED VIEW: views that do not follow at commit are brought up to date, all of them at one epoch.

One transaction: in the order of the graph, deferred views follow their change logs, suspended ones and those that are
to be derived again are; cursors move as its last step. A view is never refreshed without the deferred and suspended
views that it reads, or it would stay behind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import perf_counter

from mvengine.meta.records import Consumer, Waiting
from mvengine.planner.logical import FullStage
from mvengine.refresh.clock import is_reached, move_clock
from mvengine.refresh.deferral import derive, follow, move_cursors
from mvengine.refresh.graph import Graph, ViewDefinition
from mvengine.refresh.suspension import ViewSuspended, repeated
from mvengine.refresh.transaction import Transaction
from mvengine.schema import Name
from mvengine.testing.faults import fault_point


@dataclass(frozen=True, kw_only=True)
class ViewResult:
    """What a refresh did to one view. A view that followed says in ``touched`` how many rows that were."""

    name: Name
    inserted: int
    deleted: int
    touched: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ViewsRefreshed:
    """What a refresh of views did: a result per view that was brought up to date, and those that failed and are
    suspended, which the others were published without."""

    epoch: int
    results: tuple[ViewResult, ...]
    suspended: tuple[ViewSuspended, ...]


def refresh_views(
    new_transaction: Callable[[], Transaction], wanted: Collection[Name], cause: str, *, derives: bool = False
) -> ViewsRefreshed:
    """Brings these views up to date, and what they need for it. ``derives``: they are derived again from nothing.

    Errors: LockTimeout; DataError where the query of a view with on_error = 'fail' fails: nothing is published then.
    """
    failed: dict[Name, ViewSuspended] = {}

    def attempt() -> ViewsRefreshed:
        refresh = _Refresh(new_transaction(), frozenset(wanted), cause, derives=derives, left_out=frozenset(failed))
        try:
            return refresh.run(tuple(failed.values()))
        except ViewSuspended as error:
            failed[error.view.name] = error
            raise

    return repeated(attempt, len(new_transaction().graph.views))


def behind(graph: Graph) -> tuple[Name, ...]:
    """The views that a commit does not bring up to date: deferred, suspended, and those over what is not tracked."""
    return tuple(view.name for view in graph.views.values() if view.is_deferred or view.is_suspended or untracked(view))


def untracked(view: ViewDefinition) -> bool:
    """Whether its rows can change although no table has."""
    return any(isinstance(stage, FullStage) and not stage.is_tracked for stage in view.maintenance.stages)


class _Refresh:
    """One attempt."""

    def __init__(
        self, transaction: Transaction, wanted: frozenset[Name], cause: str, *, derives: bool, left_out: frozenset[Name]
    ) -> None:
        self.transaction = transaction
        self.wanted = wanted
        self.cause = cause
        self.derives = derives
        self.left_out = left_out
        self._waiting: dict[int, Waiting] = {}  # by relation id
        self._followed: list[Consumer] = []  # whose cursors move

    def run(self, suspended: tuple[ViewSuspended, ...]) -> ViewsRefreshed:
        transaction = self.transaction
        transaction.lock(self.cause)
        try:
            transaction.begin()
            if is_reached(transaction.graph, self.wanted):
                move_clock(transaction, self.cause)
                transaction.flush()
            self._waiting = transaction.database.store(transaction.engine).waiting()
            views = [view for view in transaction.graph.upstream(self.wanted) if view.name not in self.left_out]
            results = tuple(result for view in views if (result := self._refresh(view)) is not None)
            fault_point("views.before_cursors")
            move_cursors(transaction, self._followed)
            fault_point("views.before_commit")
            epoch = transaction.commit()
        except BaseException:
            if not transaction.is_committed:
                transaction.rollback()
            raise
        return ViewsRefreshed(epoch=epoch, results=results, suspended=suspended)

    def _refresh(self, view: ViewDefinition) -> ViewResult | None:
        """What is to be done with a view of the refresh; None: nothing, and nobody has named it."""
        started = perf_counter()
        inserted = deleted = 0
        touched: int | None = None
        is_wanted = view.name in self.wanted
        waiting = self._waiting.get(view.relation_id)
        is_derived = view.is_suspended or (is_wanted and (self.derives or untracked(view)))
        if is_derived:
            inserted, deleted = derive(self.transaction, view, self.cause)
        elif view.is_deferred:
            touched = follow(self.transaction, view, waiting, self.cause)
        if waiting is not None and (is_derived or touched is not None):
            self._followed.append(waiting.consumer)
        if not is_wanted and not is_derived and touched is None:
            return None
        seconds = perf_counter() - started
        return ViewResult(name=view.name, inserted=inserted, deleted=deleted, touched=touched or 0, seconds=seconds)
