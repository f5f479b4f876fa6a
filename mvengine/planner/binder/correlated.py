"""A subquery next to the plan outside it → a plan of its own, with the conditions that match the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from mvengine.planner.binder.correlation import Domain, domain_of, domain_table, free_columns
from mvengine.planner.binder.decorrelate import (
    Decorrelated,
    Decorrelator,
    NeedsDomain,
    drop_idle_modifiers,
    is_total,
)
from mvengine.planner.binder.matches import types_of
from mvengine.planner.binder.names import output_names
from mvengine.planner.binder.scalar import Unsupported, bind_expr
from mvengine.planner.binder.scopes import Ctes, column_node
from mvengine.planner.delta.state import INTEGER_TYPES
from mvengine.planner.emit.select import columns_of
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr

if TYPE_CHECKING:
    from mvengine.planner.binder.select import QueryBinder


@dataclass(frozen=True, kw_only=True)
class BoundSubquery:
    """A subquery's own plan; the rest says how its rows and the rows outside meet (see ``Decorrelated``)."""

    plan: Node
    shape: Decorrelated


def bind_subquery(
    binder: QueryBinder,
    outer: Node,
    query: exp.Expr,
    ctes: Ctes,
    *,
    is_set: bool = False,
    wants_values: bool = True,
    is_pure: bool = False,
) -> BoundSubquery:
    """``outer`` is the plan whose columns the query may read. ``is_set``: how often a row is there does not matter.
    ``is_pure``: values must be columns of the subquery's plan, so that padding makes them NULL."""
    query = query_of(query)
    if isinstance(query, exp.Select):
        drop_idle_modifiers(query, binder.facts, is_set=is_set, wants_values=wants_values)
    if not free_columns(query) and not is_total(query, binder.facts):
        return _as_it_is(binder, query, ctes)
    try:
        return _bind(binder, outer, query.copy(), ctes, None, wants_values=wants_values, is_pure=is_pure)
    except NeedsDomain:
        query = query.copy()
        domain = domain_of(query, outer, binder.names)
        inner = {**ctes, domain.name: domain.plan}
        return _bind(binder, outer, query, inner, domain, wants_values=wants_values, is_pure=is_pure)


def query_of(node: exp.Expr) -> exp.Query:
    """The query in EXISTS (…), IN (…), or parentheses."""
    while isinstance(node, exp.Subquery) and not node.args.get("with_"):
        node = node.this
    if not isinstance(node, exp.Query):
        raise Unsupported(f"{node.key.upper()} as a subquery")
    return node


def _as_it_is(binder: QueryBinder, query: exp.Query, ctes: Ctes) -> BoundSubquery:
    alias = binder.names.fresh("subquery")
    plan = binder.bind(query.copy(), ctes, alias)
    values: list[exp.Expr] = [column_node(alias, name) for name in columns_of(plan)]
    return BoundSubquery(plan=plan, shape=Decorrelated(query=query, alias=alias, values=values))


def _bind(
    binder: QueryBinder,
    outer: Node,
    query: exp.Query,
    ctes: Ctes,
    domain: Domain | None,
    *,
    wants_values: bool,
    is_pure: bool,
) -> BoundSubquery:
    """Raises NeedsDomain where there is none and conditions alone do not say how the query reads what is outside."""
    alias = binder.names.fresh("subquery")
    if isinstance(query, exp.Select):
        shape = Decorrelator(query, alias, binder.facts, domain).run(wants_values=wants_values)
    elif isinstance(query, exp.SetOperation) and domain is not None:
        shape = _set_operation(binder, query, alias, domain)
    elif isinstance(query, exp.SetOperation):
        raise NeedsDomain
    else:
        raise Unsupported(f"{query.key.upper()} that reads columns from outside")
    is_changed = any(not isinstance(value, exp.Column) or value.table != alias for value in shape.values)
    if is_pure and not shape.is_total and is_changed:
        raise NeedsDomain
    plan = binder.bind(shape.query, ctes, alias)
    if domain is None and shape.is_grouped and not _have_same_types(binder, shape.conditions, outer, plan):
        raise NeedsDomain
    return BoundSubquery(plan=plan, shape=shape)


def _have_same_types(binder: QueryBinder, conditions: Sequence[exp.Expr], outer: Node, inner: Node) -> bool:
    """Whether values on the two sides are equal only if they are the same: '1' and '01' are both equal to 1."""
    if not conditions:
        return True
    outside: list[Expr] = [bind_expr(condition.this, binder.facts) for condition in conditions]
    inside: list[Expr] = [bind_expr(condition.expression, binder.facts) for condition in conditions]
    pairs = zip(types_of(outside, outer, binder.reader), types_of(inside, inner, binder.reader), strict=True)
    return all(one == other or {one, other} <= INTEGER_TYPES for one, other in pairs)


def _set_operation(binder: QueryBinder, query: exp.SetOperation, alias: str, domain: Domain) -> Decorrelated:
    """``L ∪ R  =>  (D, L) ∪ (D, R)``, and so for the other set operations: each side beside the domain."""
    if any(query.args.get(key) for key in ("limit", "offset", "by_name")):
        raise Unsupported("LIMIT or BY NAME over a set operation that reads columns from outside")
    names = output_names(first_select(query))
    outer_names = [f"{domain.alias}_{name}" for _, name in domain.columns]

    def beside(side: exp.Query) -> exp.Query:
        if isinstance(side, exp.SetOperation):
            side.set("this", beside(query_of(side.this)))
            side.set("expression", beside(query_of(side.expression)))
            return side
        own, inner = binder.names.fresh(domain.alias), binder.names.fresh("side")
        for node in free_columns(side):
            if node.table == domain.alias:
                node.set("table", exp.to_identifier(own, quoted=True))
        outputs = [column_node(own, name) for _, name in domain.columns]
        outputs += [column_node(inner, name) for name in output_names(first_select(side))]
        selected = [
            exp.alias_(node, name, quoted=True) for node, name in zip(outputs, [*outer_names, *names], strict=True)
        ]
        item = exp.Lateral(
            this=exp.Subquery(this=side.copy()), alias=exp.TableAlias(this=exp.to_identifier(inner, quoted=True))
        )
        return exp.Select(
            expressions=selected, from_=exp.From(this=domain_table(domain, own)), joins=[exp.Join(this=item)]
        )

    conditions: list[exp.Expr] = [
        exp.NullSafeEQ(this=node.copy(), expression=column_node(alias, name))
        for (node, _), name in zip(domain.columns, outer_names, strict=True)
    ]
    values: list[exp.Expr] = [column_node(alias, name) for name in names]
    return Decorrelated(query=beside(query), alias=alias, conditions=conditions, values=values, is_grouped=True)


def first_select(query: exp.Expr) -> exp.Select:
    """The SELECT that names the columns of a query."""
    while not isinstance(query, exp.Select):
        if not isinstance(query, exp.SetOperation | exp.Subquery):
            raise Unsupported(f"{query.key.upper()} that reads columns from outside")
        query = query.this
    return query
