"""A correlated SELECT → one that reads nothing from outside, and the conditions by which its rows are matched.

Conjuncts of WHERE that compare with columns from outside become conditions of the match. Where rows are grouped,
numbered or made distinct, the compared columns must take part in that, so that only equalities will do:

    (SELECT sum(x) FROM r WHERE r.k = o.k)  =>  (SELECT k, sum(x) FROM r GROUP BY k) matched by o.k = k

Everything else goes through the domain, the different values of the columns from outside: the subquery is joined with
it, reads its columns, and is matched by them. Source: Neumann and Kemper, "Unnesting Arbitrary Queries" (2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from mvengine.planner.binder.aggregate_calls import has_aggregates, own_aggregates
from mvengine.planner.binder.conditions import conjuncts
from mvengine.planner.binder.correlation import Domain, add_domain, free_columns, has_query
from mvengine.planner.binder.limits import limit_to_qualify
from mvengine.planner.binder.names import output_names, unaliased
from mvengine.planner.binder.order import expand_order, inline_windows
from mvengine.planner.binder.scalar import Unsupported, render
from mvengine.planner.binder.scopes import column_node
from mvengine.planner.clock import is_clock
from mvengine.planner.reader import FunctionFacts

_ZERO_OVER_NOTHING = frozenset({"count", "count_if", "regr_count", "approx_count_distinct", "entropy"})


class NeedsDomain(Exception):  # noqa: N818 - it is no error, and never leaves the binder
    """The conditions of a match cannot express how a subquery reads columns from outside."""


@dataclass(kw_only=True)
class Decorrelated:
    """``query`` reads nothing from outside. ``conditions`` match its rows, under ``alias``, with those outside.

    ``values`` are the subquery's outputs and ``presence`` says whether it has a row (None: it does): expressions over a
    match, padded with NULL where there is none. ``is_total``: there is one row for each row outside, match or not.
    ``is_grouped``: rows that are equal in the conditions' columns are taken together, so that the sides of a condition
    must be of one type.
    """

    query: exp.Query
    alias: str
    conditions: list[exp.Expr] = field(default_factory=list)
    values: list[exp.Expr] = field(default_factory=list)
    presence: exp.Expr | None = None
    is_total: bool = False
    is_grouped: bool = False


def is_total(query: exp.Expr, facts: FunctionFacts) -> bool:
    """Whether a query has one row, or by HAVING none, whatever it reads: aggregates without GROUP BY."""
    return (
        isinstance(query, exp.Select)
        and not query.args.get("group")
        and has_aggregates(query, facts)
        and not _has_order(query)
    )


def is_flat(query: exp.Expr, facts: FunctionFacts) -> bool:
    """Whether each row of a query is made of one row of FROM, so that WHERE can speak of it."""
    return (
        isinstance(query, exp.Select)
        and bool(query.args.get("from_"))
        and not query.args.get("group")
        and not has_aggregates(query, facts)
        and not _has_order(query)
        and query.find(exp.Unnest, exp.Explode) is None
    )


def drop_idle_modifiers(query: exp.Select, facts: FunctionFacts, *, is_set: bool, wants_values: bool) -> None:
    """Takes out what changes nothing: DISTINCT where a row counts once anyway, ORDER BY and LIMIT over one row, or
    where it only matters whether there is one."""
    distinct, limit = query.args.get("distinct"), query.args.get("limit")
    is_one = not query.args.get("group") and has_aggregates(query, facts)
    if (is_set or is_one) and distinct and not distinct.args.get("on"):
        query.set("distinct", None)
    if (is_one or not wants_values) and not query.args.get("offset") and (limit is None or _is_positive(limit)):
        query.set("limit", None)
        query.set("order", None)


def _is_positive(limit: exp.Expr) -> bool:
    count = limit.args.get("expression")
    return isinstance(count, exp.Literal) and count.is_int and int(count.name) > 0


def _has_order(query: exp.Select) -> bool:
    """Whether the result depends on an order, or on which rows are alike."""
    has_windows = any(window.parent_select is query for window in query.find_all(exp.Window))
    return has_windows or any(query.args.get(key) for key in ("distinct", "limit", "offset", "qualify"))


class Decorrelator:
    """Takes one SELECT apart; its tree is used up."""

    def __init__(self, query: exp.Select, alias: str, facts: FunctionFacts, domain: Domain | None) -> None:
        self.query = query
        self.facts = facts
        self.domain = domain
        self.outside = {node.table.lower() for node in free_columns(query)} if domain is None else set()
        self.exports: dict[str, exp.Expr] = {}  # the outputs of the new query
        self.out = Decorrelated(query=query, alias=alias)

    def run(self, *, wants_values: bool) -> Decorrelated:
        """Raises NeedsDomain where there is none and conditions alone will not do."""
        query, out = self.query, self.out
        if self.domain is not None:
            add_domain(query, self.domain)
        out.is_total = is_total(query, self.facts)
        out.is_grouped = out.is_total or bool(query.args.get("group")) or _has_order(query)
        keys = self._match()
        if out.is_total:
            self._groups(keys)
        else:
            self._rows(keys, wants_values=wants_values)
        outputs = [exp.alias_(node, name, quoted=True) for name, node in self.exports.items()]
        query.set("expressions", outputs or [exp.alias_(exp.Literal.number(1), "present", quoted=True)])
        if free_columns(query):
            raise NeedsDomain
        return out

    def _reads_outside(self, node: exp.Expr) -> bool:
        return any(found.table.lower() in self.outside for found in node.find_all(exp.Column))

    def _match(self) -> list[exp.Expr]:
        """Makes the conditions. The result is what rows must be grouped by beside what they are grouped by anyway."""
        if self.domain is not None:
            keys: list[exp.Expr] = [column_node(self.domain.alias, name) for _, name in self.domain.columns]
            for (node, _), key in zip(self.domain.columns, keys, strict=True):
                self.out.conditions.append(exp.NullSafeEQ(this=node.copy(), expression=self._export(key)))
            return keys if self.out.is_grouped else []
        correlated = self._take_correlated()
        if not self.out.is_grouped:
            if correlated and not any(self._is_equality(part) for part in correlated):
                raise NeedsDomain  # without a key, a match would read everything
            self.out.conditions = [self._over_rows(part) for part in correlated]
            return []
        keys = []
        for part in correlated:
            key, other = self._equality(part)
            keys.append(key.copy())
            self.out.conditions.append(type(part)(this=other.copy(), expression=self._export(key)))
        return keys

    def _take_correlated(self) -> list[exp.Expr]:
        """Takes the conjuncts that read columns from outside out of WHERE."""
        where = self.query.args.get("where")
        if where is None:
            return []
        parts = conjuncts(where.this)
        correlated = [part for part in parts if self._reads_outside(part)]
        if any(has_query(node) or any(is_clock(part) for part in node.walk()) for node in correlated):
            raise NeedsDomain
        local = [part for part in parts if not self._reads_outside(part)]
        self.query.set("where", exp.Where(this=exp.and_(*local)) if local else None)
        return correlated

    def _equality(self, part: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
        """The side inside and the one outside of an equality. NeedsDomain where it is none."""
        if isinstance(part, exp.EQ | exp.NullSafeEQ):
            for key, other in ((part.left, part.right), (part.right, part.left)):
                reads = {node.table.lower() in self.outside for node in other.find_all(exp.Column)}
                if not self._reads_outside(key) and key.find(exp.Column) and reads == {True}:
                    return key, other
        raise NeedsDomain

    def _is_equality(self, part: exp.Expr) -> bool:
        try:
            return bool(self._equality(part))
        except NeedsDomain:
            return False

    def _groups(self, keys: Sequence[exp.Expr]) -> None:
        """A group for each match, and none where there are no rows. Outputs and HAVING are computed over the match,
        where a count without a group is 0, and any other aggregate NULL."""
        query, having = self.query, self.query.args.get("having")
        self.out.values = [self._over_groups(unaliased(node)) for node in list(query.expressions)]
        if having:
            self.out.presence = self._over_groups(having.this)
            query.set("having", None)
        if keys:
            query.set("group", exp.Group(expressions=[key.copy() for key in keys]))

    def _over_groups(self, node: exp.Expr) -> exp.Expr:
        calls = {id(call) for call in own_aggregates(node, self.query, self.facts)}

        def replaced(part: exp.Expr) -> exp.Expr:
            if id(part) not in calls:
                return part
            column: exp.Expr = self._export(part, _function_name(part))
            is_zero = bool(self.out.conditions) and _function_name(part) in _ZERO_OVER_NOTHING
            return exp.Coalesce(this=column, expressions=[exp.Literal.number(0)]) if is_zero else column

        return node.transform(replaced, copy=False)

    def _rows(self, keys: Sequence[exp.Expr], *, wants_values: bool) -> None:
        """The rows themselves; what the conditions read are further columns of them."""
        query = self.query
        inline_windows(query)
        expand_order(query)
        group, distinct = query.args.get("group"), query.args.get("distinct")
        if keys and group:
            if group.find(exp.Rollup, exp.Cube, exp.GroupingSets) or not (group.args.get("all") or group.expressions):
                raise Unsupported("GROUPING SETS in a correlated subquery")
            if any(isinstance(node, exp.Tuple) and not node.expressions for node in group.expressions):
                raise Unsupported("GROUP BY () in a correlated subquery")
            if not group.args.get("all"):
                group.set("expressions", [*group.expressions, *(key.copy() for key in keys)])
        if keys and distinct and distinct.args.get("on"):
            on = distinct.args["on"]
            on.set("expressions", [*on.expressions, *(key.copy() for key in keys)])
        for window in [window for window in query.find_all(exp.Window) if window.parent_select is query]:
            window.set("partition_by", [*(window.args.get("partition_by") or []), *(key.copy() for key in keys)])
        if keys:
            limit_to_qualify(query, keys)
        if wants_values or distinct:
            named = zip(output_names(query), list(query.expressions), strict=True)
            self.out.values = [self._value(unaliased(node), name) for name, node in named]

    def _value(self, node: exp.Expr, name: str) -> exp.Expr:
        if not self._reads_outside(node):
            return self._export(node, name)
        if has_query(node) or self.out.is_grouped:
            raise NeedsDomain
        return self._over_rows(node)

    def _over_rows(self, node: exp.Expr) -> exp.Expr:
        """An expression that reads columns of the subquery as columns of the new one."""
        holder = exp.Tuple(expressions=[node.copy()])
        for found in list(holder.find_all(exp.Column)):
            if found.table.lower() not in self.outside:
                found.replace(self._export(found))
        whole: exp.Expr = holder.expressions[0]
        return whole

    def _export(self, node: exp.Expr, name: str = "") -> exp.Column:
        """The expression as an output of the new query: the column that it is there."""
        text = render(node)
        known = next((known for known, found in self.exports.items() if render(found) == text), None)
        if known is None:
            wanted, number = name or node.alias_or_name or "key", 1
            known = wanted
            while known.lower() in {taken.lower() for taken in self.exports}:
                number += 1
                known = f"{wanted}_{number}"
            self.exports[known] = node.copy()
        return column_node(self.out.alias, known)


def _function_name(call: exp.Expr) -> str:
    """The name of an aggregate as the engine has it, without FILTER and the like."""
    while isinstance(call, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        call = call.this
    return render(call).partition("(")[0].lower()
