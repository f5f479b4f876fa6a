"""SELECT → Scan, Filter, Join, Project, Aggregate, Distinct. One method a clause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from sqlglot import exp

from mvengine.planner.binder.aggregate import AggregateBinder
from mvengine.planner.binder.aggregate_calls import before_groups, own_aggregates
from mvengine.planner.binder.clock import parts_of_rows, read_clock, with_clock
from mvengine.planner.binder.conditions import conjuncts
from mvengine.planner.binder.correlation import has_query
from mvengine.planner.binder.from_clause import FromBinder
from mvengine.planner.binder.key_queries import outputs_of_keys
from mvengine.planner.binder.names import output_names, unaliased
from mvengine.planner.binder.order import (
    Keys,
    Modifiers,
    expand_order,
    first_of_each,
    inline_windows,
    limited,
    only,
    take_modifiers,
)
from mvengine.planner.binder.recursion import Opened, bind_recursion, is_recursive
from mvengine.planner.binder.scalar import Unsupported, bind_expr
from mvengine.planner.binder.scopes import Ctes, Names
from mvengine.planner.binder.set_operations import bind_set_operation
from mvengine.planner.binder.subqueries import SubqueryBinder
from mvengine.planner.binder.windows import bind_windows, own_windows
from mvengine.planner.emit.select import columns_of
from mvengine.planner.logical import (
    Constant,
    Distinct,
    Filter,
    Project,
    RecursionRead,
    Scan,
    Version,
)
from mvengine.planner.node import Node
from mvengine.planner.reader import FunctionFacts, Relation, SchemaReader
from mvengine.planner.scalar import Output
from mvengine.schema import Column, Name


class QueryBinder:
    """Binds one qualified query. ``relations`` says what its tables are."""

    def __init__(self, relations: Mapping[Name, Relation], reader: SchemaReader, names: Names) -> None:
        self.relations = relations
        self.reader = reader
        self.names = names
        self.facts: FunctionFacts = reader.functions()
        self._recursive: set[int] = set()  # ids of the queries of CTEs that read themselves
        self._opened: Opened = {}

    def bind(self, query: exp.Expr, ctes: Ctes, alias: str) -> Node:
        """A plan whose columns are the query's outputs, in scope ``alias``."""
        if isinstance(query, exp.Subquery | exp.SetOperation):
            return self._limited(query, ctes, alias)
        return self._bind(query, ctes, alias)

    def _limited(self, query: exp.Subquery | exp.SetOperation, ctes: Ctes, alias: str) -> Node:
        """A query that is limited as a whole: its order names its columns."""
        modifiers = take_modifiers(query)
        inner = self.names.fresh("ordered") if modifiers.is_limited else alias
        is_whole = isinstance(query, exp.Subquery)
        plan = self.bind(query.this, ctes, inner) if is_whole else self._bind(query, ctes, inner)
        if not modifiers.is_limited:
            return plan
        columns = columns_of(plan)
        keys = Keys(self.names, self.facts, [(name, exp.column(name)) for name in columns])
        terms = keys.terms(modifiers.order)
        if keys.hidden:
            raise Unsupported("ORDER BY an expression over a set operation")
        return limited(plan, terms, modifiers, alias, self.names)

    def _bind(self, query: exp.Expr, ctes: Ctes, alias: str) -> Node:
        ctes = {**ctes, **self._ctes(query)}
        if isinstance(query, exp.Select):
            return self._select(query, ctes, alias)
        if isinstance(query, exp.SetOperation):
            return self._set_operation(query, ctes, alias)
        raise Unsupported(type(query).__name__.upper())

    def _ctes(self, query: exp.Expr) -> dict[str, exp.Query | Node]:
        clause = query.args.get("with_") or query.args.get("with")
        if clause is None:
            return {}
        found: dict[str, exp.Query | Node] = {}
        for cte in clause.expressions:
            if cte.args.get("key_expressions"):
                raise Unsupported("USING KEY")
            if clause.args.get("recursive") and is_recursive(cte):
                self._recursive.add(id(cte.this))
            elif cte.args["alias"].columns:
                raise Unsupported("a CTE with a list of column names")
            found[cte.alias.lower()] = cte.this
        return found

    def _set_operation(self, query: exp.SetOperation, ctes: Ctes, alias: str) -> Node:
        self._refuse_modifiers(query)
        return bind_set_operation(
            query,
            ctes,
            alias,
            bind=lambda part, name: self.bind(part, ctes, name),
            reader=self.reader,
            names=self.names,
        )

    def _select(self, select: exp.Select, ctes: Ctes, alias: str) -> Node:
        """Clause by clause, in the order in which SQL computes them; each takes itself out of the tree."""
        self._refuse_modifiers(select)
        names = output_names(select)
        inline_windows(select)
        expand_order(select)
        calls = list(own_aggregates(select, select, self.facts))
        has_groups = bool(calls or select.args.get("group") or select.args.get("having"))
        plan = FromBinder(self, select, ctes).bind()
        nested = SubqueryBinder(self, select, ctes)
        parts = parts_of_rows(select, calls) if has_groups else [select]
        plan = with_clock(plan, read_clock(select, parts, self.names))
        plan = self._filter(select, plan, "where", nested)
        if has_groups:
            shown = outputs_of_keys(select)
            plan = nested.values(plan, lambda: before_groups(select, self.facts))
            for key, outputs in shown:
                for output in outputs:
                    output.replace(select.args["group"].expressions[key].copy())
            plan = self._aggregate(select, plan)
            plan = with_clock(plan, read_clock(select, [select], self.names))
        plan = self._filter(select, plan, "having", nested)
        plan = nested.values(plan, lambda: own_windows(select))
        plan = bind_windows(select, plan, self.names, self.facts)
        plan = self._filter(select, plan, "qualify", nested)
        plan = nested.values(plan, lambda: [*select.expressions, *_order_of(select)])
        modifiers = take_modifiers(select)
        return self._outputs(select, plan, modifiers, names, alias)

    def _outputs(self, select: exp.Select, plan: Node, modifiers: Modifiers, names: list[str], alias: str) -> Node:
        """The SELECT list, and what follows it: DISTINCT, the order and the limit."""
        nodes = [(name, unaliased(node)) for name, node in zip(names, select.expressions, strict=True)]
        outputs = tuple(Output(name=name, expr=bind_expr(node, self.facts)) for name, node in nodes)
        is_whole = not (modifiers.distinct_on or modifiers.is_limited)
        keys = Keys(self.names, self.facts, nodes)
        terms = [] if is_whole else keys.terms(modifiers.order)
        on = [keys.column(node) for node in modifiers.distinct_on]
        scope = alias if is_whole else self.names.fresh("ordered")
        plan = Project(input=plan, outputs=(*outputs, *keys.hidden), alias=scope)
        if select.args.get("distinct"):
            if keys.hidden:
                raise Unsupported("SELECT DISTINCT in an order that it does not select")
            plan = Distinct(input=plan, columns=tuple(names), alias=scope)
        if on:
            scope = self.names.fresh("firsts")
            plan = first_of_each(plan, on, terms, scope, self.names)
        if modifiers.is_limited:
            scope = self.names.fresh("first") if keys.hidden else alias
            plan = limited(plan, terms, modifiers, scope, self.names)
        return plan if scope == alias else only(plan, scope, names, alias)

    def _filter(self, select: exp.Select, plan: Node, clause: str, nested: SubqueryBinder) -> Node:
        """WHERE, HAVING or QUALIFY; what has no subquery comes first."""
        condition = select.args.get(clause)
        if condition is None:
            return plan
        parts = conjuncts(condition.this)
        holder = exp.Tuple(expressions=[part for part in parts if has_query(part)])
        condition.set("this", holder)
        if plain := [part for part in parts if not has_query(part)]:
            plan = Filter(input=plan, predicates=tuple(bind_expr(part, self.facts) for part in plain))
        plan = nested.filter(plan, holder)
        select.set(clause, None)
        return plan

    def _aggregate(self, select: exp.Select, plan: Node) -> Node:
        binder = AggregateBinder(select, plan, self.reader, self.facts, self.names)
        return binder.bind()

    def _refuse_modifiers(self, query: exp.Expr) -> None:
        for key, construct in _MODIFIERS.items():
            if query.args.get(key):
                raise Unsupported(construct)

    def item(self, item: exp.Expr, select: exp.Select, ctes: Ctes) -> Node:
        """An item of FROM that reads no other."""
        for pivot in item.args.get("pivots") or ():
            raise Unsupported("UNPIVOT" if pivot.args.get("unpivot") else "PIVOT")
        for key in ("sample", "ordinality", "when", "changes"):
            if item.args.get(key):
                raise Unsupported("TABLESAMPLE" if key == "sample" else key.upper())
        if isinstance(item, exp.Values):
            return self._values(item)
        if isinstance(item, exp.Subquery | exp.Lateral):
            if isinstance(item.args.get("alias"), exp.TableAlias) and item.args["alias"].columns:
                raise Unsupported("a subquery with a list of column names")
            return self.bind(item.this, ctes, item.alias_or_name)
        if not isinstance(item, exp.Table) or not isinstance(item.this, exp.Identifier):
            raise Unsupported(_FROM_ITEMS.get(type(item), "a table function"))
        if not item.db:
            inner = ctes.get(item.name.lower())
            if item.name.lower() in self._opened:
                name, columns = self._opened[item.name.lower()]
                return RecursionRead(name=name, columns=columns, alias=item.alias_or_name)
            if inner is None:
                raise Unsupported(f"the name {item.name}")
            if isinstance(inner, Distinct):
                return replace(inner, alias=item.alias_or_name)
            assert isinstance(inner, exp.Query)
            if id(inner) in self._recursive:
                return self._recursion(inner.copy(), item, ctes)
            return self.bind(inner.copy(), ctes, item.alias_or_name)
        return self._scan(item, select)

    def _recursion(self, query: exp.Expr, item: exp.Table, ctes: Ctes) -> Node:
        return bind_recursion(
            query,
            item.name,
            item.alias_or_name,
            bind=lambda part, alias: self.bind(part, ctes, alias),
            opened=self._open,
            names=self.names,
        )

    @contextmanager
    def _open(self, own_name: str, name: str, columns: tuple[str, ...]) -> Iterator[None]:
        """A block in which a recursive CTE's name is that of its rows."""
        self._opened[own_name.lower()] = (name, columns)
        try:
            yield
        finally:
            del self._opened[own_name.lower()]

    def _values(self, item: exp.Values) -> Constant:
        alias = item.args["alias"]
        bound = item.copy()
        bound.set("alias", None)
        expr = bind_expr(bound, self.facts)
        if expr.columns:
            raise Unsupported("VALUES that read columns")
        return Constant(query=expr.sql, columns=tuple(column.name for column in alias.columns), alias=alias.name)

    def _scan(self, table: exp.Table, select: exp.Select) -> Scan:
        relation = self.relations[Name(schema=table.db, name=table.name)]
        alias = table.alias_or_name
        used = {node.name.lower() for node in select.find_all(exp.Column) if node.table == alias}
        return Scan(
            relation=relation.name,
            storage=relation.storage,
            alias=alias,
            columns=tuple(Column(name=c.name, type=c.type) for c in relation.columns if c.name.lower() in used),
            version=Version.CURRENT,
        )


def _order_of(select: exp.Select) -> list[exp.Expr]:
    """The clauses that say which rows stay, and may name outputs."""
    return [select.args[key] for key in ("order", "distinct") if select.args.get(key)]


_FROM_ITEMS: dict[type[exp.Expr], str] = {exp.Lateral: "LATERAL", exp.Values: "VALUES", exp.Unnest: "UNNEST"}

_MODIFIERS = {
    "sample": "USING SAMPLE",
    "pivots": "PIVOT",
    "into": "SELECT INTO",
    "connect": "CONNECT BY",
    "match": "MATCH_RECOGNIZE",
    "cluster": "CLUSTER BY",
    "distribute": "DISTRIBUTE BY",
    "sort": "SORT BY",
}
