"""What a case gets: its workspace, how often to run, and the profiler, if one was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.data import Workspace
from bench.measure import Goal, Measurement, Side, alternate
from bench.profile import Profile

PROFILED = "mvengine"


@dataclass(frozen=True, kw_only=True)
class Run:
    workspace: Workspace
    runs: int
    tables: int  # of the case with many
    size: float | None  # GB of what is generated for a case; None: as the case has it
    fraction: float  # of the orders that change in a round of tpch-views
    profile: Profile | None

    def compare(self, case: str, sides: Sequence[Side], goals: tuple[Goal, ...]) -> Measurement:
        """Measures the sides in turns; a profiled side is slower by the profiler."""
        values = alternate(sides, self.runs, self._watch)
        return Measurement(case=case, values={name: tuple(found) for name, found in values.items()}, goals=goals)

    def _watch(self, side: Side, work: Callable[[], None]) -> None:
        if self.profile is None or side.name != PROFILED:
            work()
            return
        with self.profile.watch():
            work()
