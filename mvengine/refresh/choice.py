"""How a view follows a change this time: by its delta, or by deriving it again. Pure; the one place of this choice."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.meta.records import MaintenanceMode
from mvengine.planner.logical import Strategy
from mvengine.sql.statements import Policy

SMALL_CHANGE_ROWS = 20_000
"""Below this, the delta is followed without looking at sizes: looking would cost more than it can save."""

FULL_FRACTION = 0.5
"""From this part of the inputs on, reading a delta and merging it costs more than deriving the rows again."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    mode: MaintenanceMode
    reason: str


def choose(strategy: Strategy, policy: str, *, delta_rows: int, input_rows: int | None) -> Choice:
    """``input_rows`` is None where the change is small and nobody counted."""
    if strategy is Strategy.FULL:
        return Choice(mode=MaintenanceMode.FULL, reason="the strategy is full")
    if policy in (Policy.INCREMENTAL, Policy.STRICT):
        return Choice(mode=MaintenanceMode.INCREMENTAL, reason=f"policy '{policy}'")
    if input_rows is None:
        return Choice(mode=MaintenanceMode.INCREMENTAL, reason=f"{delta_rows} changed rows are few")
    if delta_rows >= FULL_FRACTION * input_rows:
        reason = f"{delta_rows} changed rows of {input_rows}: deriving again is cheaper"
        return Choice(mode=MaintenanceMode.FULL, reason=reason)
    return Choice(mode=MaintenanceMode.INCREMENTAL, reason=f"{delta_rows} changed rows of {input_rows}")
