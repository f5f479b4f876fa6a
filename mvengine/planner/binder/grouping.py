"""GROUP BY → the grouping sets that it stands for, and GROUPING(…) as numbers of theirs.

    GROUP BY a, ROLLUP (b, c)            =>  (a, b, c), (a, b), (a)
    GROUP BY CUBE (a, b)                 =>  (a, b), (a), (b), ()
    GROUP BY GROUPING SETS ((a), (), a)  =>  (a), (), (a)

Several elements multiply. A set that stands there twice gives its rows twice (SQL:1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from sqlglot import exp

from mvengine.planner.binder.scalar import Unsupported, render
from mvengine.planner.binder.scopes import Names
from mvengine.planner.emit.select import scope_of
from mvengine.planner.logical import Aggregate, AggregateCall, AggregateFunction, Project, UnionAll
from mvengine.planner.node import Node
from mvengine.planner.regroup import Regrouping, is_mergeable
from mvengine.planner.scalar import Expr, Output, column

SETS_MAX = 64
"""Each set is a stage with a table of its own."""

GroupingSet = tuple[exp.Expr, ...]


def grouping_sets(group: exp.Group) -> list[GroupingSet]:
    """The sets of keys, duplicates included. Raises Unsupported where there are more than ``SETS_MAX``."""
    elements = [
        *group.expressions,
        *(element for key in ("grouping_sets", "rollup", "cube") for element in group.args.get(key) or []),
    ]
    sets: list[GroupingSet] = [()]
    for element in elements:
        sets = [(*left, *right) for left, right in product(sets, _sets(element))]
        if len(sets) > SETS_MAX:
            raise Unsupported(f"GROUP BY with more than {SETS_MAX} grouping sets")
    return [tuple({render(node): node for node in found}.values()) for found in sets]


def _sets(element: exp.Expr) -> list[GroupingSet]:
    """The sets of one element of GROUP BY."""
    match element:
        case exp.GroupingSets():
            return [found for inner in element.expressions for found in _sets(inner)]
        case exp.Rollup():
            parts = [_keys(part) for part in element.expressions]
            return [_joined(parts[:size]) for size in range(len(parts), -1, -1)]
        case exp.Cube():
            parts = [_keys(part) for part in element.expressions]
            if 2 ** len(parts) > SETS_MAX:
                raise Unsupported(f"GROUP BY with more than {SETS_MAX} grouping sets")
            sizes = range(len(parts), -1, -1)
            return [_joined(chosen) for size in sizes for chosen in combinations(parts, size)]
        case _:
            return [_keys(element)]


def _keys(element: exp.Expr) -> GroupingSet:
    """``a`` or ``(a, b)``."""
    if isinstance(element, exp.Paren):
        return _keys(element.this)
    return tuple(element.expressions) if isinstance(element, exp.Tuple) else (element,)


def _joined(parts: Sequence[GroupingSet]) -> GroupingSet:
    return tuple(key for part in parts for key in part)


def grouping_number(call: exp.Expr, present: frozenset[str]) -> int:
    """GROUPING(a, b) in a set whose keys have the texts ``present``: a bit for each, set where it is not a key; the
    last argument is the lowest bit."""
    number = 0
    for argument in call.expressions:
        number = 2 * number + (render(argument) not in present)
    return number


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of some sets, as a column of the aggregates' input."""

    name: str
    expr: Expr
    type: str


@dataclass(frozen=True, kw_only=True)
class SetOfKeys:
    """One grouping set: the names of its keys, and its GROUPING(…) numbers by their names."""

    keys: frozenset[str]
    numbers: tuple[tuple[str, int], ...]


def union_of_sets(
    source: Node,
    keys: Sequence[Key],
    calls: tuple[AggregateCall, ...],
    sets: Sequence[SetOfKeys],
    names: Names,
    alias: str,
) -> Node:
    """The groups of all sets, a key NULL where it is none of the set's. In each: keys, aggregates, numbers.

    Where the aggregates can be merged, the rows are grouped once, by all keys, and these groups by each set.
    """
    columns = (*(key.name for key in keys), *(call.name for call in calls), *(name for name, _ in sets[0].numbers))
    merging: Regrouping | None = None
    if all(is_mergeable(call) for call in calls) and len(sets) > 1:
        merging = Regrouping(calls, [key.name for key in keys])
        finest = names.fresh("finest")
        by_all = tuple(Output(name=key.name, expr=key.expr) for key in keys)
        source = Aggregate(input=source, keys=by_all, aggregates=merging.parts, alias=finest)
        keys = [replace(key, expr=column(finest, key.name)) for key in keys]
    legs = tuple(_leg(source, keys, calls, found, merging, names, alias) for found in sets)
    return UnionAll(inputs=legs, columns=columns, alias=alias) if len(legs) > 1 else legs[0]


def at_least_one(keys: tuple[Output, ...], calls: tuple[AggregateCall, ...]) -> tuple[AggregateCall, ...]:
    """The aggregates of groups; a count where there would be no column, neither of a key nor of an aggregate."""
    if keys or calls:
        return calls
    return (AggregateCall(name="rows", function=AggregateFunction.COUNT_STAR, argument=None, argument_type=""),)


def _leg(
    source: Node,
    keys: Sequence[Key],
    calls: tuple[AggregateCall, ...],
    found: SetOfKeys,
    merging: Regrouping | None,
    names: Names,
    alias: str,
) -> Project:
    is_finest = merging is not None and len(found.keys) == len(keys)
    node: Node = source
    if not is_finest:
        grouped = tuple(Output(name=key.name, expr=key.expr) for key in keys if key.name in found.keys)
        aggregates = at_least_one(grouped, merging.merged(scope_of(source)) if merging else calls)
        node = Aggregate(input=source, keys=grouped, aggregates=aggregates, alias=names.fresh("set"))
    own = scope_of(node)
    shown = [
        column(own, key.name) if key.name in found.keys else Expr(sql=f"CAST(NULL AS {key.type})", columns=())
        for key in keys
    ]
    results = (
        merging.outputs(own, is_merged=not is_finest)
        if merging
        else tuple(Output(name=call.name, expr=column(own, call.name)) for call in calls)
    )
    numbers = tuple(
        Output(name=name, expr=Expr(sql=f"CAST({number} AS BIGINT)", columns=())) for name, number in found.numbers
    )
    named = tuple(Output(name=key.name, expr=expr) for key, expr in zip(keys, shown, strict=True))
    return Project(input=node, outputs=(*named, *results, *numbers), alias=alias)
