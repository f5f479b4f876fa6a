"""Runs the sides of a comparison in turns, and holds what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Protocol


class Side(Protocol):
    """One way to do the work. Both methods get the number of the round; only ``run`` is timed."""

    name: str

    def prepare(self, number: int) -> None: ...

    def run(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a side must keep: at most so much, in the unit of its measurement, times another side, or more than it."""

    side: str
    most: float
    over: str | None = None
    is_difference: bool = False  # from ``over``; else a ratio to it


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The value of every run, by side, with the goals."""

    case: str
    values: Mapping[str, tuple[float, ...]]
    goals: tuple[Goal, ...]
    unit: str = "ms"

    def median(self, side: str) -> float:
        return median(self.values[side])

    def value(self, goal: Goal) -> float:
        """What a goal is about, as measured."""
        if goal.over is None:
            return self.median(goal.side)
        if goal.is_difference:
            return self.median(goal.side) - self.median(goal.over)
        return self.median(goal.side) / self.median(goal.over)

    def is_met(self, goal: Goal) -> bool:
        return self.value(goal) <= goal.most


Watch = Callable[[Side, Callable[[], None]], None]
"""Runs the timed part of a side: a profiler may sit here."""


def alternate(sides: Sequence[Side], runs: int, watch: Watch) -> dict[str, list[float]]:
    """The milliseconds of each side, A B C, B C A, C A B …, so that none always comes after the same one. All sides
    prepare a round before the first of them runs. A round to warm up comes before all, and does not count."""
    found: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(runs + 1):
        for side in sides:
            side.prepare(number)
        shift = number % len(sides)
        for side in (*sides[shift:], *sides[:shift]):
            started = perf_counter()
            watch(side, side.run)
            if number:
                found[side.name].append((perf_counter() - started) * 1000)
    return found
