"""Sums of FLOAT and DOUBLE that follow the delta, with a bound of their error.

Addition rounds, so a retraction does not undo an insertion, and a NaN or an infinity would stay for ever. Beside the
sum S of a group stands E, a bound of its distance from the exact sum of the group's values:

    fresh    S = Σx as the query has it, or where that is off by more than BOUND / 2, the compensated Σx (fsum)
             E = |S − fsum(x)| + 8u Σ|x|
    change   d = fsum(weight · x)     e = 8u Σ|weight · x|     S' = S + d     E' = E + e + 2u |S'|

with u = 2⁻⁵³. A compensated sum is within 2u Σ|x| of the exact one (Higham, "Accuracy and Stability of Numerical
Algorithms", 4.3); the rest of 8u is room for the rounding of the bounds themselves. A group is derived again when E'
would exceed BOUND · |S'| (much of the sum has cancelled), and when S' is not finite, before or after the change.

So what is shown is within BOUND of the exact sum, relative to it, or it has just been derived as the query does it.
"""

from __future__ import annotations

BOUND = "1e-13"
_HALF_BOUND = "5e-14"
_SIZE_UNIT = "8.9e-16"  # 8u
_ROUNDING_UNIT = "2.3e-16"  # 2u


def fresh_sum(value: str) -> str:
    """S over all rows of a group. Where a sum is not finite, the comparison is false."""
    far = f"abs(sum({value}) - fsum({value})) > {_HALF_BOUND} * abs(fsum({value}))"
    return f"coalesce(CASE WHEN {far} THEN fsum({value}) ELSE sum({value}) END, 0)"


def fresh_error(value: str) -> str:
    """E over all rows of a group; NaN where a value is not finite."""
    off = f"least(abs(sum({value}) - fsum({value})), {_HALF_BOUND} * abs(fsum({value})))"
    return f"coalesce({off} + {_SIZE_UNIT} * sum(abs({value})), 0)"


def changed_sum(value: str, weight: str) -> str:
    """d over the rows of a change."""
    return f"coalesce(fsum({weight} * CAST({value} AS DOUBLE)), 0)"


def changed_error(value: str, weight: str) -> str:
    """e over the rows of a change."""
    return f"coalesce({_SIZE_UNIT} * sum(abs({weight} * CAST({value} AS DOUBLE))), 0)"


def merged_error(stored: str, change: str, total: str) -> str:
    """E', where ``total`` is S'."""
    return f"{stored} + {change} + {_ROUNDING_UNIT} * abs({total})"


def is_uncertain(total: str, error: str) -> str:
    """Whether a group with this S' and this E' must be derived again. NaN is greater than every number in DuckDB."""
    return f"NOT (isfinite({total}) AND {error} <= {BOUND} * abs({total}))"
