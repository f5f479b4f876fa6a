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
    """What a side must keep: a median in milliseconds, or a ratio of medians to that of another side."""

    side: str
    most: float
    over: str | None = None  # None: ``most`` is in milliseconds


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The seconds of every run, by side, with the goals."""

    case: str
    seconds: Mapping[str, tuple[float, ...]]
    goals: tuple[Goal, ...]

    def median_ms(self, side: str) -> float:
        return median(self.seconds[side]) * 1000

    def ratio(self, side: str, over: str) -> float:
        """The ratio of the medians."""
        return self.median_ms(side) / self.median_ms(over)

    def value(self, goal: Goal) -> float:
        """What a goal is about, as measured."""
        return self.median_ms(goal.side) if goal.over is None else self.ratio(goal.side, goal.over)

    def is_met(self, goal: Goal) -> bool:
        return self.value(goal) <= goal.most


Watch = Callable[[Side, Callable[[], None]], None]
"""Runs the timed part of a side: a profiler may sit here."""


def alternate(sides: Sequence[Side], runs: int, watch: Watch) -> dict[str, list[float]]:
    """The seconds of each side, A B C, B C A, C A B …, so that none always comes after the same one. All sides prepare
    a round before the first of them runs. A round to warm up comes before all, and does not count."""
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(runs + 1):
        for side in sides:
            side.prepare(number)
        shift = number % len(sides)
        for side in (*sides[shift:], *sides[:shift]):
            started = perf_counter()
            watch(side, side.run)
            if number:
                seconds[side.name].append(perf_counter() - started)
    return seconds
