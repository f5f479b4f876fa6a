"""Results as bags, to be compared whatever the order of their rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

NOTHING = 1e-12  # a double below is taken for 0: what is left where equal terms cancel

Bag = Counter[str]


def bag(rows: Iterable[tuple[Any, ...]]) -> Bag:
    """Rows with their multiplicity; NaN equals itself, and 0.0 equals -0.0.

    Doubles count to 10 digits: a sum that follows its changes adds in another order than one computed anew.
    """
    return Counter(repr(tuple(_plain(value) for value in row)) for row in rows)


def shown(found: Bag, expected: Bag) -> str:
    """How they differ."""
    too_many, missing = found - expected, expected - found
    return f"too many {dict(too_many)}, missing {dict(missing)}"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else float(f"{0.0 if abs(value) < NOTHING else value:.10g}") + 0.0
    return [_plain(item) for item in value] if isinstance(value, list) else value
