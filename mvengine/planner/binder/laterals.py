"""Items of FROM that read columns of the items before them → a join with a subquery that reads nothing from outside.

What a lateral subquery computes of columns outside is computed over the join: so ``unnest`` of a list in each row is a
projection of these rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from mvengine.planner.binder.aggregate_calls import has_aggregates
from mvengine.planner.binder.conditions import conjuncts
from mvengine.planner.binder.correlated import BoundSubquery, bind_subquery, first_select, query_of
from mvengine.planner.binder.correlation import has_query
from mvengine.planner.binder.decorrelate import Decorrelated, is_total
from mvengine.planner.binder.matches import bind_match
from mvengine.planner.binder.names import output_names, unaliased
from mvengine.planner.binder.scalar import Unsupported, bind_expr
from mvengine.planner.binder.scopes import Ctes, move, seal
from mvengine.planner.logical import Filter, Join, MatchKind
from mvengine.planner.node import Node
from mvengine.planner.scalar import Output

if TYPE_CHECKING:
    from mvengine.planner.binder.select import QueryBinder


def bind_lateral(
    binder: QueryBinder, select: exp.Select, plan: Node, join: exp.Join, kind: MatchKind | None, ctes: Ctes
) -> Node:
    """The plan with the columns of the item in ``join``. ``kind``: LEFT, or None for an inner join. ``select`` is what
    is left of the tree, and names the columns as the plan does afterwards."""
    if kind not in (None, MatchKind.LEFT):
        raise Unsupported(f"LATERAL in a {kind} join")
    is_left = kind is MatchKind.LEFT
    if is_left or is_total(query_of(join.this.this), binder.facts):  # a match, not a join
        plan = seal(select, plan, binder.names.fresh("left"))
    lateral = _Lateral(binder, select, join)
    query = query_of(join.this.this)
    names = output_names(first_select(query))
    if not is_left and _is_one_row(query, binder):
        return lateral.named(plan, names, [unaliased(node) for node in query.expressions])
    found = bind_subquery(binder, plan, query, ctes, is_pure=is_left)
    if is_left:
        lateral.move_condition(found.shape, names)
    return lateral.joined(plan, found, names, is_left=is_left)


def _is_one_row(query: exp.Query, binder: QueryBinder) -> bool:
    """Whether a query has nothing but outputs, computed from columns outside."""
    clauses = {key for key, value in query.args.items() if value and key not in ("expressions", "kind")}
    return isinstance(query, exp.Select) and not clauses and not has_aggregates(query, binder.facts)


@dataclass(frozen=True)
class _Lateral:
    binder: QueryBinder
    select: exp.Select
    join: exp.Join

    def move_condition(self, shape: Decorrelated, names: list[str]) -> None:
        """Makes ON of a left join a part of how the subquery's row is matched, or of whether there is one."""
        condition = self.join.args.get("on")
        self.join.set("on", None)
        if condition is None or condition == exp.true():
            return
        if has_query(condition):
            raise Unsupported("a subquery in ON of a lateral join")
        values = dict(zip((name.lower() for name in names), shape.values, strict=True))
        alias = self.join.this.alias.lower()
        holder = exp.Paren(this=condition)
        for node in list(holder.find_all(exp.Column)):
            if node.table.lower() == alias:
                node.replace(exp.paren(values[node.name.lower()].copy()))
        if shape.is_total:
            shape.presence = exp.and_(shape.presence, holder) if shape.presence else holder
        else:
            shape.conditions.extend(conjuncts(holder.this))

    def joined(self, plan: Node, found: BoundSubquery, names: list[str], *, is_left: bool) -> Node:
        """The subquery's values beside the plan's rows. They stand in the tree meanwhile, so that they follow it."""
        shape = found.shape
        values = [*shape.values, *([shape.presence] if shape.presence else [])]
        holder, alias = exp.Tuple(expressions=[value.copy() for value in values]), self.join.this.alias
        self.join.set("this", holder)
        if (shape.conditions and shape.is_total) or (is_left and not shape.is_total):
            plan = bind_match(
                self.select,
                plan,
                found.plan,
                MatchKind.LEFT,
                shape.conditions,
                self.binder.names.fresh("matched"),
                reader=self.binder.reader,
                facts=self.binder.facts,
            )
        else:
            predicates = tuple(bind_expr(part, self.binder.facts) for part in shape.conditions)
            plan = Join(inputs=(plan, found.plan), predicates=predicates)
        values = list(holder.expressions)
        if shape.presence is not None:
            presence = values.pop()
            if is_left:
                values = [exp.Case(ifs=[exp.If(this=presence.copy(), true=value)]) for value in values]
            else:
                plan = Filter(input=plan, predicates=(bind_expr(presence, self.binder.facts),))
        self.join.set("this", exp.Lateral(this=exp.Tuple(), alias=alias))
        return self.named(plan, names, values)

    def named(self, plan: Node, names: list[str], values: list[exp.Expr]) -> Node:
        """The plan with the values; the tree, which names them as the item's columns, follows."""
        own = self.join.this.alias.lower()
        self.join.this.set("this", exp.Tuple())
        if all(isinstance(value, exp.Column) for value in values):
            for name, value in zip(names, values, strict=True):
                move(self.select, {(own, name.lower()): value.name}, value.args["table"].name)
            return plan
        alias = self.binder.names.fresh(own)
        facts = self.binder.facts
        outputs = [Output(name=name, expr=bind_expr(value, facts)) for name, value in zip(names, values, strict=True)]
        plan = seal(self.select, plan, alias, outputs)
        move(self.select, {(own, name.lower()): name for name in names}, alias)
        return plan
