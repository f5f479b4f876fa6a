"""Which window functions without partitions look backwards only, and what they carry from the rows before.

    row_number(), rank()    local + count(*)            count(x), sum(x)    local + the same of the rows before
    dense_rank()            local + its last value      min(x), max(x)      the least, or the greatest, of both
    lag(x, n)               by n rows before            f(x) OVER (… ROWS n PRECEDING)      by n rows before

Frames end at the current row, with its peers or without. Sums of DOUBLE are not carried: additions in another order
would differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError

from mvengine.planner.binder.scalar import render
from mvengine.planner.parse import parse
from mvengine.planner.scalar import ColumnRef, Expr, Output
from mvengine.planner.tail import Carrying, TailCall
from mvengine.schema import quote

_REACH_MAX = 1000
_PLAIN_TYPE = re.compile(r"[A-Z_ ]+|DECIMAL\(\d+,\d+\)")
_AGGREGATES: Mapping[type[exp.Expr], Carrying] = {
    exp.Count: Carrying.ADD,
    exp.Sum: Carrying.ADD,
    exp.Min: Carrying.LEAST,
    exp.Max: Carrying.GREATEST,
}


@dataclass(frozen=True, kw_only=True)
class Tail:
    """What all the calls of a window have in common, and each by itself (see TailStage)."""

    calls: tuple[TailCall, ...]
    first: Expr
    is_descending: bool
    reach: int


class _Looks(Exception):  # noqa: N818 - never leaves this file
    """Forwards, or too far back, or who knows where."""


def tail_of(calls: Sequence[Output], types: Mapping[str, str]) -> Tail | None:
    """The tail of window functions without partitions; None where one of them may look forwards. ``types`` are those of
    their results, by name."""
    try:
        windows = [_window(call.expr.sql) for call in calls]
        first, is_descending = _first(windows)
        found = [_call(call, window, types[call.name]) for call, window in zip(calls, windows, strict=True)]
    except _Looks:
        return None
    return Tail(
        calls=tuple(call for call, _ in found),
        first=first,
        is_descending=is_descending,
        reach=max(reach for _, reach in found),
    )


def _window(sql: str) -> exp.Window:
    try:
        tree = parse(sql)
    except (SqlglotError, RecursionError) as error:
        raise _Looks from error
    if not isinstance(tree, exp.Window) or tree.args.get("partition_by") or not tree.args.get("order"):
        raise _Looks
    return tree


def _first(windows: Sequence[exp.Window]) -> tuple[Expr, bool]:
    """The expression by which all orders begin, and whether from its greatest value on."""
    found = {
        (render(ordered.this), bool(ordered.args.get("desc")))
        for ordered in (window.args["order"].expressions[0] for window in windows)
    }
    if len(found) != 1:
        raise _Looks
    key = windows[0].args["order"].expressions[0].this
    refs = {ColumnRef(relation=node.table, name=node.name): None for node in key.find_all(exp.Column)}
    if not refs or any(not ref.relation for ref in refs):
        raise _Looks
    sql, is_descending = found.pop()
    return Expr(sql=sql, columns=tuple(refs)), is_descending


def _call(output: Output, window: exp.Window, type_: str) -> tuple[TailCall, int]:
    """The call, and how many rows before its own it reads again."""
    function = window.this
    carrying, carried, reach = Carrying.ADD, "count(*)", 0
    match function:
        case exp.RowNumber() | exp.Rank() if not window.args.get("spec"):
            pass
        case exp.DenseRank() if not window.args.get("spec"):
            carried = f"max({quote(output.name)})"
        case exp.Lag() if not window.args.get("spec"):
            carrying, carried, reach = Carrying.OWN, "", _number(function.args.get("offset"))
        case _:
            carrying, carried, reach = _aggregate(function, window, type_)
    call = TailCall(name=output.name, call=output.expr, carrying=carrying, carried=carried or None, type=type_)
    return call, reach


def _aggregate(function: exp.Expr, window: exp.Window, type_: str) -> tuple[Carrying, str, int]:
    inner = function.this if isinstance(function, exp.Filter) else function
    carrying = _AGGREGATES.get(type(inner))
    argument = inner.this if carrying is not None else None
    has_more = any(value for name, value in inner.args.items() if name not in ("this", "big_int"))
    if carrying is None or has_more or isinstance(argument, exp.Distinct | exp.Order):
        raise _Looks
    rows = _rows_before(window.args.get("spec"))
    if rows is not None:
        return Carrying.OWN, "", rows
    if isinstance(inner, exp.Sum) and not (type_ == "HUGEINT" or type_.startswith("DECIMAL(")):
        raise _Looks
    return carrying, render(function), 0


def _rows_before(spec: exp.Expr | None) -> int | None:
    """How many rows a frame begins before the current one; None: with the first of all."""
    if spec is None:
        return None
    start, side, end = (spec.args.get(name) for name in ("start", "start_side", "end"))
    if spec.args.get("exclude") or side != "PRECEDING" or end not in (None, "CURRENT ROW"):
        raise _Looks
    if start == "UNBOUNDED":
        return None
    if spec.args.get("kind") != "ROWS" or not isinstance(start, exp.Expr):
        raise _Looks
    return _number(start)


def _number(node: exp.Expr | None) -> int:
    if node is None:
        return 1
    if not (isinstance(node, exp.Literal) and node.is_int and int(node.name) <= _REACH_MAX):
        raise _Looks
    return int(node.name)


def has_order(type_: str) -> bool:
    """Whether values of a type are ordered by ``<`` as by ORDER BY, NULL aside: no nested ones."""
    return _PLAIN_TYPE.fullmatch(type_) is not None
