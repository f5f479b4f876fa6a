"""Subqueries in expressions → matches with the plan, and columns in the place of the subqueries.

    conjunct  EXISTS (S)      semijoin                      NOT EXISTS (S)   antijoin
              x IN (S)        semijoin, also by x = y       x NOT IN (S)     antijoin, where NULL decides nothing
    value     EXISTS (S)      mark                          x IN (S), ANY    by a mark, counts and extrema of S
              (S)             its only row, by the conditions

A subquery that has one row, whatever it reads, and reads nothing from outside, is joined: that is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from mvengine.planner.binder.conditions import operand, rejects_null
from mvengine.planner.binder.correlated import BoundSubquery, bind_subquery
from mvengine.planner.binder.correlation import free_columns, has_query
from mvengine.planner.binder.decorrelate import is_total
from mvengine.planner.binder.matches import bind_match
from mvengine.planner.binder.memberships import (
    NEGATED,
    aggregated,
    beats_extremum,
    equal,
    fields,
    flags,
    is_null,
    maybe_equal,
    only_row,
    query_in,
    restricted,
    summary,
    three_valued,
)
from mvengine.planner.binder.scalar import bind_expr
from mvengine.planner.binder.scopes import Ctes, column_node, seal
from mvengine.planner.logical import Distinct, Filter, Join, MatchKind, Project
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output, column
from mvengine.schema import literal

if TYPE_CHECKING:
    from mvengine.planner.binder.select import QueryBinder

Values = list[exp.Expr]

_TWO_ROWS = "More than one row returned by a subquery used as an expression"


class SubqueryBinder:
    """The subqueries of one SELECT. ``select`` is what is left of its tree, and follows the plan."""

    def __init__(self, binder: QueryBinder, select: exp.Select, ctes: Ctes) -> None:
        self.binder = binder
        self.select = select
        self.ctes = ctes
        self.names = binder.names
        self.facts = binder.facts

    def filter(self, plan: Node, holder: exp.Expr) -> Node:
        """The rows that satisfy every expression in ``holder``, which is a part of the tree, and empty afterwards."""
        while holder.expressions:
            plan = self._conjunct(plan, holder)
        return plan

    def value(self, plan: Node, node: exp.Expr) -> Node:
        """The plan with what one subquery amounts to. Columns, or simpler subqueries, stand in its place afterwards."""
        return self._value(plan, node, None)

    def values(self, plan: Node, roots: Callable[[], Sequence[exp.Expr]]) -> Node:
        """The plan with what the subqueries below ``roots`` amount to; columns stand in their place afterwards."""
        while (node := next((found for root in roots() for found in subqueries_in(root)), None)) is not None:
            plan = self._value(plan, node, None)
        return plan

    def _conjunct(self, plan: Node, holder: exp.Expr) -> Node:
        """One step towards having filtered by the first expression."""
        part = holder.expressions[0].unnest()
        node = next(subqueries_in(part), None)
        if node is None:
            return Filter(input=plan, predicates=(bind_expr(holder.expressions[0].pop(), self.facts),))
        is_negated = isinstance(part, exp.Not)
        if node is (part.this.unnest() if is_negated else part) and free_columns(node):
            kind = MatchKind.ANTI if is_negated else MatchKind.SEMI
            if isinstance(node, exp.Exists) and not is_total(query_in(node), self.facts):
                return self._semi(plan, holder, lambda: query_in(node), kind)
            if isinstance(node, exp.In) and not is_negated:
                return self._semi(plan, holder, lambda: self._restricted(node, equal), kind)
            if isinstance(node, exp.In) and (len(fields(node.this)) > 1 or free_columns(query_in(node))):
                return self._semi(plan, holder, lambda: self._restricted(node, maybe_equal), kind)
            if isinstance(node, exp.In):
                return self._not_in(plan, node, holder)
        return self._value(plan, node, holder)

    def _semi(self, plan: Node, holder: exp.Expr, query: Callable[[], exp.Query], kind: MatchKind) -> Node:
        plan = self._sealed(plan)
        found_query = query()
        holder.expressions[0].pop()
        return self._match(plan, self._bind(plan, found_query, is_set=True, wants_values=False), kind)

    def _not_in(self, plan: Node, node: exp.In, holder: exp.Expr) -> Node:
        """``x NOT IN S  ⇔  S is empty, or x is not NULL, nor any row of S; and no row of S is equal to x``"""
        left = node.this.copy()
        holder.append("expressions", exp.Not(this=exp.Exists(this=self._restricted(node, equal))))

        def known(values: Values) -> exp.Expr:
            is_empty, has_null = values
            return exp.or_(is_empty, exp.and_(exp.Not(this=is_null(left)), exp.Not(this=has_null)))

        return self._beside(plan, self._aggregated(query_in(node), flags), holder.expressions[0], known, is_flag=True)

    def _value(self, plan: Node, node: exp.Expr, holder: exp.Expr | None) -> Node:
        """Puts something else in the place of a subquery. ``holder``: the subquery is in its first conjunct."""
        if free_columns(query_in(node)):
            plan = self._sealed(plan)
        match node:
            case exp.Exists():
                return self._exists(plan, node)
            case exp.In():
                return self._in(plan, node)
            case exp.Binary():
                return self._any(plan, node)
            case _:
                return self._scalar(plan, node, holder)

    def _exists(self, plan: Node, node: exp.Exists) -> Node:
        query = query_in(node)
        if is_total(query, self.facts):
            having = query.args.get("having")
            if having is None:
                node.replace(exp.true())
                return plan
            counted = exp.GTE(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0))
            condition = exp.and_(counted, having.this.copy())  # an aggregate still, also where HAVING has none
            query.set("having", None)
            query.set("expressions", [exp.alias_(condition, "is_there", quoted=True)])
            return self._beside(plan, query, node, lambda v: exp.Is(this=exp.paren(v[0]), expression=exp.true()))
        if not free_columns(query):
            return self._beside(plan, self._aggregated(query, flags), node, lambda v: exp.Not(this=v[0]), is_flag=True)
        found = self._bind(plan, query, is_set=True, wants_values=False)
        value = Output(name=self.names.fresh("is_there"), expr=Expr(sql="true", columns=()))
        return self._match(plan, found, MatchKind.MARK, node, value)

    def _in(self, plan: Node, node: exp.In) -> Node:
        """By EXISTS (x = y), which becomes the next subquery of the tree."""
        query, left = query_in(node), fields(node.this)
        is_equal = exp.Exists(this=self._restricted(node, equal))
        if len(left) > 1:
            maybe = exp.Exists(this=self._restricted(node, maybe_equal))
            node.replace(three_valued(is_equal, exp.false(), maybe))
            return plan

        def value(values: Values) -> exp.Expr:
            return three_valued(is_equal, values[0], exp.or_(is_null(left[0]), values[1]))

        return self._beside(plan, self._aggregated(query, flags), node, value, is_flag=True)

    def _any(self, plan: Node, node: exp.Binary) -> Node:
        """``x op ANY (S)`` and ``x op ALL (S)``, by the number of rows of S and its extrema."""
        query, left, operator = query_in(node), operand(node.left), type(node)
        is_all = isinstance(node.expression, exp.All)
        operator = NEGATED[operator] if is_all else operator
        if operator is exp.EQ:
            value: exp.Expr = exp.In(this=left.copy(), query=exp.Subquery(this=query.copy()))
            node.replace(exp.Not(this=value) if is_all else value)
            return plan

        def compared(values: Values) -> exp.Expr:
            is_empty, has_null, low, high = values
            is_true = beats_extremum(operator, left, low, high)
            value = three_valued(is_true, is_empty, exp.or_(is_null(left), has_null))
            return exp.Not(this=value) if is_all else value

        return self._beside(plan, self._aggregated(query, summary), node, compared)

    def _scalar(self, plan: Node, node: exp.Expr, holder: exp.Expr | None) -> Node:
        query = query_in(node)
        if is_total(query, self.facts):
            return self._beside(plan, query, node, lambda values: values[0], holder=holder)
        if not free_columns(query):
            return self._only_row(plan, node, query)
        found = self._bind(plan, query, is_pure=True)
        name = found.shape.values[0].name
        value = Output(name=self.names.fresh(name), expr=column(found.shape.alias, name))
        return self._match(plan, found, MatchKind.SINGLE, node, value)

    def _only_row(self, plan: Node, node: exp.Expr, query: exp.Query) -> Node:
        """An uncorrelated subquery that should have one row: its count tells, and its extremum is its value."""
        found = self._bind(plan, self._aggregated(query, only_row))
        count, value = (bind_expr(part, self.facts) for part in found.shape.values)
        sql = f"CASE WHEN {count.sql} > 1 THEN error({literal(_TWO_ROWS)}) ELSE {value.sql} END"
        alias = self.names.fresh("only_row")
        output = Output(name="value", expr=Expr(sql=sql, columns=(*count.columns, *value.columns)))
        node.replace(column_node(alias, output.name))
        return Join(inputs=(plan, Project(input=found.plan, outputs=(output,), alias=alias)), predicates=())

    def _beside(
        self,
        plan: Node,
        query: exp.Query,
        node: exp.Expr,
        value: Callable[[Values], exp.Expr],
        *,
        holder: exp.Expr | None = None,
        is_flag: bool = False,
    ) -> Node:
        """Puts a value made of a query with one row in the place of ``node``, and the row beside the plan's.

        ``is_flag``: the row seldom changes, however often what it is made of does.
        """
        found = self._bind(plan, query)
        values = found.shape.values
        if found.shape.presence is not None:
            values = [exp.Case(ifs=[exp.If(this=found.shape.presence, true=part)]) for part in values]
        if not found.shape.conditions:
            row, values = self._distinct(found.plan, values) if is_flag else (found.plan, values)
            node.replace(exp.paren(value(values), copy=False))
            return Join(inputs=(plan, row), predicates=())
        node.replace(exp.paren(value(values), copy=False))
        if holder is not None and rejects_null(holder.expressions[0], found.shape.alias):
            predicates = tuple(bind_expr(condition, self.facts) for condition in found.shape.conditions)
            return Join(inputs=(plan, found.plan), predicates=predicates)
        return self._match(plan, found, MatchKind.LEFT)

    def _distinct(self, row: Node, values: Values) -> tuple[Node, Values]:
        """One row under a DISTINCT: a change that leaves it as it is ends there."""
        alias = self.names.fresh("flags")
        outputs = tuple(
            Output(name=f"flag_{i}", expr=bind_expr(value, self.facts)) for i, value in enumerate(values, 1)
        )
        names = tuple(output.name for output in outputs)
        distinct = Distinct(input=Project(input=row, outputs=outputs, alias=alias), columns=names, alias=alias)
        return distinct, [column_node(alias, name) for name in names]

    def _restricted(self, node: exp.In, condition: Callable[[Values, Values], exp.Expr]) -> exp.Query:
        left = fields(node.this)
        return restricted(query_in(node).copy(), lambda y: condition(left, y), self.names, self.facts)

    def _aggregated(self, query: exp.Query, calls: Callable[[Values], Values]) -> exp.Query:
        return aggregated(query.copy(), calls, self.names, self.facts)

    def _sealed(self, plan: Node) -> Node:
        return seal(self.select, plan, self.names.fresh("outer"))

    def _bind(
        self, plan: Node, query: exp.Query, *, is_set: bool = False, wants_values: bool = True, is_pure: bool = False
    ) -> BoundSubquery:
        return bind_subquery(
            self.binder, plan, query, self.ctes, is_set=is_set, wants_values=wants_values, is_pure=is_pure
        )

    def _match(
        self,
        plan: Node,
        found: BoundSubquery,
        kind: MatchKind,
        node: exp.Expr | None = None,
        value: Output | None = None,
    ) -> Node:
        """A match; the column ``value`` of it stands in the place of ``node`` afterwards."""
        alias = self.names.fresh("matched")
        if node is not None and value is not None:
            node.replace(column_node(alias, value.name))
        reader = self.binder.reader
        conditions = found.shape.conditions
        return bind_match(
            self.select, plan, found.plan, kind, conditions, alias, reader=reader, facts=self.facts, value=value
        )


def subqueries_in(root: exp.Expr) -> Iterator[exp.Expr]:
    """The outermost subqueries of an expression, as EXISTS, IN, comparison with ANY or ALL, or the query itself. What
    stands on the left of IN comes before it."""
    if isinstance(root, exp.Exists | exp.Query):
        yield root
        return
    is_membership = isinstance(root, exp.In) and root.args.get("query")
    is_comparison = isinstance(root, exp.Binary) and isinstance(root.expression, exp.Any | exp.All)
    if is_membership or (is_comparison and has_query(root.expression)):
        yield from subqueries_in(root.this)
        yield root
        return
    for child in root.iter_expressions():
        yield from subqueries_in(child)
