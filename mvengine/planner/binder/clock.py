"""Functions of the clock in a SELECT → columns of the clock, which is one more input of it (see planner/clock.py)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from mvengine.planner.binder.names import unaliased
from mvengine.planner.binder.scopes import Names, column_node
from mvengine.planner.clock import CLOCK, COLUMN, TYPE, is_clock, reading
from mvengine.planner.logical import Join, Scan, Version
from mvengine.planner.node import Node
from mvengine.schema import Column


def read_clock(select: exp.Select, parts: Iterable[exp.Expr], names: Names) -> Scan | None:
    """Puts columns of the clock in the place of its functions in parts of a SELECT. The clock, if there were any."""
    found = (node for part in parts for node in part.walk() if is_clock(node) and node.parent_select is select)
    calls = {id(node): node for node in found}
    if not calls:
        return None
    alias = names.fresh("clock")
    for call in calls.values():
        call.replace(reading(call, column_node(alias, COLUMN)))
    return Scan(
        relation=CLOCK,
        storage=CLOCK.sql,
        alias=alias,
        columns=(Column(name=COLUMN, type=TYPE),),
        version=Version.CURRENT,
    )


def with_clock(plan: Node, clock: Scan | None) -> Node:
    """The plan with the clock beside each row."""
    return plan if clock is None else Join(inputs=(plan, clock), predicates=())


def parts_of_rows(select: exp.Select, aggregates: Iterable[exp.Expr]) -> list[exp.Expr]:
    """What an aggregating SELECT computes for each row: WHERE, what aggregates read, and the keys, also as outputs."""
    where, group = select.args.get("where"), select.args.get("group")
    keys = group.expressions if group is not None else []
    outputs = [node for node in select.expressions if unaliased(node) in keys]
    return [*([where] if where else []), *keys, *aggregates, *outputs]
