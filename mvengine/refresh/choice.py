"""Whether a view follows the change of its inputs or is derived again: decided anew for each change, from what both
ways took before.

A way's time is predicted as a line: full from the rows of the inputs, incremental from the rows of the change, through
what was measured for this view (the latest runs count most). Where nothing was measured, the share of the inputs that
has changed decides, by what a changed row costs under the view's strategy against deriving a row again. Small changes
cost no statement to decide: what was measured is kept in memory, and inputs are counted only where it may matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mvengine.meta.records import MaintenanceMode, MaintenanceRun
from mvengine.planner.logical import Materialize, Strategy
from mvengine.refresh.sizes import Sizes
from mvengine.sql.statements import Policy

SMALL_CHANGE_ROWS = 20_000
"""Below this nobody counts the inputs unless it was measured that the view is slow to follow."""

CHANGED_ROW_COST = {Strategy.ALGEBRAIC: 1.2, Strategy.AUXILIARY: 1.5, Strategy.AFFECTED: 5.0}
"""What following one more changed row costs before that was measured, in rows derived again: as the benchmark
``choice`` finds it for TPC-H."""

FULL_SHARE = 0.5
"""The share of changed rows from which a view is derived again where nobody has measured what that takes."""

BASE_MS = 3.0
"""What following takes at least, before it was measured: the statements' own time."""

MEASURED_ROWS = 1_000  # of inputs: what deriving from fewer took says nothing of more

STEEPEST = 4.0  # times ``CHANGED_ROW_COST``

UNTRIED = 0.97  # each time that full is chosen, following is expected to have become faster: so that it is tried again

CLEARLY = 0.9  # full is chosen where its time is below so much of the other: near a tie, following is learnt from

COUNTED_RATIO = 3.0  # inputs are counted where neither way is predicted to be so many times faster


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a view is maintained this time, and why. Milliseconds are those that were predicted for the chosen way;
    None: nothing was known. ``input_rows`` is None where nobody counted."""

    mode: MaintenanceMode
    reason: str
    predicted_ms: float | None
    input_rows: int | None


@dataclass(frozen=True)
class _Point:
    rows: int
    ms: float

    def with_later(self, later: _Point) -> _Point:
        """Between both; nearer to the faster one, since what else the machine does only adds time."""
        weight = 0.7 if later.ms < self.ms else 0.3
        return _Point((self.rows + later.rows) // 2, self.ms + weight * (later.ms - self.ms))


@dataclass
class ViewCosts:
    """What was measured for one view in this process, and in earlier ones as far as it is stored."""

    full: _Point | None = None  # rows of the inputs
    followed: dict[int, _Point] = field(default_factory=dict)  # rows of changes, by their order of magnitude (base 2)
    grown: int = 0  # rows of the changes since the inputs were last counted: the inputs grew by no more

    def note(self, run: MaintenanceRun) -> None:
        if run.mode is MaintenanceMode.FULL:
            if run.input_rows is not None and run.input_rows >= MEASURED_ROWS:
                known, now = self.full_ms(run.input_rows), _Point(run.input_rows, run.ms)
                self.full = now if known is None else _Point(run.input_rows, known).with_later(now)
                self.grown = 0
            self.followed = {size: _Point(at.rows, at.ms * UNTRIED) for size, at in self.followed.items()}
            return
        self.grown += run.delta_rows
        magnitude, point = run.delta_rows.bit_length(), _Point(run.delta_rows, run.ms)
        earlier = self.followed.get(magnitude)
        self.followed[magnitude] = earlier.with_later(point) if earlier else point

    def full_ms(self, input_rows: int | None) -> float | None:
        """The time of deriving the view again from so many rows (None: not counted; no more than they can be)."""
        if self.full is None:
            return None
        rows = self.full.rows + self.grown if input_rows is None else input_rows
        return self.full.ms * rows / max(self.full.rows, 1)

    def following_ms(self, delta_rows: int, row_ms: float) -> float:
        """The time of following so many changed rows; ``row_ms``: what one may take, where it was not measured."""
        points = sorted(self.followed.values(), key=lambda point: point.rows)
        if not points:
            return BASE_MS + row_ms * delta_rows
        above = next((point for point in points if point.rows >= delta_rows), None)
        below = next((point for point in reversed(points) if point.rows < delta_rows), None)
        if above is None or below is None:
            return self._beyond(points, delta_rows, row_ms) if above is None else above.ms
        share = (delta_rows - below.rows) / (above.rows - below.rows)
        return below.ms + share * (above.ms - below.ms)

    def _beyond(self, points: list[_Point], delta_rows: int, row_ms: float) -> float:
        """More rows than were ever followed: on along the line, but never more than in proportion. The line may not be
        very steep: keys are shared by ever more rows, and one of its two points may have been a slow run."""
        last = points[-1]
        near = next((point for point in reversed(points) if 2 * point.rows <= last.rows), None)
        slope = row_ms
        if near is not None:
            slope = min(max(last.ms - near.ms, 0.0) / (last.rows - near.rows), STEEPEST * row_ms)
        return min(last.ms + slope * (delta_rows - last.rows), last.ms * delta_rows / max(last.rows, 1))


class Costs:
    """What maintenance of the views of a database took, and how large its tables are (``sizes``): its memory, used and
    written under the writer lock."""

    def __init__(self, runs: Iterable[MaintenanceRun] = ()) -> None:
        self.sizes = Sizes()
        self._views: dict[int, ViewCosts] = {}
        for run in runs:
            self.note(run)

    def note(self, run: MaintenanceRun) -> None:
        """Learns from what has run, in the order in which it did."""
        self._views.setdefault(run.relation_id, ViewCosts()).note(run)

    def forget(self, relation_id: int) -> None:
        """The view's definition is another one now."""
        self._views.pop(relation_id, None)

    def choose(self, relation_id: int, plan: Materialize, delta_rows: int, count: Callable[[], int]) -> Choice:
        """``delta_rows`` have changed in all inputs together; ``count`` counts the rows of the inputs."""
        if plan.strategy is Strategy.FULL:
            return _fixed(MaintenanceMode.FULL, "the strategy is full")
        if plan.policy in (Policy.INCREMENTAL, Policy.STRICT):
            return _fixed(MaintenanceMode.INCREMENTAL, f"policy '{plan.policy}'")
        costs = self._views.get(relation_id, _NOTHING)
        cost = CHANGED_ROW_COST[plan.strategy]
        if costs.full is None:
            return _by_share(costs, delta_rows, cost, count)
        return _by_time(costs, delta_rows, cost, count)


_NOTHING = ViewCosts()


def _fixed(mode: MaintenanceMode, reason: str) -> Choice:
    return Choice(mode=mode, reason=reason, predicted_ms=None, input_rows=None)


def _by_share(costs: ViewCosts, delta_rows: int, cost: float, count: Callable[[], int]) -> Choice:
    """Nobody has derived it yet: the share of changed rows decides."""
    known = costs.following_ms(delta_rows, math.inf) if costs.followed else None
    if delta_rows < SMALL_CHANGE_ROWS:
        return Choice(
            mode=MaintenanceMode.INCREMENTAL,
            reason=f"{delta_rows} changed rows are few",
            predicted_ms=known,
            input_rows=None,
        )
    rows = count()
    is_full = delta_rows >= min(FULL_SHARE, 1 / cost) * rows
    return Choice(
        mode=MaintenanceMode.FULL if is_full else MaintenanceMode.INCREMENTAL,
        reason=f"{delta_rows} changed rows of {rows}" + (": deriving again is cheaper" if is_full else ""),
        predicted_ms=None if is_full else known,
        input_rows=rows,
    )


def _by_time(costs: ViewCosts, delta_rows: int, cost: float, count: Callable[[], int]) -> Choice:
    """Full was measured: the shorter time decides, with a little for what is learnt by following."""
    input_rows: int | None = None
    full, following = _predicted(costs, delta_rows, cost, None)
    if full < COUNTED_RATIO * following and (delta_rows >= SMALL_CHANGE_ROWS or full < following):
        input_rows = count()
        full, following = _predicted(costs, delta_rows, cost, input_rows)
    is_full = full < CLEARLY * following
    return Choice(
        mode=MaintenanceMode.FULL if is_full else MaintenanceMode.INCREMENTAL,
        reason=f"{delta_rows} changed rows: incremental {following:.1f} ms, full {full:.1f} ms predicted",
        predicted_ms=full if is_full else following,
        input_rows=input_rows,
    )


def _predicted(costs: ViewCosts, delta_rows: int, cost: float, input_rows: int | None) -> tuple[float, float]:
    assert costs.full is not None
    full = costs.full_ms(input_rows) or 0.0
    return full, costs.following_ms(delta_rows, cost * costs.full.ms / max(costs.full.rows, 1))
