"""Twins: values that are equal and yet not the same, as 0.0 and -0.0, NaN and -NaN, 1 month and 30 days.

DuckDB compares, groups and joins them as one value; what is computed from them differs (``CAST(x AS VARCHAR)``,
``day + x``). A change that takes one of two twins away must take that one. So where rows are told apart on their way
through a change, columns of such types go by one more expression beside their value; a user's own GROUP BY, DISTINCT
and joins stay as DuckDB has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mvengine.schema import Column, Columns, quote

_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_WITH_TWINS = re.compile(r"\b(FLOAT|DOUBLE|INTERVAL|VARIANT)\b")


def twins_of(columns: Columns) -> Columns:
    """The columns whose types have twins, perhaps deep inside of a nested value."""
    return tuple(column for column in columns if _WITH_TWINS.search(column.type))


def is_float(column: Column) -> bool:
    """Whether only zero and NaN have a twin: those with the other sign."""
    return column.type in _FLOATS


def telling(column: Column, alias: str = "") -> str:
    """What tells a value from its twins, as SQL."""
    return telling_of(f"{alias}.{quote(column.name)}" if alias else quote(column.name), column.type)


def telling_of(sql: str, type_: str) -> str:
    """The same of an expression."""
    if type_ in _FLOATS:
        return f"signbit({sql})"
    text = f"CAST({sql} AS VARCHAR)"
    return f"concat(variant_typeof({sql}), {text})" if type_ == "VARIANT" else text


def may_have_twin(column: Column, alias: str = "") -> str:
    """A condition: whether a value is one of those that have twins."""
    name = f"{alias}.{quote(column.name)}" if alias else quote(column.name)
    return f"({name} = 0 OR isnan({name}))" if is_float(column) else f"{name} IS NOT NULL"


def grouping(columns: Sequence[str], twins: Columns) -> str:
    """A GROUP BY or PARTITION BY list that leaves twins apart. ``columns`` are names."""
    return ", ".join([*(quote(name) for name in columns), *(telling(column) for column in twins)])


def differ(left: str, right: str, twins: Columns) -> list[str]:
    """Conditions: for each column, whether equal values of two aliases are twins."""
    return [f"{telling(column, left)} IS DISTINCT FROM {telling(column, right)}" for column in twins]
