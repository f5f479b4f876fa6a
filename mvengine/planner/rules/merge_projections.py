"""``Project(Join(Project(R, e AS y) AS p, S; p.y = s.k), p.y AS z)  =>  Project(Join(R, S; e = s.k), e AS z)``

A join of projections becomes one join of base relations: its terms read their old contents, not those of a subquery.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mvengine.planner.logical import Aggregate, AggregateCall, Filter, Join, Project
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output
from mvengine.planner.scopes import Mapped, aliases, is_general, is_movable, mapped

SQL_LENGTH_MAX = 2000
"""An expression that would grow longer stays below: put in twice at every level, it would double with each."""


def merge_projections(node: Node) -> Node | None:
    """``Project(Join(Project(R, e AS y) AS p, S; p.y = s.k), p.y AS z)  =>  Project(Join(R, S; e = s.k), e AS z)``

    Only where every alias stays alone. A constant stays: it has a type as a column that it has not as a literal.
    """
    if not isinstance(node, Project | Aggregate) or (isinstance(node, Aggregate) and is_general(node)):
        return None
    for inner in _projections(node.input):
        if (merged := _merged(node, inner)) is not None:
            return merged
    return None


def _projections(node: Node) -> Iterator[Project]:
    """The projections whose columns the expressions above a tree of joins and filters name."""
    match node:
        case Filter() | Join():
            for child in node.children:
                yield from _projections(child)
        case Project() if all(is_movable(output.expr) for output in node.outputs):
            yield node


def _merged(node: Project | Aggregate, inner: Project) -> Node | None:
    taken = [alias.lower() for alias in aliases(node.input) if alias.lower() != inner.alias.lower()]
    if set(taken) & {alias.lower() for alias in aliases(inner.input)}:
        return None
    try:
        return _Substitution(inner).above(node)
    except _Stays:
        return None


class _Stays(Exception):  # noqa: N818 - no error: it ends the attempt
    """An expression into which nothing can be put."""


class _Substitution:
    """Puts a projection's expressions in the place of its columns, and its input in its own."""

    def __init__(self, inner: Project) -> None:
        self.inner = inner
        self.found: Mapped = mapped(inner.alias, inner.outputs)

    def above(self, node: Project | Aggregate) -> Node:
        source = self._source(node.input)
        if isinstance(node, Project):
            return replace(node, input=source, outputs=self._outputs(node.outputs))
        calls = tuple(self._call(call) for call in node.aggregates)
        return replace(node, input=source, keys=self._outputs(node.keys), aggregates=calls)

    def _source(self, node: Node) -> Node:
        if node is self.inner:
            return self.inner.input
        if not isinstance(node, Filter | Join):
            return node
        children = tuple(self._source(child) for child in node.children)
        return replace(node.with_children(children), predicates=tuple(self._expr(p) for p in node.predicates))

    def _outputs(self, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
        return tuple(replace(output, expr=self._expr(output.expr)) for output in outputs)

    def _call(self, call: AggregateCall) -> AggregateCall:
        return call if call.argument is None else replace(call, argument=self._expr(call.argument))

    def _expr(self, expr: Expr) -> Expr:
        put = expr.substituted(self.found)
        if put is None or (len(put.sql) > SQL_LENGTH_MAX and put is not expr):
            raise _Stays
        return put
