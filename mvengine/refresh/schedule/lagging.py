"""Views with a target_lag: they are refreshed before they stay behind by more than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.store.schedules import Schedule, ScheduledView
from mvengine.planner.view_options import seconds_of
from mvengine.refresh.database import Database
from mvengine.refresh.plan.failure import described
from mvengine.refresh.run.workers import Stop
from mvengine.refresh.schedule.due import due_at, lag_delay_ms
from mvengine.refresh.transaction import Transaction
from mvengine.refresh.view_refresh import refresh_views


def planned(view: ScheduledView) -> Schedule:
    """The schedule of a view as it should be. Failures before somebody brought it up to date by hand do not count."""
    held = view.schedule or Schedule(
        relation_id=view.relation_id, delay_ms=0, failures=0, runs=0, ended_at=None, reason=""
    )
    is_well = view.waits_since is None or held.ended_at is None or view.waits_since >= held.ended_at
    failures = 0 if is_well else held.failures
    reason = held.reason if failures else f"stays behind by at most {view.target_lag}"
    return replace(held, delay_ms=lag_delay_ms(seconds_of(view.target_lag), failures), failures=failures, reason=reason)


def moment(view: ScheduledView, now: datetime) -> datetime | None:
    """When a view is due; None: nothing waits for it."""
    return None if view.seen_at is None else due_at(view.seen_at, planned(view).delay_ms, now)


def look_seconds(view: ScheduledView) -> float:
    """How long nobody may look at a view without missing its target: commits wake nobody."""
    return seconds_of(view.target_lag) / 2


class Lagging:
    """The views of a database, for its scheduler, in whose thread and by whose engine they are refreshed."""

    def __init__(self, database: Database, engine: DuckDbEngine) -> None:
        self._database = database
        self._engine = engine
        self._is_running = False

    def views(self) -> tuple[ScheduledView, ...]:
        """As they are stored, those that the other sessions see as deferred."""
        known = {view.relation_id for view in self._database.graph.deferred}
        found = self._database.store(self._engine).scheduled_views()
        return tuple(view for view in found if view.relation_id in known)

    def refresh(self, due: Sequence[ScheduledView], stop: Stop) -> None:
        """Brings views up to date, all at one epoch. One that failed last time goes apart from the others, and where
        they fail together each goes apart."""
        well = [view for view in due if view.schedule is None or not view.schedule.failures]
        apart = [view for view in due if view not in well]
        failures: dict[int, str | None] = {}
        if well and (failure := self._run(well, stop)) is None:
            failures = {view.relation_id: None for view in well}
        elif len(well) == 1:
            failures = {well[0].relation_id: failure}
        else:
            apart = [*well, *apart]
        failures |= {view.relation_id: self._run([view], stop) for view in apart}
        if not stop.is_set():
            self._record(due, failures)

    def interrupt(self) -> None:
        """Ends the refresh that runs. For any thread."""
        if self._is_running:
            self._engine.interrupt()

    def _run(self, views: Sequence[ScheduledView], stop: Stop) -> str | None:
        """The failure, or None where they are up to date now. A suspended view is not."""
        known = {view.relation_id: view.name for view in self._database.graph.deferred}
        names = [known[view.relation_id] for view in views if view.relation_id in known]
        self._is_running = True
        try:
            if stop.is_set() or not names:
                return None
            refreshed = refresh_views(self._transaction, names, f"target_lag of {', '.join(map(str, names))}")
        except Exception as error:  # a bug is this refresh's failure, too: it backs off, the others go on
            return described(error)
        finally:
            self._is_running = False
        return refreshed.suspended[0].message if refreshed.suspended else None

    def _transaction(self) -> Transaction:
        return Transaction(self._database, self._engine, is_explicit=False)

    def _record(self, ran: Sequence[ScheduledView], failures: dict[int, str | None]) -> None:
        now = self._database.clock()
        counted = []
        for view in ran:
            failure = failures[view.relation_id]
            held = replace(planned(view), ended_at=now)
            held = replace(held, runs=held.runs + 1, failures=0 if failure is None else held.failures + 1)
            if failure is not None:
                times = f"{held.failures} failure{'s' if held.failures > 1 else ''}"
                held = replace(held, reason=f"backs off after {times}: {failure}")
            counted.append(planned(replace(view, schedule=held)))
        self._engine.begin()
        self._database.store(self._engine).put_schedules(counted)
        self._engine.commit()
