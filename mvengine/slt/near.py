"""Value by value: numbers of another spelling, floating point within a tolerance, booleans, DuckDB's regexes.

A column of type DOUBLE or FLOAT may differ by the flavor's tolerance, because the order in which an engine adds is not
fixed; other numbers must be equal, as numbers. Under the letter ``T`` values are compared as they are printed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from functools import lru_cache

from mvengine.slt.answers import Answer
from mvengine.slt.flavors import Flavor
from mvengine.slt.order import collapse, sort_rows, split_cells
from mvengine.slt.records import ExpectedRows
from mvengine.slt.settings import Sort
from mvengine.slt.styles import STYLES

_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})
_INTEGERS = re.compile(r"U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|BIGNUM|DECIMAL\(.*\)")
_TINY = 1e-8


class _Kind(Enum):
    TEXT = auto()
    BOOLEAN = auto()
    EXACT = auto()
    FLOAT = auto()


def are_near(
    lines: Sequence[str], answer: Answer, columns_count: int, expected: ExpectedRows, sort: Sort, flavor: Flavor
) -> bool:
    """Whether each value is the expected one, or near it. False where the lines cannot be taken apart."""
    kinds = [_kind(index, name, expected.types, flavor) for index, name in enumerate(answer.types)]
    if sort is Sort.VALUES and len(set(kinds)) != 1:
        return False
    wanted = _cells(lines, len(answer.rows), columns_count)
    if wanted is None:
        return False
    actual = [tuple(map(collapse, row)) for row in STYLES[flavor.styles[0]](answer, expected.types)]
    if sort is Sort.VALUES:
        wanted, actual = [(cell,) for row in wanted for cell in row], [(cell,) for row in actual for cell in row]
    order = Sort.ROWS if sort is Sort.VALUES else sort
    wanted = sort_rows(wanted, order, expected.sort_columns, _canonical_row)
    actual = sort_rows(actual, order, expected.sort_columns, _canonical_row)
    return all(
        _is_near(cell, value, kind, flavor)
        for cells, values in zip(wanted, actual, strict=True)
        for cell, value, kind in zip(cells, values, kinds, strict=False)
    )


def _cells(lines: Sequence[str], rows_count: int, columns_count: int) -> list[tuple[str, ...]] | None:
    if len(lines) == rows_count:
        found = [split_cells(line, columns_count) for line in lines]
        return None if None in found else [tuple(map(collapse, cells)) for cells in found if cells is not None]
    if columns_count and len(lines) == rows_count * columns_count:
        return [tuple(map(collapse, lines[at : at + columns_count])) for at in range(0, len(lines), columns_count)]
    return None


def _kind(index: int, type_name: str, letters: str, flavor: Flavor) -> _Kind:
    if letters[index : index + 1] == "T" and not flavor.counts_columns:
        return _Kind.TEXT
    if type_name == "BOOLEAN":
        return _Kind.BOOLEAN
    if type_name in ("DOUBLE", "FLOAT"):
        return _Kind.FLOAT
    return _Kind.EXACT if _INTEGERS.fullmatch(type_name) else _Kind.TEXT


def _is_near(cell: str, value: str, kind: _Kind, flavor: Flavor) -> bool:
    if cell == value:
        return True
    if cell.startswith(("<REGEX>:", "<!REGEX>:")):
        return fits(cell, value)
    match kind:
        case _Kind.BOOLEAN:
            words = {cell.lower(), value.lower()}
            return words <= _TRUE or words <= _FALSE
        case _Kind.EXACT:
            left, right = _decimal(cell), _decimal(value)
            return left is not None and left == right
        case _Kind.FLOAT:
            return _is_near_float(cell, value, flavor.tolerance)
        case _Kind.TEXT:
            return cell == "·" and value == "(empty)"


def _is_near_float(cell: str, value: str, tolerance: float) -> bool:
    try:
        left, right = float(cell), float(value)
    except ValueError:
        return False
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    least = _TINY if tolerance > _TINY else 0.0
    return math.isclose(left, right, rel_tol=tolerance, abs_tol=least)


def fits(pattern: str, text: str) -> bool:
    """DuckDB's ``<REGEX>:pattern``, which the whole text fits, and ``<!REGEX>:pattern``, which it does not."""
    is_wanted = pattern.startswith("<REGEX>:")
    regex = pattern.removeprefix("<REGEX>:").removeprefix("<!REGEX>:")
    try:
        found = re.fullmatch(regex, text, re.DOTALL)
    except re.error:
        return False
    return (found is not None) == is_wanted


def _canonical_row(cells: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_canonical, cells))


@lru_cache(maxsize=4096)
def _canonical(cell: str) -> str:
    """One spelling for what is one value, so that rows of both sides sort alike."""
    lowered = cell.lower()
    if lowered in ("true", "t", "false", "f"):
        return "1" if lowered in _TRUE else "0"
    number = _decimal(cell)
    return cell if number is None or not number.is_finite() else f"{float(number):.9g}"


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
