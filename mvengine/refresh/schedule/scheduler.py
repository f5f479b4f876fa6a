"""The thread that refreshes tables by their intervals and views by their target_lag, while the database is open.

It goes in turns: read what there is, write down what it means to do, refresh what is due, sleep until something is.
Everything that it decides from is stored, so that it begins after a restart where it was, failures included. CREATE,
ALTER and DROP wake it; refreshes by hand it finds at its next turn, at the latest after the shortest interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Protocol, runtime_checkable

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import Error
from mvengine.meta.store.schedules import Schedule, ScheduledTable
from mvengine.refresh.database import Database
from mvengine.refresh.plan.failure import described
from mvengine.refresh.run import operations
from mvengine.refresh.run.control import Control, Request
from mvengine.refresh.run.start import Taken
from mvengine.refresh.run.workers import Stop
from mvengine.refresh.schedule.due import Jitter, delay_ms, due_at, hashed_jitter
from mvengine.refresh.schedule.lagging import Lagging, look_seconds, moment
from mvengine.refresh.schedule.lagging import planned as planned_view

CANCELLED = "57014"  # PostgreSQL's query_canceled
SLEEP_SECONDS_MAX = 60.0  # a clock that was set back or forward is noticed after that


@runtime_checkable
class WaitingClock(Protocol):
    """A clock that has its own way to wait: that of a test."""

    def wait_until(self, bell: Event, deadline: datetime | None) -> None: ...


class Scheduler:
    """Of one database. ``jitter`` spreads what would be due at one moment."""

    def __init__(self, database: Database, jitter: Jitter | None = None) -> None:
        self._database = database
        self._jitter = jitter or hashed_jitter(database.path)
        self._bell = Event()
        self._control = Control()  # of the refresh that runs, or ran last
        self._lagging: Lagging | None = None  # the views, once it runs

    def start(self) -> None:
        """Runs in a thread of the database's until that is closed."""
        engine = self._database.engine.fork()
        self._lagging = Lagging(self._database, engine)
        self._database.workers.start("scheduler", lambda stop: self._run(engine, stop), interrupt=self._interrupt)

    def wake(self) -> None:
        """There is something new to look at."""
        self._bell.set()

    def _interrupt(self) -> None:
        """The database is being closed."""
        self._control.ask(Request.STOP, "the database was closed")
        if self._lagging is not None:
            self._lagging.interrupt()
        self.wake()

    def _run(self, engine: DuckDbEngine, stop: Stop) -> None:
        try:
            while True:
                self._bell.clear()
                if stop.is_set():  # looked at after the bell was cleared: close rings it when it has set this
                    return
                self._sleep(self._turn_or_record(engine, stop))
        finally:
            engine.close()

    def _sleep(self, until: datetime | None) -> None:
        clock = self._database.clock
        if isinstance(clock, WaitingClock):
            clock.wait_until(self._bell, until)
        else:
            self._bell.wait(None if until is None else max(0.0, (until - clock()).total_seconds()))

    # -- a turn ----------------------------------------------------------------------------------------------------

    def _turn_or_record(self, engine: DuckDbEngine, stop: Stop) -> datetime | None:
        """A turn. What goes wrong in it is nobody's failure but ours: it is shown with every schedule, and the next
        turn tries again."""
        try:
            return self._turn(engine, stop)
        except Exception as error:
            if stop.is_set():
                return None
            with suppress(Error):  # a database that cannot be written to says so to everybody
                engine.rollback()
                engine.begin()
                self._database.store(engine).note_scheduler_failure(f"the scheduler failed: {described(error)}")
                engine.commit()
            return self._database.clock() + timedelta(seconds=SLEEP_SECONDS_MAX)

    def _turn(self, engine: DuckDbEngine, stop: Stop) -> datetime | None:
        """Refreshes what is due. Returns when to look again; None: when something new is there."""
        assert self._lagging is not None
        tables, views = self._tables(engine), self._lagging.views()
        now = self._database.clock()
        planned = {table.relation_id: self._planned(table, now) for table in tables}
        planned |= {view.relation_id: planned_view(view) for view in views}
        known = [*((it.relation_id, it.schedule) for it in tables), *((it.relation_id, it.schedule) for it in views)]
        if any(schedule != planned[relation_id] for relation_id, schedule in known):
            self._write(engine, tuple(planned.values()))
        moments = {it.relation_id: due_at(it.seen_at, planned[it.relation_id].delay_ms, now) for it in tables}
        due = [table for table in tables if table.is_idle and moments[table.relation_id] <= now]
        if due:
            self._refresh(engine, due, stop)
            return now  # what was due is not any more; time has passed for the others
        late = [view for view in views if (at := moment(view, now)) is not None and at <= now]
        if late:
            self._lagging.refresh(late, stop)
            return now
        if not tables and not views:
            return None
        looks = [*(float(table.interval_sec) for table in tables), *map(look_seconds, views)]
        longest = now + timedelta(seconds=min(SLEEP_SECONDS_MAX, *looks))
        waiting = [moments[table.relation_id] for table in tables if table.is_idle]
        return min([longest, *waiting, *(at for view in views if (at := moment(view, now)) is not None)])

    def _tables(self, engine: DuckDbEngine) -> list[ScheduledTable]:
        """Tables with an interval, as they are stored and as the other sessions see them."""
        known = {table.relation_id for table in self._database.graph.tables.values()}
        return [it for it in self._database.store(engine).scheduled_tables() if it.relation_id in known]

    def _planned(self, table: ScheduledTable, now: datetime) -> Schedule:
        """The schedule of a table as it should be."""
        held = table.schedule or Schedule(
            relation_id=table.relation_id, delay_ms=0, failures=0, runs=0, ended_at=None, reason=""
        )
        is_well_since = (
            table.last_error is None
            and table.checked_at is not None
            and (held.ended_at is None or table.checked_at >= held.ended_at)
        )
        failures = 0 if is_well_since else held.failures
        planned = replace(
            held,
            delay_ms=delay_ms(table.interval_sec, failures, self._jitter(table.name, held.runs)),
            failures=failures,
        )
        is_overdue = due_at(table.seen_at, planned.delay_ms, now) <= now
        reason = f"every {table.interval_sec} s"
        if is_overdue and not table.is_idle:
            reason = "due, and waits for the refresh that is going on"
        elif failures:
            reason = _backs_off(failures, table.last_error) if table.last_error else held.reason
        return replace(planned, reason=reason)

    def _write(self, engine: DuckDbEngine, schedules: Sequence[Schedule]) -> None:
        engine.begin()
        self._database.store(engine).put_schedules(schedules)
        engine.commit()

    # -- refreshes -------------------------------------------------------------------------------------------------

    def _refresh(self, engine: DuckDbEngine, due: Sequence[ScheduledTable], stop: Stop) -> None:
        """Refreshes tables under one epoch. One that failed last time is refreshed apart from the others, and where a
        refresh of several fails each is refreshed apart: a broken source holds up nobody else."""
        well = [table for table in due if table.schedule is None or not table.schedule.failures]
        apart = [table for table in due if table not in well]
        if len(well) == 1 or (well and self._run_refresh(well, stop) is not None):
            apart = [*well, *apart]
        failed: dict[int, Exception] = {}
        for table in apart:
            error = self._run_refresh([table], stop)
            if error is not None:
                failed[table.relation_id] = error
        if not stop.is_set():  # else it was interrupted, and start-up goes on from what is durable
            self._record(engine, {table.relation_id for table in due}, failed)

    def _run_refresh(self, group: Sequence[ScheduledTable], stop: Stop) -> Exception | None:
        """Refreshes tables, those that are not dropped. The failure, which the refresh has recorded."""
        ids = {table.relation_id for table in group}
        tables = [table for table in self._database.graph.tables.values() if table.relation_id in ids]
        self._control = Control()
        if stop.is_set() or not tables:  # looked at after the control was there: close asks it when it has set this
            return None
        try:
            operations.start(self._database, tables, trigger="schedule", control=self._control)
        except Exception as error:  # a bug is this refresh's failure, too: it backs off, the others go on
            return error
        return None

    def _record(self, engine: DuckDbEngine, ran: set[int], failed: Mapping[int, Exception]) -> None:
        """Counts the run."""
        now = self._database.clock()
        counted = []
        for table in self._tables(engine):
            if table.schedule is not None and table.relation_id in ran:
                error = failed.get(table.relation_id)
                schedule = _counted(table.schedule, now, error, is_idle=table.is_idle)
                table = replace(table, schedule=schedule)
            counted.append(self._planned(table, now))
        self._write(engine, counted)


def _counted(held: Schedule, now: datetime, error: Exception | None, *, is_idle: bool) -> Schedule:
    """A schedule after a run that is over. One that somebody has paused or cancelled, or that found the table being
    refreshed, has not failed: its turn comes again."""
    run = replace(held, runs=held.runs + 1, ended_at=now)
    if error is None:
        return replace(run, failures=0)
    if not is_idle or isinstance(error, Taken) or (isinstance(error, Error) and error.code == CANCELLED):
        return run
    failures = held.failures + 1
    return replace(run, failures=failures, reason=_backs_off(failures, described(error)))


def _backs_off(failures: int, error: str) -> str:
    return f"backs off after {failures} failure{'s' if failures > 1 else ''}: {error}"
