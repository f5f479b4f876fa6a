"""GROUP BY, aggregates and HAVING of one SELECT → Project(Filter(Aggregate))."""

from __future__ import annotations

from sqlglot import exp

from mvengine.planner.binder.names import output_names, unaliased
from mvengine.planner.binder.scalar import Unsupported, bind_expr, refuse_nested, render
from mvengine.planner.delta.state import INEXACT_TYPES, INTEGER_TYPES
from mvengine.planner.emit.select import select as emit_select
from mvengine.planner.logical import Aggregate, AggregateCall, AggregateFunction, Filter, Project
from mvengine.planner.node import Node
from mvengine.planner.reader import FunctionFacts, SchemaReader
from mvengine.planner.scalar import Expr, Output

SCOPE = "groups"

_GROUPINGS: dict[type[exp.Expr], str] = {
    exp.Rollup: "ROLLUP",
    exp.Cube: "CUBE",
    exp.GroupingSets: "GROUPING SETS",
}

_FUNCTIONS: dict[type[exp.Expr], AggregateFunction] = {
    exp.Count: AggregateFunction.COUNT,
    exp.Sum: AggregateFunction.SUM,
    exp.Avg: AggregateFunction.AVG,
    exp.Min: AggregateFunction.MIN,
    exp.Max: AggregateFunction.MAX,
}


def has_aggregates(select: exp.Select) -> bool:
    """Whether the SELECT itself aggregates: windows and subqueries do so on their own account."""
    clauses = [*select.expressions, select.args.get("having")]
    return any(_own_aggregate(clause) for clause in clauses if clause is not None)


def _own_aggregate(clause: exp.Expr) -> bool:
    for aggregate in clause.find_all(exp.AggFunc):
        ancestor = aggregate.find_ancestor(exp.Window, exp.Query)
        if not isinstance(ancestor, exp.Window):
            return True
    return False


class AggregateBinder:
    """Collects the keys and the different aggregates, then rewrites outputs and HAVING over them."""

    def __init__(self, select: exp.Select, source: Node, reader: SchemaReader, facts: FunctionFacts) -> None:
        self.select = select
        self.source = source
        self.reader = reader
        self.facts = facts
        self.taken: set[str] = set()
        self.keys: dict[str, tuple[str, Expr]] = {}  # text of the expression -> (name, expression)
        self.calls: dict[str, tuple[str, AggregateFunction, Expr | None]] = {}

    def bind(self, alias: str) -> Node:
        names = output_names(self.select)
        for key in self._key_nodes():
            self._add_key(key)
        outputs = tuple(
            Output(name=name, expr=self._over_groups(unaliased(node), name))
            for name, node in zip(names, self.select.expressions, strict=True)
        )
        having = self.select.args.get("having")
        predicates = self._having(having.this) if having else ()
        plan: Node = self._aggregate()
        if predicates:
            plan = Filter(input=plan, predicates=predicates)
        return Project(input=plan, outputs=outputs, alias=alias)

    def _key_nodes(self) -> list[exp.Expr]:
        group = self.select.args.get("group")
        if group is None:
            return []
        for key, construct in (("grouping_sets", "GROUPING SETS"), ("rollup", "ROLLUP"), ("cube", "CUBE")):
            if group.args.get(key):
                raise Unsupported(construct)
        for node in group.expressions:
            if isinstance(node, exp.Tuple) and not node.expressions:
                raise Unsupported("GROUP BY ()")
            if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets):
                raise Unsupported(_GROUPINGS[type(node)])
        if group.args.get("all"):
            nodes = [unaliased(node) for node in self.select.expressions]
            keys = [node for node in nodes if not _own_aggregate(node)]
            if not any(key.find(exp.Column) for key in keys):
                raise Unsupported("GROUP BY ALL without a column")
            return keys
        return list(group.expressions)

    def _add_key(self, node: exp.Expr) -> None:
        expr = bind_expr(node, self.facts)
        if expr.sql not in self.keys:
            self.keys[expr.sql] = (self._name(self._output_name(node) or _column_name(node) or "key"), expr)

    def _output_name(self, node: exp.Expr) -> str | None:
        for output in self.select.expressions:
            if unaliased(output) == node:
                return str(output.alias_or_name) or None
        return None

    def _name(self, wanted: str) -> str:
        candidate, number = wanted, 1
        while candidate.lower() in self.taken:
            number += 1
            candidate = f"{wanted}_{number}"
        self.taken.add(candidate.lower())
        return candidate

    def _having(self, condition: exp.Expr) -> tuple[Expr, ...]:
        condition = condition.unnest()
        parts = condition.flatten() if isinstance(condition, exp.And) else (condition,)
        return tuple(self._over_groups(part, None) for part in parts)

    def _over_groups(self, node: exp.Expr, name: str | None) -> Expr:
        """The expression with keys and aggregates replaced by columns of the groups."""

        def replaced(part: exp.Expr) -> exp.Expr:
            if isinstance(part, exp.Window):
                raise Unsupported("a window function")
            if isinstance(part, exp.Query):
                raise Unsupported("a subquery in an expression")
            if isinstance(part, exp.AggFunc | exp.Filter):
                return _column(self._call(part, name if part is node else None))
            if isinstance(part, exp.Expr) and not isinstance(part, exp.Identifier | exp.Literal):
                found = self.keys.get(render(part))
                if found is not None:
                    return _column(found[0])
            return part

        node = node.copy()
        name = name if isinstance(node, exp.AggFunc | exp.Filter) else None
        over = node.transform(replaced, copy=False)
        expr = bind_expr(over, self.facts)
        if stray := next((ref for ref in expr.columns if ref.relation != SCOPE), None):
            raise Unsupported(f"{stray.name}, which is neither grouped nor aggregated")
        return expr

    def _call(self, node: exp.Expr, name: str | None) -> str:
        text = render(node)
        if text not in self.calls:
            function, argument = self._function(node)
            self.calls[text] = (self._name(name or function.value.split("_")[0]), function, argument)
        return self.calls[text][0]

    def _function(self, node: exp.Expr) -> tuple[AggregateFunction, Expr | None]:
        condition: exp.Expr | None = None
        if isinstance(node, exp.Filter):
            condition, node = node.expression.this, node.this
        function = _FUNCTIONS.get(type(node))
        if function is None:
            raise Unsupported(
                f"the aggregate {(node.sql_name() if isinstance(node, exp.Func) else node.key).lower()}()"
            )
        if any(value for name, value in node.args.items() if name not in ("this", "big_int")):
            raise Unsupported(f"{function.value}() of several arguments")
        argument = node.this
        if isinstance(argument, exp.Distinct):
            raise Unsupported(f"{function.value}(DISTINCT …)")
        if isinstance(argument, exp.Order):
            argument = argument.this  # the order of rows changes no sum, count or extremum
        if argument is None or isinstance(argument, exp.Star):
            if condition is None:
                return AggregateFunction.COUNT_STAR, None
            argument = exp.Literal.number(1)
        refuse_nested(argument)
        if condition is not None:
            argument = exp.Case(ifs=[exp.If(this=condition.copy(), true=argument.copy())])
        return function, bind_expr(argument, self.facts)

    def _aggregate(self) -> Aggregate:
        types = self._argument_types()
        return Aggregate(
            input=self.source,
            keys=tuple(Output(name=name, expr=expr) for name, expr in self.keys.values()),
            aggregates=tuple(
                AggregateCall(name=name, function=function, argument=argument, argument_type=types.get(text, ""))
                for text, (name, function, argument) in self.calls.items()
            ),
            alias=SCOPE,
        )

    def _argument_types(self) -> dict[str, str]:
        """The engine's types of the arguments: whether a sum is exact depends on them."""
        wanted = [(text, argument) for text, (_, _, argument) in self.calls.items() if argument is not None]
        if not wanted:
            return {}
        outputs = tuple(Output(name=f"a{i}", expr=argument) for i, (_, argument) in enumerate(wanted))
        columns = self.reader.describe(
            emit_select(Project(input=self.source, outputs=outputs, alias="a"), weighted=False)
        )
        types = {text: described.type for (text, _), described in zip(wanted, columns, strict=True)}
        for text, (_, function, _argument) in self.calls.items():
            if function in (AggregateFunction.SUM, AggregateFunction.AVG):
                _check_sum_type(function, types[text])
        return types


def _check_sum_type(function: AggregateFunction, type_: str) -> None:
    if type_ not in INEXACT_TYPES and type_ not in INTEGER_TYPES and not type_.startswith("DECIMAL"):
        raise Unsupported(f"{function.value}() of {type_}")


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=SCOPE)


def _column_name(node: exp.Expr) -> str | None:
    return node.name if isinstance(node, exp.Column) else None
