"""``Project(R AS r (x, y, z), r.x)  =>  Project(R AS r (x), r.x)``: columns that nobody above reads are not made.

An update of columns that no scan reads does not reach the view; and what an operator keeps or compares is narrower. An
operator that stands in the plan more than once keeps what any of its readers needs, so that it is still one stage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import (
    Aggregate,
    AggregateCall,
    AggregateFunction,
    Distinct,
    Filter,
    Join,
    Match,
    Materialize,
    Project,
    Scan,
    UnionAll,
    Window,
)
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output
from mvengine.planner.scopes import Stateful, identity, is_unnesting

PASSES_MAX = 100

Refs = frozenset[tuple[str, str]]
"""Columns that are read above a node: alias and name in lower case."""


def prune_columns(node: Node) -> Node | None:
    """``Project(R AS r (x, y, z), r.x)  =>  Project(R AS r (x), r.x)``

    Outputs of Project, Match, Window, Aggregate, UnionAll and Scan. At least one column of each (but of a Scan) stays,
    and so does what decides how many rows there are: keys of groups, columns under DISTINCT, UNNEST.
    """
    if not isinstance(node, Materialize) or not isinstance(node.input, Project):
        return None
    wanted = _refs(output.expr for output in identity(node.input, node.input.alias))
    pruner = _Pruner()
    for _ in range(PASSES_MAX):  # until what is read of shared operators is known
        known = dict(pruner.read)
        after = pruner.pruned(node.input, wanted)
        if pruner.read == known:
            break
    return None if after == node.input else node.with_children((after,))


def _refs(exprs: Iterable[Expr]) -> Refs:
    return frozenset(ref.key for expr in exprs for ref in expr.columns)


class _Pruner:
    """``read``: what is read of each operator that becomes a stage, in all its places."""

    def __init__(self) -> None:
        self.read: dict[Stateful, frozenset[str]] = {}

    def pruned(self, node: Node, refs: Refs) -> Node:
        """The node with those of its columns that are read. Of an operator that is not known here, all are."""
        match node:
            case Filter() | Join():
                refs |= _refs(node.predicates)
                return self._over(node, refs)
            case Project():
                making_rows = {output.name.lower() for output in node.outputs if is_unnesting(output.expr)}
                kept = _kept(node.outputs, _names(node.alias, refs) | making_rows)
                return self._over(replace(node, outputs=kept), _refs(output.expr for output in kept))
            case Scan():
                names = _names(node.alias, refs)
                return replace(node, columns=tuple(c for c in node.columns if c.name.lower() in names))
            case UnionAll():
                return self._union(node, _names(node.alias, refs))
            case Match():
                return self._match(node, self._all_reads(node, refs))
            case Window():
                return self._window(node, self._all_reads(node, refs))
            case Aggregate():
                return self._aggregate(node, self._all_reads(node, refs))
            case Distinct():
                own = scope_of(node.input)
                return self._over(node, frozenset((own.lower(), name.lower()) for name in columns_of(node.input)))
            case _:
                return node

    def _over(self, node: Node, refs: Refs) -> Node:
        return node.with_children(tuple(self.pruned(child, refs) for child in node.children))

    def _all_reads(self, node: Stateful, refs: Refs) -> frozenset[str]:
        body = replace(node, alias="")
        self.read[body] = self.read.get(body, frozenset()) | _names(node.alias, refs)
        return self.read[body]

    def _union(self, node: UnionAll, names: frozenset[str]) -> UnionAll:
        places = [i for i, name in enumerate(node.columns) if name.lower() in names] or [0]
        return replace(
            node,
            inputs=tuple(self._leg(leg, places) for leg in node.inputs),
            columns=tuple(node.columns[i] for i in places),
        )

    def _leg(self, leg: Node, places: list[int]) -> Node:
        """The columns of a leg in these places and no others."""
        outputs = identity(leg, scope_of(leg))
        kept = tuple(outputs[i] for i in places)
        after = self.pruned(leg, _refs(output.expr for output in kept))
        is_exact = columns_of(after) == tuple(output.name for output in kept)
        return after if is_exact else Project(input=after, outputs=kept, alias=scope_of(leg))

    def _match(self, node: Match, names: frozenset[str]) -> Match:
        kept = _kept(node.outputs, names) if node.value is None else _chosen(node.outputs, names)
        value = () if node.value is None else (node.value.expr,)
        keys = [expr for key in node.keys for expr in (key.left, key.right)]
        refs = _refs([*(output.expr for output in kept), *keys, *node.predicates, *value])
        narrow = replace(node, outputs=kept)
        return narrow.with_children(tuple(self._at_least_one(child, refs) for child in narrow.children))

    def _at_least_one(self, node: Node, refs: Refs) -> Node:
        """A match compares the rows of its inputs: they must have a column."""
        own = identity(node, scope_of(node))
        return self.pruned(node, refs if _refs(o.expr for o in own) & refs else refs | _refs([own[0].expr]))

    def _window(self, node: Window, names: frozenset[str]) -> Node:
        own = scope_of(node.input)
        calls = _chosen(node.calls, names)
        passed = tuple(o for o in identity(node.input, own) if o.name.lower() in names)
        if not calls:
            outputs = passed or identity(node.input, own)[:1]
            return self.pruned(Project(input=node.input, outputs=outputs, alias=node.alias), _all(node.alias, outputs))
        keys = frozenset((own.lower(), key.lower()) for key in node.partition_by)
        refs = _refs(output.expr for output in (*passed, *calls)) | keys
        return replace(node, input=self.pruned(node.input, refs), calls=calls)

    def _aggregate(self, node: Aggregate, names: frozenset[str]) -> Aggregate:
        calls = tuple(call for call in node.aggregates if call.name.lower() in names)
        if any(_depends_on_others(call) for call in calls):
            calls = node.aggregates
        calls = calls or (() if node.keys else node.aggregates[:1])
        arguments = [call.argument for call in calls if call.argument is not None]
        refs = _refs([*(key.expr for key in node.keys), *arguments])
        return replace(node, input=self.pruned(node.input, refs), aggregates=calls)


def _depends_on_others(call: AggregateCall) -> bool:
    """The engine computes the last digits of AVG of a DECIMAL in another way where there is a SUM or COUNT too."""
    return call.function is AggregateFunction.AVG and call.argument_type.startswith("DECIMAL")


def _names(alias: str, refs: Refs) -> frozenset[str]:
    return frozenset(name for relation, name in refs if relation == alias.lower())


def _all(alias: str, outputs: tuple[Output, ...]) -> Refs:
    return frozenset((alias.lower(), output.name.lower()) for output in outputs)


def _chosen(outputs: tuple[Output, ...], names: frozenset[str]) -> tuple[Output, ...]:
    return tuple(output for output in outputs if output.name.lower() in names)


def _kept(outputs: tuple[Output, ...], names: frozenset[str]) -> tuple[Output, ...]:
    return _chosen(outputs, names) or outputs[:1]
