"""Doubles are compared within a tolerance: the order of additions is nobody's promise, and changes their last digits.

Two bags of rows differ by what is left after rows that agree in all other columns, and are near in their doubles,
have been paired off. Of several candidates those of equal rank by their doubles are paired: bags whose rows differ in
nothing but several doubles, and are nearly equal in the first, may be paired badly, and count as different then.
"""

from __future__ import annotations

from mvengine.planner.logical import WEIGHT
from mvengine.planner.twins import grouping, telling, twins_of
from mvengine.schema import Columns, literal, quote

TOLERANCE = {"DOUBLE": 1e-9, "FLOAT": 1e-5}
"""By type: how far apart two values may be, relative to the larger one, or absolutely below 1."""


def has_tolerance(columns: Columns) -> bool:
    return any(column.type in TOLERANCE for column in columns)


def beyond_tolerance(difference: str, columns: Columns, into: str) -> str:
    """A statement that makes the table ``into``: of a consolidated difference, what is not near to its counterpart."""
    names = ", ".join(quote(column.name) for column in columns)
    exact = [quote(column.name) for column in columns if column.type not in TOLERANCE]
    inexact = [quote(column.name) for column in columns if column.type in TOLERANCE]
    twins = tuple(column for column in twins_of(columns) if column.type not in TOLERANCE)
    partition = ", ".join([*exact, *(telling(column) for column in twins), f"{WEIGHT} > 0"])
    pairs = [f"u.{name} IS NOT DISTINCT FROM m.{name}" for name in exact]
    pairs += [f"{telling(column, 'u')} IS NOT DISTINCT FROM {telling(column, 'm')}" for column in twins]
    told = [(telling(column, "n"), telling(column, "r")) for column in twins]
    pairs += [_near(quote(column.name), column.type) for column in columns if column.type in TOLERANCE]
    return (
        f"CREATE OR REPLACE TEMP TABLE {into} AS\n"
        f"WITH ranked AS MATERIALIZED (\n"
        f"  SELECT {names}, sign({WEIGHT}) AS {WEIGHT},\n"
        f"    row_number() OVER (PARTITION BY {partition} ORDER BY {', '.join(inexact)}) AS rank\n"
        f"  FROM (SELECT {names}, {WEIGHT}, unnest(range(abs({WEIGHT}))) FROM {difference})\n"
        f"), near AS MATERIALIZED (\n"
        f"  SELECT m.rank, {', '.join(f'm.{name}' for name in exact) or '1 AS whole'}\n"
        f"  FROM ranked AS m JOIN ranked AS u ON m.{WEIGHT} > 0 AND u.{WEIGHT} < 0 AND u.rank = m.rank\n"
        f"    AND {' AND '.join(pairs)}\n"
        f")\n"
        f"SELECT {names}, CAST(sum({WEIGHT}) AS BIGINT) AS {WEIGHT} FROM ranked AS r\n"
        f"ANTI JOIN near AS n ON n.rank = r.rank"
        f"{''.join(f' AND n.{name} IS NOT DISTINCT FROM r.{name}' for name in exact)}"
        f"{''.join(f' AND {one} IS NOT DISTINCT FROM {other}' for one, other in told)}\n"
        f"GROUP BY {grouping([column.name for column in columns], twins_of(columns))}"
    )


def _near(name: str, type_: str) -> str:
    m, u = f"m.{name}", f"u.{name}"
    distance = f"abs({m} - {u}) <= {TOLERANCE[type_]} * greatest(1, abs({m}), abs({u}))"
    return f"({m} IS NOT DISTINCT FROM {u} OR (isfinite({m}) AND isfinite({u}) AND {distance}))"


def shown(difference: str, columns: Columns, limit: int) -> str:
    """A query for example rows of a difference: whether they are missing, how often, and the row as a text."""
    fields = ", ".join(f"{literal(column.name)}: {quote(column.name)}" for column in columns)
    return (
        f"SELECT {WEIGHT} > 0, abs({WEIGHT}), CAST({{{fields}}} AS VARCHAR) AS row FROM {difference}\n"
        f"ORDER BY row, 1 DESC LIMIT {limit}"
    )
