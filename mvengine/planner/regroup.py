"""Aggregates over the groups of a finer grouping: ``γ_g(R) = γ_g(γ_f(R))`` where f has all keys of g, and more.

    COUNT  the sum of the counts      MIN  the least of the minima      AVG  Σ sums / Σ counts
    SUM    the sum of the sums        MAX  the greatest of the maxima

Source: Gray et al., "Data Cube" (1996): these are the distributive and the algebraic functions. Sums of DOUBLE are left
out: a sum of rounded sums has no bound of its error.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvengine.planner.delta.state import INTEGER_TYPES, average, shares_average
from mvengine.planner.logical import AggregateCall, AggregateFunction
from mvengine.planner.scalar import Expr, Output, column

_Part = tuple[AggregateFunction, str]


def is_mergeable(call: AggregateCall) -> bool:
    """Whether the aggregate of a group follows from those of its parts, to the last digit."""
    if call.function in (AggregateFunction.SUM, AggregateFunction.AVG):
        return call.argument_type in INTEGER_TYPES or call.argument_type.startswith("DECIMAL")
    return call.function in (
        AggregateFunction.COUNT_STAR,
        AggregateFunction.COUNT,
        AggregateFunction.MIN,
        AggregateFunction.MAX,
    )


class Regrouping:
    """Mergeable aggregates, taken apart for a finer grouping. ``taken`` are the names of its keys.

    ``may_share``: whether DuckDB may make an AVG of them from a SUM beside it (see ``shares_average``).
    """

    def __init__(self, calls: Iterable[AggregateCall], taken: Iterable[str], *, may_share: bool = True) -> None:
        self._calls = tuple(calls)
        self._may_share = may_share
        self._taken = {name.lower() for name in taken}
        self._parts: dict[_Part, AggregateCall] = {}
        for call in self._calls:
            for function in _needs(call):
                self._add(call, function)

    @property
    def parts(self) -> tuple[AggregateCall, ...]:
        """What the finer grouping computes."""
        return tuple(self._parts.values())

    def merged(self, finer: str) -> tuple[AggregateCall, ...]:
        """The parts of several of its groups put together, under the same names."""
        return tuple(_merged(part, finer) for part in self.parts)

    def outputs(self, alias: str, *, is_merged: bool) -> tuple[Output, ...]:
        """The aggregates themselves, made from the parts in ``alias``: merged ones, or those of one group."""
        return tuple(Output(name=call.name, expr=self._output(call, alias, is_merged)) for call in self._calls)

    def _add(self, call: AggregateCall, function: AggregateFunction) -> None:
        key = (function, call.argument.sql if call.argument else "")
        if key in self._parts:
            return
        stem = call.name if len(_needs(call)) == 1 else f"{call.name}_{function}"
        name = next(n for n in (stem, *(f"{stem}_{i}" for i in range(2, 10_000))) if n.lower() not in self._taken)
        self._taken.add(name.lower())
        self._parts[key] = AggregateCall(
            name=name, function=function, argument=call.argument, argument_type=call.argument_type
        )

    def _output(self, call: AggregateCall, alias: str, is_merged: bool) -> Expr:
        values = [
            _value(self._parts[function, call.argument.sql if call.argument else ""], alias, is_merged)
            for function in _needs(call)
        ]
        if call.function is not AggregateFunction.AVG:
            return values[0]
        total, count = values
        shared = self._may_share and shares_average(call, self._calls)
        result = average(total.sql, count.sql, call.argument_type, is_shared=shared)
        return Expr(sql=f"CASE WHEN {count.sql} > 0 THEN {result} END", columns=(*total.columns, *count.columns))


def _needs(call: AggregateCall) -> tuple[AggregateFunction, ...]:
    if call.function is AggregateFunction.AVG:
        return AggregateFunction.SUM, AggregateFunction.COUNT
    return (call.function,)


def _merged(part: AggregateCall, finer: str) -> AggregateCall:
    argument = column(finer, part.name)
    match part.function:
        case AggregateFunction.COUNT | AggregateFunction.COUNT_STAR:
            function, type_ = AggregateFunction.SUM, "BIGINT"
        case AggregateFunction.SUM:
            function, type_ = AggregateFunction.SUM, _sum_type(part.argument_type)
        case _:
            function, type_ = part.function, part.argument_type
    return AggregateCall(name=part.name, function=function, argument=argument, argument_type=type_)


def _value(part: AggregateCall, alias: str, is_merged: bool) -> Expr:
    """A part's value: a sum of counts becomes a count again, which is 0 over nothing."""
    value = column(alias, part.name)
    if is_merged and part.function in (AggregateFunction.COUNT, AggregateFunction.COUNT_STAR):
        return Expr(sql=f"CAST(coalesce({value.sql}, 0) AS BIGINT)", columns=value.columns)
    return value


def _sum_type(type_: str) -> str:
    """The type of SUM, as DuckDB has it."""
    if type_.startswith("DECIMAL"):
        return f"DECIMAL(38,{type_.rpartition(',')[2].rstrip(')')})"
    return "HUGEINT"
