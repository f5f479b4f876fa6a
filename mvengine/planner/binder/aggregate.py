"""GROUP BY and the aggregates of one SELECT → Aggregate; several grouping sets → a union of them."""

from __future__ import annotations

from sqlglot import exp

from mvengine.planner.binder.aggregate_calls import function_of, own_aggregates, simplify_aggregates
from mvengine.planner.binder.grouping import (
    GroupingSet,
    Key,
    SetOfKeys,
    at_least_one,
    grouping_number,
    grouping_sets,
    union_of_sets,
)
from mvengine.planner.binder.names import unaliased
from mvengine.planner.binder.scalar import Unsupported, bind_call, bind_expr, render
from mvengine.planner.binder.scopes import Names, column_node, seal
from mvengine.planner.delta.state import INEXACT_TYPES, INTEGER_TYPES, WITHOUT_STATE
from mvengine.planner.emit.select import scope_of
from mvengine.planner.emit.select import select as emit_select
from mvengine.planner.logical import Aggregate, AggregateCall, AggregateFunction, Project
from mvengine.planner.node import Node
from mvengine.planner.reader import FunctionFacts, SchemaReader
from mvengine.planner.scalar import Expr, Output, column

_SUMS = frozenset(
    {
        AggregateFunction.SUM,
        AggregateFunction.AVG,
        AggregateFunction.SUM_DISTINCT,
        AggregateFunction.AVG_DISTINCT,
    }
)
_NO_VALUES = (exp.Identifier, exp.Literal, exp.Query, exp.Order, exp.Ordered)


class AggregateBinder:
    """Collects the keys and the different aggregates; the select's tree names the groups' columns afterwards."""

    def __init__(
        self,
        select: exp.Select,
        source: Node,
        reader: SchemaReader,
        facts: FunctionFacts,
        names: Names,
    ) -> None:
        self.select = select
        self.source = source
        self.reader = reader
        self.facts = facts
        self.names = names
        self.scope = names.fresh("groups")
        self.taken: set[str] = set()
        self.keys: dict[str, tuple[str, Expr]] = {}  # text of the expression -> (name, expression)
        self.calls: dict[str, AggregateCall] = {}
        self.numbers: dict[str, tuple[str, exp.Expr]] = {}  # text of GROUPING(…) -> (name, its tree)
        self.functions: dict[int, tuple[AggregateFunction, str]] = {}  # id of a call's tree -> (function, type)

    def bind(self) -> Node:
        simplify_aggregates(self.select, self.facts)
        sets = self._sets()
        is_plain = len(sets) == 1 and not any(self._is_grouping(node) for node in self.select.find_all(exp.Func))
        self.functions = self._functions()
        nodes = [node for found in sets for node in found]
        if is_plain and all(function not in WITHOUT_STATE for function, _ in self.functions.values()):
            for node in nodes:
                self._add_key(node, bind_expr(node, self.facts))
        else:
            self._seal(nodes)
        self.select.set("group", None)
        for clause in ("expressions", "having", "qualify", "order", "distinct"):
            found = self.select.args.get(clause)
            for node in list(found) if isinstance(found, list) else [found] if found else []:
                self._move(node)
        return self._aggregate() if is_plain else self._union(sets)

    def _sets(self) -> list[GroupingSet]:
        group = self.select.args.get("group")
        if group is None:
            return [()]
        if not group.args.get("all"):
            return grouping_sets(group)
        nodes = [unaliased(node) for node in self.select.expressions]
        return [tuple(node for node in nodes if node.find(exp.Column) and not self._aggregates(node))]

    def _aggregates(self, node: exp.Expr) -> bool:
        return any(True for _ in own_aggregates(node, self.select, self.facts))

    def _is_grouping(self, node: exp.Expr) -> bool:
        return isinstance(node, exp.Grouping | exp.GroupingId) and node.parent_select is self.select

    def _functions(self) -> dict[int, tuple[AggregateFunction, str]]:
        """What each aggregate is, and the engine's type of its argument: whether a sum has a state depends on it."""
        found = [(id(call), *function_of(call)) for call in own_aggregates(self.select, self.select, self.facts)]
        wanted = [
            (key, bind_expr(argument, self.facts))
            for key, function, argument in found
            if argument is not None and function is not AggregateFunction.GENERAL
        ]
        types = dict(zip((key for key, _ in wanted), self._types([expr for _, expr in wanted]), strict=True))
        return {key: (self._with_state(function, types.get(key, "")), types.get(key, "")) for key, function, _ in found}

    def _with_state(self, function: AggregateFunction, type_: str) -> AggregateFunction:
        """Averages of times and the like are the engine's own."""
        has_state = type_ in INTEGER_TYPES | INEXACT_TYPES or type_.startswith("DECIMAL")
        return function if has_state or function not in _SUMS else AggregateFunction.GENERAL

    def _types(self, exprs: list[Expr]) -> list[str]:
        if not exprs:
            return []
        outputs = tuple(Output(name=f"a{i}", expr=expr) for i, expr in enumerate(exprs))
        plan = Project(input=self.source, outputs=outputs, alias="a")
        return [described.type for described in self.reader.describe(emit_select(plan, weighted=False))]

    def _seal(self, nodes: list[exp.Expr]) -> None:
        """Makes the keys, and all that aggregates read, columns of one input: groups are computed from its rows."""
        different = list({render(node): node for node in nodes}.values())
        extra = {
            id(node): Output(name=self.names.fresh(self._key_name(node)), expr=bind_expr(node, self.facts))
            for node in different
            if not isinstance(node, exp.Column)
        }
        self.source = seal(self.select, self.source, self.names.fresh("input"), extra.values())
        alias = scope_of(self.source)
        for node in different:
            name = extra[id(node)].name if id(node) in extra else node.name
            self.keys[render(node)] = (name, column(alias, name))
            self.taken.add(name.lower())

    def _add_key(self, node: exp.Expr, expr: Expr) -> None:
        if expr.sql not in self.keys:
            self.keys[expr.sql] = (self._name(self._key_name(node)), expr)

    def _key_name(self, node: exp.Expr) -> str:
        return self._output_name(node) or (node.name if isinstance(node, exp.Column) else "key")

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
            name = part.parent.alias if isinstance(part.parent, exp.Alias) else None
            if id(part) in calls:
                return column_node(self.scope, self._call(part, name))
            if self._is_grouping(part):
                found = self.numbers.setdefault(render(part), (self._name(name or "grouping"), part))
                return column_node(self.scope, found[0])
            if isinstance(part, exp.Expr) and not isinstance(part, _NO_VALUES):
                key = self.keys.get(render(part))
                if key is not None:
                    return column_node(self.scope, key[0])
            return part

        moved = tree.transform(replaced, copy=False)
        if moved is not tree:
            tree.replace(moved)
        inner = {
            node.alias_or_name for node in moved.find_all(exp.Table, exp.Subquery, exp.Lateral, exp.Values, exp.CTE)
        }
        columns = [node for node in moved.find_all(exp.Column) if node.table not in inner]
        if stray := next((node for node in columns if node.table != self.scope), None):
            raise Unsupported(f"{stray.name}, which is neither grouped nor aggregated")

    def _call(self, node: exp.Expr, name: str | None) -> str:
        text = render(node)
        if text not in self.calls:
            function, type_ = self.functions[id(node)]
            argument: Expr | None
            if function is AggregateFunction.GENERAL:
                argument, stem = bind_call(node, self.facts), text.partition("(")[0].lower()
            else:
                tree = function_of(node)[1]
                argument = None if tree is None else bind_expr(tree, self.facts)
                stem = function.partition("_")[0]
            self.calls[text] = AggregateCall(
                name=self._name(name or stem), function=function, argument=argument, argument_type=type_
            )
        return self.calls[text].name

    def _aggregate(self) -> Aggregate:
        keys = tuple(Output(name=name, expr=expr) for name, expr in self.keys.values())
        calls = at_least_one(keys, tuple(self.calls.values()))
        return Aggregate(input=self.source, keys=keys, aggregates=calls, alias=self.scope)

    def _union(self, sets: list[GroupingSet]) -> Node:
        types = self._types([expr for _, expr in self.keys.values()])
        keys = [
            Key(name=name, expr=expr, type=type_) for (name, expr), type_ in zip(self.keys.values(), types, strict=True)
        ]
        found = []
        for nodes in sets:
            texts = frozenset(render(node) for node in nodes)
            numbers = tuple((name, grouping_number(call, texts)) for name, call in self.numbers.values())
            found.append(SetOfKeys(keys=frozenset(self.keys[text][0] for text in texts), numbers=numbers))
        return union_of_sets(self.source, keys, tuple(self.calls.values()), found, self.names, self.scope)
