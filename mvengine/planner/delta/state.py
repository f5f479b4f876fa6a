"""The state of a group: which columns a GroupStage stores, and how results are made from them.

    COUNT(*)  row count                      SUM(x)  Σx, non-NULL count of x
    COUNT(x)  non-NULL count of x            AVG(x)  the same, divided
    MIN(x)    the extremum                   MAX(x)  the extremum

Sums of integers and decimals are exact and can be retracted. Those of FLOAT and DOUBLE carry a bound of their error
(see doubles.py), or with ``exact_floats`` the groups that they touch are derived again. Gray et al., "Data Cube", call
an aggregate with bounded state algebraic; MIN and MAX are so for inserts only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mvengine.planner.delta.doubles import fresh_error, fresh_sum
from mvengine.planner.logical import AggregateCall, AggregateFunction, Argument, GroupStage, Strategy
from mvengine.planner.twins import is_float, twins_of
from mvengine.schema import Column, Columns, quote

COUNT = "_mv_count"
INEXACT_TYPES = frozenset({"FLOAT", "DOUBLE", "UHUGEINT"})  # DuckDB sums UHUGEINT as DOUBLE
INTEGER_TYPES = frozenset(
    {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
    | {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)

DISTINCT = frozenset({AggregateFunction.COUNT_DISTINCT, AggregateFunction.SUM_DISTINCT, AggregateFunction.AVG_DISTINCT})
WITHOUT_STATE = DISTINCT | {AggregateFunction.GENERAL}
"""No state of a group follows these: it is derived again, or a rule has found a finer grouping."""


class StateKind(StrEnum):
    NON_NULL = "n"
    SUM = "sum"
    ERROR = "error"  # the bound of a sum's error
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, kw_only=True)
class StateColumn:
    """One stored column of a group beside its keys and its row count."""

    kind: StateKind
    argument: Argument

    @property
    def name(self) -> str:
        return f"_mv_{self.kind}_{self.argument.name.rsplit('_', 1)[-1]}"

    @property
    def lost_name(self) -> str:
        """In a delta: the extremum among the retracted rows."""
        return f"_mv_lost_{self.kind}_{self.argument.name.rsplit('_', 1)[-1]}"

    @property
    def sum_name(self) -> str:
        """Of a bound of an error: the sum that it belongs to."""
        return f"_mv_{StateKind.SUM}_{self.argument.name.rsplit('_', 1)[-1]}"

    @property
    def is_extremum(self) -> bool:
        return self.kind in (StateKind.MIN, StateKind.MAX)


_NEEDS: dict[AggregateFunction, tuple[StateKind, ...]] = {
    AggregateFunction.COUNT_STAR: (),
    AggregateFunction.COUNT: (StateKind.NON_NULL,),
    AggregateFunction.SUM: (StateKind.NON_NULL, StateKind.SUM),
    AggregateFunction.AVG: (StateKind.NON_NULL, StateKind.SUM),
    AggregateFunction.MIN: (StateKind.MIN,),
    AggregateFunction.MAX: (StateKind.MAX,),
}


def argument_name(index: int) -> str:
    """The name of the ``index``-th different argument in a GroupStage's input."""
    return f"_mv_arg_{index}"


def state_columns(
    arguments: tuple[Argument, ...], aggregates: tuple[AggregateCall, ...], *, exact_floats: bool
) -> tuple[StateColumn, ...]:
    """What is stored for these aggregates, each column once. An aggregate's argument is named in ``arguments``."""
    by_name = {argument.name: argument for argument in arguments}
    found: dict[tuple[StateKind, str], StateColumn] = {}
    for call in aggregates:
        for kind in _NEEDS[call.function]:
            assert call.argument is not None
            name = call.argument.columns[0].name
            state = found.setdefault((kind, name), StateColumn(kind=kind, argument=by_name[name]))
            if not is_exact(state) and not exact_floats:
                error = StateColumn(kind=StateKind.ERROR, argument=by_name[name])
                found.setdefault((StateKind.ERROR, name), error)
    return tuple(found.values())


def finalize(call: AggregateCall, qualifier: str, beside: tuple[AggregateCall, ...]) -> str:
    """The result of an aggregate as SQL over the state row ``qualifier``. ``beside``: all aggregates of its group."""
    if call.argument is None:
        return f"{qualifier}.{COUNT}"
    index = call.argument.columns[0].name.rsplit("_", 1)[-1]
    count, total = f"{qualifier}._mv_n_{index}", f"{qualifier}._mv_sum_{index}"
    match call.function:
        case AggregateFunction.COUNT:
            return count
        case AggregateFunction.SUM:
            return f"CASE WHEN {count} > 0 THEN {total} END"
        case AggregateFunction.AVG:
            average_sql = average(total, count, call.argument_type, is_shared=shares_average(call, beside))
            return f"CASE WHEN {count} > 0 THEN {average_sql} END"
        case AggregateFunction.MIN:
            return f"{qualifier}._mv_min_{index}"
        case AggregateFunction.MAX:
            return f"{qualifier}._mv_max_{index}"
        case _:
            raise AssertionError(call.function)


def shares_average(call: AggregateCall, beside: tuple[AggregateCall, ...]) -> bool:
    """Whether DuckDB makes an AVG from a SUM and a COUNT that the query has anyway (COUNT(*) counts as one: it is the
    same where no value is NULL)."""
    kinds = (AggregateFunction.SUM, AggregateFunction.COUNT)
    return any(
        other.function is AggregateFunction.COUNT_STAR or (other.function in kinds and other.argument == call.argument)
        for other in beside
    )


def average(total: str, count: str, argument_type: str, *, is_shared: bool) -> str:
    """Sum over count, to the last digit what DuckDB computes: of a DECIMAL sum it divides the digits by count and
    scale, but not where it has made the AVG from a SUM and a COUNT (``is_shared``)."""
    if is_shared or not argument_type.startswith("DECIMAL"):
        return f"CAST({total} AS DOUBLE) / {count}"
    scale = int(argument_type.rpartition(",")[2].rstrip(")"))
    digits = f"CAST(replace(CAST({total} AS VARCHAR), '.', '') AS HUGEINT)"
    return f"CAST({digits} AS DOUBLE) / ({count} * 1e{scale})"


def call_sql(call: AggregateCall) -> str:
    """The aggregate as the engine computes it from rows."""
    if call.argument is None:
        return "count(*)"
    if call.function is AggregateFunction.GENERAL:
        return call.argument.sql
    if call.function in DISTINCT:
        return f"{call.function.partition('_')[0]}(DISTINCT {call.argument.sql})"
    return f"{call.function}({call.argument.sql})"


def initial(state: StateColumn, *, exact_floats: bool) -> str:
    """The state column as an aggregate over all rows of the input."""
    argument = quote(state.argument.name)
    match state.kind:
        case StateKind.NON_NULL:
            return f"count({argument})"
        case StateKind.SUM:
            return f"coalesce(sum({argument}), 0)" if is_exact(state) or exact_floats else fresh_sum(argument)
        case StateKind.ERROR:
            return fresh_error(argument)
        case StateKind.MIN:
            return f"min({argument})"
        case StateKind.MAX:
            return f"max({argument})"


def is_exact(state: StateColumn) -> bool:
    """Whether a retraction undoes an insertion exactly."""
    return not (state.kind in (StateKind.SUM, StateKind.ERROR) and state.argument.type in INEXACT_TYPES)


def group_twins(stage: GroupStage) -> Columns:
    """Of what is seen of the groups: the columns whose equal values may differ (see twins.py)."""
    results = tuple(Column(name=call.name, type=_result_type(call)) for call in stage.aggregates)
    return (*stage.twins, *twins_of(results))


def _result_type(call: AggregateCall) -> str:
    """As far as twins go."""
    match call.function:
        case AggregateFunction.MIN | AggregateFunction.MAX:
            return call.argument_type
        case AggregateFunction.AVG:
            return "DOUBLE"
        case AggregateFunction.SUM if call.argument_type in INEXACT_TYPES:
            return "DOUBLE"
        case _:
            return ""


def strategy_of(
    states: tuple[StateColumn, ...], aggregates: tuple[AggregateCall, ...], twins: Columns, *, exact_floats: bool
) -> tuple[Strategy, str]:
    """The strategy of a group stage, and the construct that decides it. ``twins`` are keys (see GroupStage)."""
    if told := next((key for key in twins if not is_float(key)), None):
        return Strategy.AFFECTED, f"values of {told.name} may be equal and differ: touched groups are looked up again"
    if not all(is_exact(state) for state in states):
        if exact_floats:
            return Strategy.AFFECTED, "exact sums of DOUBLE cannot be retracted: touched groups are derived again"
        return Strategy.AFFECTED, "sums of DOUBLE: a group whose error could exceed its bound is derived again"
    if any(state.is_extremum for state in states):
        return Strategy.AFFECTED, "MIN or MAX: a group whose extremum is deleted is derived again"
    if not aggregates:
        return Strategy.AUXILIARY, "DISTINCT keeps a hidden count of each row"
    return Strategy.ALGEBRAIC, "sums and counts follow the delta"
