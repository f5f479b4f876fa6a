"""Whether a view shows what its query answers, and what the script expects. Pure functions; None is yes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mvengine.planner.output_order import order_columns
from mvengine.slt.answers import Answer, Mismatch
from mvengine.slt.compare import Comparison, answer_lines, check_rows
from mvengine.slt.order import is_hash
from mvengine.slt.records import ExpectedRows
from mvengine.slt.settings import Sort

_TOLERANCES = {"FLOAT": 1e-5}
_TOLERANCE = 1e-9  # of DOUBLE, relative and below 1 absolute, as VERIFY has it: the order of additions is open


def check_view(
    sql: str, view: Answer, answer: Answer, expected: ExpectedRows, comparison: Comparison, *, is_passed: bool
) -> Mismatch | None:
    """The rows of a view against those of its query in the same state, as bags; then against what is expected.

    ``is_passed``: the query itself answers as expected. Where it has an ORDER BY, the view has the rows in its order.
    """
    if view.types != answer.types:
        return Mismatch(reason="other types", expected=", ".join(answer.types), actual=", ".join(view.types))
    is_near = any("FLOAT" in name for name in answer.types)
    if not same_bag(view.rows, answer.rows, _TOLERANCES["FLOAT"] if is_near else _TOLERANCE):
        return _different("a different answer", view, answer, expected, comparison)
    keys = order_columns(sql, len(answer.types)) if len(answer.rows) > 1 else None
    if keys and not _same_order(view.rows, answer.rows, keys):
        return _different("the rows in another order", view, answer, expected, comparison, sort=Sort.NONE)
    if not is_passed:
        return None
    sort = comparison.sort_of(expected)
    if sort in (Sort.NONE, Sort.PARTIAL) and len(answer.rows) > 1:
        if is_hash(expected.lines):
            return None  # of rows in the order that DuckDB finds them in; as bags they agree
        expected = replace(expected, sort=Sort.ROWS)
    found = check_rows(expected, replace(view, source=answer.source), comparison)
    return None if found is None else replace(found, lines=None, types="")


def same_bag(left: Sequence[Sequence[object]], right: Sequence[Sequence[object]], tolerance: float = 0.0) -> bool:
    """Whether both have the same rows as often. Floating point may differ by the tolerance."""
    if len(left) != len(right):
        return False
    lefts, rights = Counter(map(repr, left)), Counter(map(repr, right))
    if lefts == rights:
        return True
    rest, others = _beyond(left, rights), _beyond(right, lefts)
    return all(_is_near(one, other, tolerance) for one, other in zip(rest, others, strict=True))


def _beyond(rows: Sequence[Sequence[object]], others: Counter[str]) -> list[Sequence[object]]:
    """The rows that the others have not as often, sorted so that near ones come in one place."""
    left, found = Counter(others), []
    for row in rows:
        text = repr(row)
        if left[text]:
            left[text] -= 1
        else:
            found.append(row)
    return sorted(found, key=lambda row: repr(_rounded(row)))


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value + 0.0:.7g}" if abs(value) > _TOLERANCE else "0"
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return {key: _rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def _is_near(left: Any, right: Any, tolerance: float) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(_is_near(*pair, tolerance) for pair in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_is_near(left[key], right[key], tolerance) for key in left)
    return bool(left == right)


def _same_order(left: Sequence[Sequence[object]], right: Sequence[Sequence[object]], keys: Sequence[int]) -> bool:
    return all(
        _is_near([row[key] for key in keys], [other[key] for key in keys], _TOLERANCE)
        for row, other in zip(left, right, strict=True)
    )


def _different(
    reason: str, view: Answer, answer: Answer, expected: ExpectedRows, comparison: Comparison, sort: Sort = Sort.ROWS
) -> Mismatch:
    """Both sides as rows in one order, whatever the record hashes."""
    form = replace(expected, sort=sort, lines=(), has_names=False, label=None)
    plain = replace(comparison, hash_values_max=0, is_valuewise=False)
    sides = ["\n".join(answer_lines(form, side, plain)) for side in (answer, view)]
    return Mismatch(reason=reason, expected=sides[0], actual=sides[1])
