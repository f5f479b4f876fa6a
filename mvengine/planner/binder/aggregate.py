"""GROUP BY and the aggregates of one SELECT → Aggregate."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from mvengine.planner.binder.names import unaliased
from mvengine.planner.binder.scalar import Unsupported, bind_call, bind_expr, refuse_nested, render
from mvengine.planner.binder.scopes import Names, column_node, seal
from mvengine.planner.delta.state import INEXACT_TYPES, INTEGER_TYPES
from mvengine.planner.emit.select import scope_of
from mvengine.planner.emit.select import select as emit_select
from mvengine.planner.logical import Aggregate, AggregateCall, AggregateFunction, Project
from mvengine.planner.node import Node
from mvengine.planner.reader import FunctionFacts, SchemaReader
from mvengine.planner.scalar import Expr, Output, column

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


def has_aggregates(select: exp.Select, facts: FunctionFacts) -> bool:
    """Whether the SELECT itself aggregates: windows and subqueries do so on their own account."""
    return any(True for _ in own_aggregates(select, select, facts))


def own_aggregates(tree: exp.Expr, select: exp.Select, facts: FunctionFacts) -> Iterator[exp.Expr]:
    """The aggregates of a SELECT in a part of it, with their FILTER, ORDER BY and the like."""
    for node in tree.find_all(exp.Func):
        if node.parent_select is select and is_aggregate(node, facts):
            whole: exp.Expr = node
            while isinstance(whole.parent, _AROUND) and whole.arg_key == "this":
                whole = whole.parent
            if not (isinstance(whole.parent, exp.Window) and whole.arg_key == "this"):
                yield whole


def before_groups(select: exp.Select, facts: FunctionFacts) -> list[exp.Expr]:
    """The parts of a SELECT that are computed before its groups: keys, and what aggregates are taken over."""
    group = select.args.get("group")
    return [*([group] if group else []), *own_aggregates(select, select, facts)]


_AROUND = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)
_NO_VALUES = (exp.Identifier, exp.Literal, exp.Query, exp.Order, exp.Ordered)


def is_aggregate(node: exp.Expr, facts: FunctionFacts) -> bool:
    """Whether a function is an aggregate, of those that the parser knows or of the engine's others."""
    if isinstance(node, exp.AggFunc):
        return True
    return isinstance(node, exp.Anonymous) and node.name.lower() in facts.aggregates


class AggregateBinder:
    """Collects the keys and the different aggregates; the select's tree names the groups' columns afterwards."""

    def __init__(
        self, select: exp.Select, source: Node, reader: SchemaReader, facts: FunctionFacts, names: Names
    ) -> None:
        self.select = select
        self.source = source
        self.reader = reader
        self.facts = facts
        self.names = names
        self.scope = names.fresh("groups")
        self.taken: set[str] = set()
        self.keys: dict[str, tuple[str, Expr]] = {}  # text of the expression -> (name, expression)
        self.calls: dict[str, tuple[str, AggregateFunction, Expr | None]] = {}

    def bind(self) -> Aggregate:
        nodes = self._key_nodes()
        if all(self._is_simple(call) for call in own_aggregates(self.select, self.select, self.facts)):
            for node in nodes:
                self._add_key(node, bind_expr(node, self.facts))
        else:
            self._seal(nodes)
        self.select.set("group", None)
        for clause in ("expressions", "having", "qualify", "order", "distinct"):
            found = self.select.args.get(clause)
            for node in list(found) if isinstance(found, list) else [found] if found else []:
                self._move(node)
        return self._aggregate()

    def _seal(self, nodes: list[exp.Expr]) -> None:
        """Makes the keys, and all that aggregates read, columns of one input: groups are computed from its rows."""
        wanted = [(self._key_name(node), bind_expr(node, self.facts)) for node in nodes]
        extra = [Output(name=self.names.fresh(name), expr=expr) for name, expr in wanted]
        self.source = seal(self.select, self.source, self.names.fresh("input"), extra)
        alias = scope_of(self.source)
        for node, output in zip(nodes, extra, strict=True):
            text = render(node)
            if text not in self.keys:
                self.keys[text] = (output.name, column(alias, output.name))
                self.taken.add(output.name.lower())

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
            keys = [node for node in nodes if not any(True for _ in own_aggregates(node, self.select, self.facts))]
            if not any(key.find(exp.Column) for key in keys):
                raise Unsupported("GROUP BY ALL without a column")
            return keys
        return list(group.expressions)

    def _add_key(self, node: exp.Expr, expr: Expr) -> None:
        if expr.sql not in self.keys:
            self.keys[expr.sql] = (self._name(self._key_name(node)), expr)

    def _key_name(self, node: exp.Expr) -> str:
        return self._output_name(node) or _column_name(node) or "key"

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

    def _move(self, tree: exp.Expr) -> None:
        """Puts columns of the groups in the place of keys and aggregates."""

        calls = {id(call) for call in own_aggregates(tree, self.select, self.facts)}

        def replaced(part: exp.Expr) -> exp.Expr:
            if id(part) in calls:
                name = part.parent.alias if isinstance(part.parent, exp.Alias) else None
                return column_node(self.scope, self._call(part, name))
            if isinstance(part, exp.Expr) and not isinstance(part, _NO_VALUES):
                found = self.keys.get(render(part))
                if found is not None:
                    return column_node(self.scope, found[0])
            return part

        moved = tree.transform(replaced, copy=False)
        if moved is not tree:
            tree.replace(moved)
        inner = {node.alias_or_name for node in moved.find_all(exp.Table, exp.Subquery, exp.Lateral, exp.CTE)}
        columns = [node for node in moved.find_all(exp.Column) if node.table not in inner]
        if stray := next((node for node in columns if node.table != self.scope), None):
            raise Unsupported(f"{stray.name}, which is neither grouped nor aggregated")

    def _call(self, node: exp.Expr, name: str | None) -> str:
        text = render(node)
        if text not in self.calls:
            function, argument = self._function(node) if self._is_simple(node) else self._general(node)
            self.calls[text] = (self._name(name or function.value.split("_")[0]), function, argument)
        return self.calls[text][0]

    def _general(self, node: exp.Expr) -> tuple[AggregateFunction, Expr]:
        return AggregateFunction.GENERAL, bind_call(node, self.facts)

    def _is_simple(self, node: exp.Expr) -> bool:
        """Whether a group's result follows from sums, counts and extrema."""
        if isinstance(node, exp.Filter):
            node = node.this
        is_plain = not any(value for name, value in node.args.items() if name not in ("this", "big_int"))
        return type(node) in _FUNCTIONS and is_plain and not isinstance(node.this, exp.Distinct)

    def _function(self, node: exp.Expr) -> tuple[AggregateFunction, Expr | None]:
        condition: exp.Expr | None = None
        if isinstance(node, exp.Filter):
            condition, node = node.expression.this, node.this
        function = _FUNCTIONS[type(node)]
        argument = node.this
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
            alias=self.scope,
        )

    def _argument_types(self) -> dict[str, str]:
        """The engine's types of the arguments: whether a sum is exact depends on them."""
        wanted = [
            (text, argument)
            for text, (_, function, argument) in self.calls.items()
            if argument is not None and function is not AggregateFunction.GENERAL  # a whole call, not an argument
        ]
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


def _column_name(node: exp.Expr) -> str | None:
    return node.name if isinstance(node, exp.Column) else None
