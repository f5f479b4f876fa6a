"""FROM: its items, and the joins between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from mvengine.planner.binder.clock import read_clock, with_clock
from mvengine.planner.binder.conditions import conjuncts
from mvengine.planner.binder.correlation import free_columns, has_query
from mvengine.planner.binder.laterals import bind_lateral
from mvengine.planner.binder.matches import bind_match
from mvengine.planner.binder.scalar import Unsupported, bind_expr
from mvengine.planner.binder.scopes import Ctes, scopes, seal
from mvengine.planner.binder.subqueries import SubqueryBinder, subqueries_in
from mvengine.planner.emit.select import scope_of
from mvengine.planner.logical import Constant, Filter, Join, MatchKind
from mvengine.planner.node import Node

if TYPE_CHECKING:
    from mvengine.planner.binder.select import QueryBinder


class FromBinder:
    """FROM of one SELECT. ``select`` is what is left of its tree, and follows the plan."""

    def __init__(self, binder: QueryBinder, select: exp.Select, ctes: Ctes) -> None:
        self.binder = binder
        self.select = select
        self.ctes = ctes
        self.names = binder.names
        self.facts = binder.facts

    def bind(self) -> Node:
        """The plan of FROM; the tree has none afterwards."""
        select = self.select
        clause = select.args.get("from_") or select.args.get("from")
        if clause is None:
            return Constant(query="SELECT 1", columns=("row",), alias=self.names.fresh("row"))
        plan = self._joined(clause.this, select.args.get("joins") or [])
        select.set("joins", None)
        select.set("from_", None)
        return plan

    def _joined(self, item: exp.Expr, joins: list[exp.Join]) -> Node:
        """An item of FROM with the joins after it and inside it: ``(a JOIN b ON …)``, ``a JOIN b JOIN c ON … ON …``."""
        inner = item.args.get("joins") or []
        if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Table | exp.Subquery):
            if item.alias and item.this.args.get("joins"):
                raise Unsupported("a name for a join in parentheses")
            if not item.alias:
                plan = self._joined(item.this, inner)
                inner = []
            else:
                plan = self.binder.item(item, self.select, self.ctes)
        else:
            plan = self.binder.item(item, self.select, self.ctes)
        for join in [*inner, *joins]:
            plan = self._join(plan, join)
        return plan

    def _join(self, plan: Node, join: exp.Join) -> Node:
        kind = _kind_of(join)
        if self._is_lateral(join.this):
            plan = bind_lateral(self.binder, self.select, plan, self._as_lateral(join), kind, self.ctes)
            return self._on(plan, join)
        other = self._joined(join.this, [])
        if _is_right(join):
            plan, other = other, plan
        condition = join.args.get("on")
        clock = read_clock(self.select, [condition] if condition else [], self.names)
        if clock and kind is MatchKind.FULL:
            raise Unsupported("a full join by the clock")
        plan = with_clock(plan, clock)
        if kind is None:
            return self._on(Join(inputs=(plan, other), predicates=()), join)
        plan, other = self._values_in_on(plan, other, condition, SubqueryBinder(self.binder, self.select, self.ctes))
        left = seal(self.select, plan, self.names.fresh("left"))
        right = seal(self.select, other, self.names.fresh("right"))
        parts = conjuncts(condition) if condition else []
        join.set("on", None)
        alias = self.names.fresh("matched")
        return bind_match(self.select, left, right, kind, parts, alias, reader=self.binder.reader, facts=self.facts)

    def _values_in_on(
        self, left: Node, right: Node, condition: exp.Expr | None, nested: SubqueryBinder
    ) -> tuple[Node, Node]:
        """Both sides of an outer join, with what the subqueries in ON amount to: each must read one side only."""
        while condition is not None and (node := next(subqueries_in(condition), None)) is not None:
            read = {column.table.lower() for column in free_columns(node)}
            if read <= {scope_of(scope).lower() for scope in scopes(right)}:
                right = nested.value(right, node)
            elif read <= {scope_of(scope).lower() for scope in scopes(left)}:
                left = nested.value(left, node)
            else:
                raise Unsupported("a subquery in ON that reads both sides of an outer join")
        return left, right

    def _on(self, plan: Node, join: exp.Join) -> Node:
        """ON of an inner join, which filters as WHERE does."""
        condition = join.args.get("on")
        if condition is None:
            return plan
        parts = conjuncts(condition)
        holder = exp.Tuple(expressions=[part for part in parts if has_query(part)])
        join.set("on", holder)
        plain = tuple(bind_expr(part, self.facts) for part in parts if not has_query(part))
        if isinstance(plan, Join) and not plan.predicates:
            plan = replace(plan, predicates=plain)
        elif plain:
            plan = Filter(input=plan, predicates=plain)
        plan = SubqueryBinder(self.binder, self.select, self.ctes).filter(plan, holder)
        join.set("on", None)
        return plan

    def _is_lateral(self, item: exp.Expr) -> bool:
        """Whether an item of FROM reads columns of others."""
        if isinstance(item, exp.Lateral):
            return True
        inner = self.ctes.get(item.name.lower()) if isinstance(item, exp.Table) and not item.db else item
        return isinstance(inner, exp.Query) and bool(free_columns(inner)) and not inner.args.get("joins")

    def _as_lateral(self, join: exp.Join) -> exp.Join:
        """The join over an item in the form that LATERAL has."""
        item = join.this
        if isinstance(item, exp.Table):
            inner = self.ctes[item.name.lower()]
            assert isinstance(inner, exp.Query)
            item = exp.Subquery(this=inner.copy(), alias=exp.TableAlias(this=exp.to_identifier(item.alias_or_name)))
            join.set("this", item)
        return join


_KINDS: dict[tuple[str, str, str], MatchKind | None] = {
    ("", "", ""): None,
    ("", "", "INNER"): None,
    ("", "", "CROSS"): None,
    ("", "LEFT", ""): MatchKind.LEFT,
    ("", "LEFT", "OUTER"): MatchKind.LEFT,
    ("", "RIGHT", ""): MatchKind.LEFT,  # with its inputs exchanged
    ("", "RIGHT", "OUTER"): MatchKind.LEFT,
    ("", "FULL", ""): MatchKind.FULL,
    ("", "FULL", "OUTER"): MatchKind.FULL,
    ("", "", "SEMI"): MatchKind.SEMI,
    ("", "", "ANTI"): MatchKind.ANTI,
    ("ASOF", "", ""): MatchKind.ASOF,
    ("ASOF", "", "INNER"): MatchKind.ASOF,
    ("ASOF", "LEFT", ""): MatchKind.ASOF_LEFT,
    ("ASOF", "LEFT", "OUTER"): MatchKind.ASOF_LEFT,
}


def _is_right(join: exp.Join) -> bool:
    return bool((join.args.get("side") or "").upper() == "RIGHT")


def _kind_of(join: exp.Join) -> MatchKind | None:
    """The kind of match that a join is; None for an inner join."""
    method, side, kind = ((join.args.get(key) or "").upper() for key in ("method", "side", "kind"))
    if join.args.get("using"):
        raise Unsupported("JOIN USING over these inputs")
    if (method, side, kind) not in _KINDS:
        raise Unsupported(" ".join(word for word in (method, side, kind) if word) + " JOIN")
    return _KINDS[method, side, kind]
