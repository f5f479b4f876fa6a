"""SELECT and UNION ALL → Scan, Filter, Join, Project, Aggregate, Distinct. One method a clause."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from mvengine.planner.binder.aggregate import AggregateBinder, has_aggregates
from mvengine.planner.binder.names import output_names, unaliased
from mvengine.planner.binder.scalar import Unsupported, bind_expr, render
from mvengine.planner.logical import Distinct, Filter, Join, Project, Scan, UnionAll, Version
from mvengine.planner.node import Node
from mvengine.planner.reader import FunctionFacts, Relation, SchemaReader
from mvengine.planner.scalar import Expr, Output, column
from mvengine.schema import Column, Name

Ctes = Mapping[str, exp.Query]


class QueryBinder:
    """Binds one qualified query. ``relations`` says what its tables are."""

    def __init__(self, relations: Mapping[Name, Relation], reader: SchemaReader) -> None:
        self.relations = relations
        self.reader = reader
        self.facts: FunctionFacts = reader.functions()

    def bind(self, query: exp.Expr, ctes: Ctes, alias: str) -> Node:
        """A plan whose columns are the query's outputs, in scope ``alias``."""
        if isinstance(query, exp.Subquery):
            return self.bind(query.this, ctes, alias)
        ctes = {**ctes, **self._ctes(query)}
        if isinstance(query, exp.Select):
            return self._select(query, ctes, alias)
        if isinstance(query, exp.Union):
            return self._union(query, ctes, alias)
        if isinstance(query, exp.Except | exp.Intersect):
            raise Unsupported(type(query).__name__.upper())
        raise Unsupported(type(query).__name__.upper())

    def _ctes(self, query: exp.Expr) -> dict[str, exp.Query]:
        clause = query.args.get("with_") or query.args.get("with")
        if clause is None:
            return {}
        if clause.args.get("recursive"):
            raise Unsupported("WITH RECURSIVE")
        found: dict[str, exp.Query] = {}
        for cte in clause.expressions:
            if cte.args["alias"].columns:
                raise Unsupported("a CTE with a list of column names")
            found[cte.alias.lower()] = cte.this
        return found

    def _union(self, query: exp.Union, ctes: Ctes, alias: str) -> Node:
        self._refuse_modifiers(query)
        if query.args.get("by_name"):
            raise Unsupported("UNION BY NAME")
        left = self.bind(query.this, ctes, alias)
        right = self.bind(query.expression, ctes, alias)
        types = self.reader.describe(_columns_query(query))
        names = _names(left)
        legs = tuple(_conform(leg, names, tuple(c.type for c in types), alias) for leg in (left, right))
        union = UnionAll(inputs=legs, columns=names, alias=alias)
        return Distinct(input=union, columns=names, alias=alias) if query.args.get("distinct") else union

    def _select(self, select: exp.Select, ctes: Ctes, alias: str) -> Node:
        self._refuse_modifiers(select)
        source = self._from(select, ctes)
        if where := select.args.get("where"):
            source = Filter(input=source, predicates=self._conjuncts(where.this))
        if select.args.get("group") or has_aggregates(select):
            plan = AggregateBinder(select, source, self.reader, self.facts).bind(alias)
        else:
            if select.args.get("having"):
                raise Unsupported("HAVING without an aggregate")
            outputs = tuple(
                Output(name=name, expr=bind_expr(unaliased(node), self.facts))
                for name, node in zip(output_names(select), select.expressions, strict=True)
            )
            plan = Project(input=source, outputs=outputs, alias=alias)
        if distinct := select.args.get("distinct"):
            if distinct.args.get("on"):
                raise Unsupported("DISTINCT ON")
            plan = Distinct(input=plan, columns=tuple(output_names(select)), alias=alias)
        return plan

    def _refuse_modifiers(self, query: exp.Expr) -> None:
        for key, construct in _MODIFIERS.items():
            if query.args.get(key):
                raise Unsupported(construct)

    def _from(self, select: exp.Select, ctes: Ctes) -> Node:
        clause = select.args.get("from_") or select.args.get("from")
        if clause is None:
            raise Unsupported("a query without a table")
        inputs, predicates = self._with_joins(clause.this, select.args.get("joins") or [], select, ctes)
        if select.args.get("laterals"):
            raise Unsupported("LATERAL")
        return inputs[0] if len(inputs) == 1 else Join(inputs=tuple(inputs), predicates=tuple(predicates))

    def _with_joins(
        self, item: exp.Expr, joins: list[exp.Join], select: exp.Select, ctes: Ctes
    ) -> tuple[list[Node], list[Expr]]:
        """An item of FROM with the joins after it and inside it: ``(a JOIN b ON …)``, ``a JOIN b JOIN c ON … ON …``."""
        inner = item.args.get("joins") or []
        if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Table | exp.Subquery):
            if item.alias and item.this.args.get("joins"):
                raise Unsupported("a name for a join in parentheses")
            if not item.alias:
                inputs, predicates = self._with_joins(item.this, inner, select, ctes)
                inner = []
            else:
                inputs, predicates = [self._item(item, select, ctes)], []
        else:
            inputs, predicates = [self._item(item, select, ctes)], []
        for join in [*inner, *joins]:
            _refuse_join(join)
            others, conditions = self._with_joins(join.this, [], select, ctes)
            inputs.extend(others)
            predicates.extend(conditions)
            if condition := join.args.get("on"):
                predicates.extend(self._conjuncts(condition))
        return inputs, predicates

    def _item(self, item: exp.Expr, select: exp.Select, ctes: Ctes) -> Node:
        for key in ("pivots", "sample", "ordinality", "when", "changes"):
            if item.args.get(key):
                raise Unsupported({"pivots": "PIVOT", "sample": "TABLESAMPLE"}.get(key, key.upper()))
        if isinstance(item, exp.Subquery):
            if isinstance(item.args.get("alias"), exp.TableAlias) and item.args["alias"].columns:
                raise Unsupported("a subquery with a list of column names")
            return self.bind(item.this, ctes, item.alias_or_name)
        if not isinstance(item, exp.Table) or not isinstance(item.this, exp.Identifier):
            raise Unsupported(_FROM_ITEMS.get(type(item), "a table function"))
        if not item.db:
            inner = ctes.get(item.name.lower())
            if inner is None:
                raise Unsupported(f"the name {item.name}")
            return self.bind(inner.copy(), ctes, item.alias_or_name)
        return self._scan(item, select)

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

    def _conjuncts(self, condition: exp.Expr) -> tuple[Expr, ...]:
        condition = condition.unnest()
        parts = condition.flatten() if isinstance(condition, exp.And) else (condition,)
        return tuple(bind_expr(part, self.facts) for part in parts)


_FROM_ITEMS: dict[type[exp.Expr], str] = {exp.Lateral: "LATERAL", exp.Values: "VALUES", exp.Unnest: "UNNEST"}

_MODIFIERS = {
    "limit": "LIMIT",
    "offset": "OFFSET",
    "fetch": "FETCH FIRST",
    "qualify": "QUALIFY",
    "windows": "WINDOW",
    "sample": "USING SAMPLE",
    "pivots": "PIVOT",
    "into": "SELECT INTO",
    "connect": "CONNECT BY",
    "match": "MATCH_RECOGNIZE",
    "cluster": "CLUSTER BY",
    "distribute": "DISTRIBUTE BY",
    "sort": "SORT BY",
}


def _refuse_join(join: exp.Join) -> None:
    method, side, kind = (join.args.get(key) or "" for key in ("method", "side", "kind"))
    if method or side or kind.upper() not in ("", "INNER", "CROSS"):
        raise Unsupported(" ".join(word.upper() for word in (method, side, kind) if word) + " JOIN")
    if join.args.get("using"):
        raise Unsupported("JOIN USING over these inputs")


def _names(node: Node) -> tuple[str, ...]:
    match node:
        case Project():
            return tuple(output.name for output in node.outputs)
        case UnionAll() | Distinct():
            return node.columns
        case _:
            raise AssertionError(type(node).__name__)


def _conform(leg: Node, names: tuple[str, ...], types: tuple[str, ...], alias: str) -> Project:
    """A leg of a union under the union's column names and types."""
    assert isinstance(leg, Project | UnionAll | Distinct)
    outputs = []
    for own, name, type_ in zip(_names(leg), names, types, strict=True):
        expr = column(leg.alias, own)
        outputs.append(Output(name=name, expr=Expr(sql=f"CAST({expr.sql} AS {type_})", columns=expr.columns)))
    return Project(input=leg, outputs=tuple(outputs), alias=alias)


def _columns_query(query: exp.Union) -> str:
    """The union with the CTEs that it may use, for the engine to describe."""
    tree = query.copy()
    ancestor = query.parent
    while ancestor is not None:
        clause = ancestor.args.get("with_") or ancestor.args.get("with")
        if clause is not None:
            for cte in reversed(clause.expressions):
                tree = tree.with_(cte.alias, as_=cte.this.copy(), copy=False)
        ancestor = ancestor.parent
    return render(tree)
