"""Which tables are being refreshed, and which refreshes run: shared by all sessions of a database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Condition

from mvengine.refresh.run.control import Control
from mvengine.refresh.run.progress import LiveProgress
from mvengine.schema import Name


@dataclass(eq=False, kw_only=True)
class Run:
    """A refresh that runs in this process, or is paused; ``is_recovered``: start-up has set it going."""

    control: Control
    progress: LiveProgress
    plan_id: int | None  # None: it has no number yet
    began_at: datetime
    is_recovered: bool
    is_paused: bool

    @property
    def who(self) -> str:
        """For messages: refresh 3 since 12:00:03 UTC."""
        name = "a refresh" if self.plan_id is None else f"refresh {self.plan_id}"
        return f"{name}, which is paused" if self.is_paused else f"{name} since {self.began_at:%H:%M:%S} UTC"

    @property
    def way_on(self) -> str:
        """For hints: what to do who wants a table of it."""
        if self.is_paused:
            return f"RESUME REFRESH {self.plan_id} lets that refresh go on, CANCEL REFRESH {self.plan_id} ends it"
        return "wait for that refresh to end"


class Registry:
    """One refresh of a table at a time. A paused refresh keeps its tables."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._claims: dict[Name, Run] = {}
        self._runs: dict[int, Run] = {}
        self._paused: dict[int, Run] = {}

    def claim(self, names: Iterable[Name], run: Run) -> tuple[Name, Run] | None:
        """Takes the tables for a refresh, all or none; the one that another refresh has, and that refresh."""
        wanted = tuple(names)
        with self._condition:
            for name in wanted:
                holder = self._claims.get(name)
                if holder is not None and holder is not run:
                    return name, holder
            for name in wanted:
                self._claims[name] = run
        return None

    def wait_for_release(self, names: Iterable[Name], timeout: float) -> bool:
        """Waits until nobody has these tables; False where that took longer than ``timeout`` seconds."""
        wanted = tuple(names)
        with self._condition:
            return self._condition.wait_for(lambda: not any(name in self._claims for name in wanted), timeout)

    def release(self, run: Run) -> None:
        """Lets go of what a refresh has."""
        with self._condition:
            self._claims = {name: holder for name, holder in self._claims.items() if holder is not run}
            self._paused = {plan_id: held for plan_id, held in self._paused.items() if held is not run}
            self._condition.notify_all()

    def take_over(self, plan_id: int, names: Iterable[Name], run: Run) -> tuple[Name, Run] | None:
        """As ``claim``, for a refresh that did not run: what it has had while it was paused is its own. Whoever comes
        second finds the tables taken, until they are given back."""
        wanted = tuple(names)
        with self._condition:
            own = self._paused.get(plan_id)
            for name in wanted:
                holder = self._claims.get(name)
                if holder is not None and holder is not own and holder is not run:
                    return name, holder
            self._claims = {name: holder for name, holder in self._claims.items() if holder is not own}
            self._claims |= dict.fromkeys(wanted, run)  # a table that was dropped meanwhile is not among them
            self._paused.pop(plan_id, None)
            self._condition.notify_all()
        return None

    def give_back(self, plan_id: int, run: Run, *, is_paused: bool) -> None:
        """The opposite of ``take_over``: a refresh that stays paused keeps its tables."""
        if is_paused:
            self.pause(plan_id, run)
        else:
            self.release(run)

    def pause(self, plan_id: int, run: Run) -> None:
        """A refresh is paused, and keeps its tables."""
        with self._condition:
            run.plan_id, run.is_paused = plan_id, True
            self._paused[plan_id] = run

    def all_paused(self) -> tuple[int, ...]:
        """The numbers of the refreshes that are paused."""
        with self._condition:
            return tuple(self._paused)

    def begin(self, plan_id: int, run: Run) -> None:
        """A refresh with a number runs now."""
        with self._condition:
            run.plan_id = plan_id
            self._runs[plan_id] = run

    def end(self, plan_id: int) -> None:
        """It does not run any more."""
        with self._condition:
            self._runs.pop(plan_id, None)
            self._condition.notify_all()

    def running(self, plan_id: int) -> Run | None:
        """The refresh of this number, if it runs."""
        with self._condition:
            return self._runs.get(plan_id)

    def all_running(self) -> dict[int, Run]:
        """What runs now, by number."""
        with self._condition:
            return dict(self._runs)

    def holder(self, name: Name) -> Run | None:
        """Who has a table."""
        with self._condition:
            return self._claims.get(name)
