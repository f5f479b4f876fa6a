"""ORDER BY with LIMIT or OFFSET, DISTINCT ON, and the windows that a SELECT names.

An order says which rows a limit keeps. Rows that tie in it are told apart by all their columns, so that every reader of
a view, and every computation of it, keeps the same ones: one of the results that the query may have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from mvengine.planner.binder.names import unaliased
from mvengine.planner.binder.scalar import Unsupported, bind_expr, render
from mvengine.planner.binder.scopes import Names
from mvengine.planner.emit.select import columns_of, scope_of
from mvengine.planner.logical import Filter, Limit, Project, Window
from mvengine.planner.node import Node
from mvengine.planner.reader import FunctionFacts
from mvengine.planner.scalar import Expr, Output, column
from mvengine.schema import quote


@dataclass(frozen=True, kw_only=True)
class Modifiers:
    """What follows a query's rows: their order, and which of them are kept. Taken out of the query's tree."""

    order: tuple[exp.Ordered, ...]
    distinct_on: tuple[exp.Expr, ...]
    limit: str | None  # SQL of a number of rows
    percent: str | None  # or of a percentage
    offset: str | None

    @property
    def is_limited(self) -> bool:
        return bool(self.limit or self.percent or self.offset)


def inline_windows(select: exp.Select) -> None:
    """Writes out ``OVER w``, and windows that begin with the name of another."""
    named = {window.name.lower(): window for window in select.args.get("windows") or []}
    select.set("windows", None)
    for window in [*named.values(), *select.find_all(exp.Window)]:
        while (base := window.args.get("alias")) is not None:
            other = named[base.name.lower()]
            window.set("alias", other.args.get("alias"))
            for key in ("partition_by", "order", "spec"):
                if not window.args.get(key) and other.args.get(key):
                    found = other.args[key]
                    window.set(key, [node.copy() for node in found] if isinstance(found, list) else found.copy())


def expand_order(select: exp.Select) -> None:
    """Puts the outputs' expressions in the place of their names in ORDER BY and DISTINCT ON. An order that decides
    nothing is taken out."""
    distinct = select.args.get("distinct")
    if not (select.args.get("limit") or select.args.get("offset") or (distinct and distinct.args.get("on"))):
        select.set("order", None)
    outputs = {node.alias_or_name.lower(): unaliased(node) for node in reversed(select.expressions)}
    order, distinct = select.args.get("order"), select.args.get("distinct")
    if order is not None:
        order.set("expressions", [key for ordered in order.expressions for key in _spread(ordered, select)])
    for clause in (order, distinct):
        for node in list(clause.find_all(exp.Column)) if clause is not None else []:
            if not node.table and node.name.lower() in outputs:
                meant = outputs[node.name.lower()].copy()
                node.replace(meant if isinstance(node.parent, exp.Ordered | exp.Tuple) else exp.paren(meant))


def _spread(ordered: exp.Ordered, select: exp.Select) -> Iterator[exp.Ordered]:
    """ORDER BY ALL and ORDER BY 2 as the expressions that they mean."""
    key = ordered.this
    if isinstance(key, exp.Var) and key.name.upper() == "ALL":
        chosen = select.expressions
    elif isinstance(key, exp.Literal) and key.is_int:
        chosen = [select.expressions[int(key.name) - 1]]
    else:
        yield ordered
        return
    for node in chosen:
        copy = ordered.copy()
        copy.set("this", unaliased(node).copy())
        yield copy


def take_modifiers(query: exp.Expr) -> Modifiers:
    """Takes ORDER BY, LIMIT, OFFSET and DISTINCT ON out of a query. An order without a limit changes no bag."""
    order, limit, offset = (query.args.get(key) for key in ("order", "limit", "offset"))
    distinct = query.args.get("distinct")
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    count = None
    is_percent = False
    if limit is not None:
        options = limit.args.get("limit_options")
        if options is not None and options.args.get("with_ties"):
            raise Unsupported("WITH TIES")
        count = limit.args.get("count") if isinstance(limit, exp.Fetch) else limit.expression
        is_percent = bool(options is not None and options.args.get("percent"))
    number = _constant(count)
    for key in ("order", "limit", "offset"):
        query.set(key, None)
    if on is not None:
        query.set("distinct", None)
    return Modifiers(
        order=tuple(order.expressions) if order is not None else (),
        distinct_on=tuple(on.expressions if isinstance(on, exp.Tuple) else [on]) if on is not None else (),
        limit=None if is_percent else number,
        percent=number if is_percent else None,
        offset=_constant(offset.expression) if offset is not None else None,
    )


def _constant(node: exp.Expr | None) -> str | None:
    if node is None:
        return None
    if node.find(exp.Column, exp.Query):
        raise Unsupported("LIMIT by a subquery")
    return render(node)


class Keys:
    """The keys of an order as columns: outputs of the query, or hidden ones beside them."""

    def __init__(self, names: Names, facts: FunctionFacts, outputs: Sequence[tuple[str, exp.Expr]]) -> None:
        self.hidden: list[Output] = []
        self._names = names
        self._facts = facts
        self._known = {render(node): name for name, node in reversed(outputs)}

    def column(self, node: exp.Expr) -> str:
        text = render(node)
        if text not in self._known:
            self._known[text] = self._names.fresh("key")
            self.hidden.append(Output(name=self._known[text], expr=bind_expr(node, self._facts)))
        return self._known[text]

    def terms(self, order: Sequence[exp.Ordered]) -> list[tuple[str, str]]:
        """Each key's column, and what is written after it: DESC and the like."""
        found: list[tuple[str, str]] = []
        for ordered in order:
            name = self.column(ordered.this)
            term = ordered.copy()
            term.set("this", exp.column("k"))
            if name.lower() not in [known.lower() for known, _ in found]:
                found.append((name, render(term).removeprefix("k")))
        return found


def limited(plan: Node, terms: Sequence[tuple[str, str]], modifiers: Modifiers, alias: str, names: Names) -> Node:
    """The rows of a plan that LIMIT and OFFSET keep."""
    columns = columns_of(plan)
    order = _total(terms, columns)
    limit, offset = modifiers.limit, modifiers.offset or "0"
    if limit is not None and limit.isdecimal() and offset.isdecimal():
        by = tuple(f"{quote(name)}{suffix}" for name, suffix in order)
        return Limit(input=plan, order_by=by, limit=int(limit), offset=int(offset), alias=alias)
    own = scope_of(plan)
    position = Output(name=names.fresh("position"), expr=_row_number(own, [], order))
    total = Output(name=names.fresh("total"), expr=Expr(sql="count(*) OVER ()", columns=()))
    calls = (position, total) if modifiers.percent else (position,)
    window = Window(input=plan, partition_by=(), calls=calls, alias=names.fresh("positions"))
    at, count = column(window.alias, position.name), column(window.alias, total.name)
    most = f"floor(({modifiers.percent}) / 100.0 * {count.sql})" if modifiers.percent else f"({limit})"
    predicates = [Expr(sql=f"{at.sql} > ({offset})", columns=at.columns)]
    if limit or modifiers.percent:
        used = (*at.columns, *(count.columns if modifiers.percent else ()))
        predicates.append(Expr(sql=f"{at.sql} <= ({offset}) + {most}", columns=used))
    kept = Filter(input=window, predicates=tuple(predicates))
    return only(kept, window.alias, columns, alias)


def first_of_each(
    plan: Node, keys: Sequence[str], terms: Sequence[tuple[str, str]], alias: str, names: Names
) -> Project:
    """DISTINCT ON: the first row of those that agree in the keys."""
    columns = columns_of(plan)
    rank = Output(name=names.fresh("place"), expr=_row_number(scope_of(plan), keys, _total(terms, columns)))
    window = Window(input=plan, partition_by=tuple(keys), calls=(rank,), alias=names.fresh("places"))
    first = column(window.alias, rank.name)
    is_first = Expr(sql=f"{first.sql} = 1", columns=first.columns)
    return only(Filter(input=window, predicates=(is_first,)), window.alias, columns, alias)


def only(plan: Node, scope: str, columns: Sequence[str], alias: str) -> Project:
    """Some columns of a plan whose columns stand in ``scope``."""
    outputs = tuple(Output(name=name, expr=column(scope, name)) for name in columns)
    return Project(input=plan, outputs=outputs, alias=alias)


def _total(terms: Sequence[tuple[str, str]], columns: Sequence[str]) -> list[tuple[str, str]]:
    """The order, and then all other columns."""
    named = {name.lower() for name, _ in terms}
    return [*terms, *((name, "") for name in columns if name.lower() not in named)]


def _row_number(scope: str, keys: Sequence[str], order: Sequence[tuple[str, str]]) -> Expr:
    parts = [column(scope, name) for name in (*keys, *(name for name, _ in order))]
    partition = ", ".join(column(scope, name).sql for name in keys)
    by = ", ".join(f"{column(scope, name).sql}{suffix}" for name, suffix in order)
    head = f"PARTITION BY {partition} " if partition else ""
    refs = dict.fromkeys(ref for part in parts for ref in part.columns)
    return Expr(sql=f"row_number() OVER ({head}ORDER BY {by})", columns=tuple(refs))
