"""Window functions of one SELECT → Window, one for each set of partition keys that calls share.

A call partitioned by (a, b) can be computed in partitions of a: so calls are gathered under the keys that all of them
have, and only where they have none in common do they become operators of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from mvengine.planner.binder.scalar import bind_call, bind_expr, render
from mvengine.planner.binder.scopes import Names, column_node, move, seal
from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import Window
from mvengine.planner.node import Node
from mvengine.planner.reader import FunctionFacts
from mvengine.planner.scalar import Output


def bind_windows(tree: exp.Select, plan: Node, names: Names, facts: FunctionFacts) -> Node:
    """The plan with a column for each different window function; the tree names these columns afterwards."""
    while calls := own_windows(tree):
        keys, calls = _sharing(calls)
        plan = _window(tree, plan, keys, calls, names, facts)
    return plan


def own_windows(tree: exp.Select) -> list[exp.Window]:
    """The window functions of the SELECT itself; what its subqueries have is theirs."""
    return [call for call in tree.find_all(exp.Window) if call.parent_select is tree]


def _sharing(calls: Sequence[exp.Window]) -> tuple[dict[str, exp.Expr], list[exp.Window]]:
    """Partition keys, by their text, and the calls that have all of them: the first call and those that fit to it."""
    keys = _keys(calls[0])
    chosen = []
    for call in calls:
        common = {text: node for text, node in keys.items() if text in _keys(call)}
        if bool(common) == bool(keys):
            keys = common
            chosen.append(call)
    return keys, [call for call in chosen if keys or not _keys(call)]


def _keys(call: exp.Window) -> dict[str, exp.Expr]:
    return {render(node): node for node in call.args.get("partition_by") or []}


def _window(
    tree: exp.Select,
    plan: Node,
    keys: dict[str, exp.Expr],
    calls: Sequence[exp.Window],
    names: Names,
    facts: FunctionFacts,
) -> Node:
    computed = {
        text: Output(name=names.fresh("part"), expr=bind_expr(node, facts))
        for text, node in keys.items()
        if not isinstance(node, exp.Column)
    }
    source = seal(tree, plan, names.fresh("input"), computed.values())
    actual = {name.lower(): name for name in columns_of(source)}  # the tree has names in lower case
    partition_by = tuple(
        computed[text].name if text in computed else actual[node.name.lower()] for text, node in keys.items()
    )
    alias = names.fresh("windowed")
    outputs: dict[str, Output] = {}
    for call in calls:
        expr = bind_call(call, facts)
        output = outputs.setdefault(expr.sql, Output(name=names.fresh("w"), expr=expr))
        call.replace(column_node(alias, output.name))
    own = scope_of(source).lower()
    move(tree, {(own, name): actual[name] for name in actual}, alias)
    return Window(input=source, partition_by=partition_by, calls=tuple(outputs.values()), alias=alias)
