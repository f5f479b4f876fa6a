"""Cuts a view's plan at the operators that need state, each of which becomes a stage with a table of its own.

    Join(Aggregate(R), S)  =>  stage 1: γ over R;  stage 2: rows of GroupRead(stage 1) ⋈ S

Between stages there are only linear operators, so a stage's change is a sum of terms. Where nothing but projections and
filters (HAVING) stand above the last Aggregate, they are computed on reading: all groups are kept, and a group that
fails HAVING today is there when it passes tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mvengine.planner.delta.recursion import is_linear, reads_recursion
from mvengine.planner.delta.state import WITHOUT_STATE, argument_name, call_sql
from mvengine.planner.delta.tail import has_order, tail_of
from mvengine.planner.delta.visible import is_chain_over_state, rename_storage, top_read, under_chain
from mvengine.planner.emit.select import columns_of, scope_of, select
from mvengine.planner.logical import (
    Aggregate,
    AggregateCall,
    Argument,
    BagRead,
    BagStage,
    FullStage,
    GroupRead,
    GroupStage,
    Limit,
    Maintenance,
    Match,
    MatchStage,
    Materialize,
    Opaque,
    PartitionStage,
    Project,
    Recursion,
    RecursiveStage,
    StageRead,
    TopRead,
    TopStage,
    Version,
    Window,
)
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output, column
from mvengine.planner.tail import TailStage
from mvengine.planner.twins import telling, twins_of
from mvengine.schema import Column, Columns, quote

Describe = Callable[[str], Columns]
"""Names and types of a query's columns, as the engine tells them."""


def maintenance_plan(view: Materialize, describe: Describe) -> Materialize:
    """The same root over a Maintenance plan instead of a logical one."""
    names = tuple(c.name for c in view.columns)
    twins = twins_of(view.columns)
    if isinstance(view.input, Opaque):
        stage = FullStage(
            name=str(view.relation),
            storage=view.storage,
            query=view.input.query,
            columns=names,
            twins=twins,
            relations=view.input.relations,
            is_tracked=view.input.is_tracked,
        )
        visible: Node = BagRead(storage=view.storage, columns=names, alias="v")
        return view.with_children((Maintenance(stages=(stage,), visible=visible, twins=twins),))
    cutter = _Cutter(view, describe)
    plan = cutter.cut_view(view.input)
    if is_chain_over_state(plan):
        cutter.name_last(view)
        visible = rename_storage(plan, cutter.stages[-1])
    else:
        bag = BagStage(input=plan, name=str(view.relation), storage=view.storage, columns=names, twins=twins)
        cutter.stages.append(bag)
        visible = BagRead(storage=view.storage, columns=names, alias="v")
    return view.with_children((Maintenance(stages=tuple(cutter.stages), visible=visible, twins=twins),))


Operator = Aggregate | Window | Match | Limit | Recursion
"""What becomes a stage."""


class _Cutter:
    """Collects the stages of one view, inputs first. Equal operators are one stage: it is computed once per refresh."""

    def __init__(self, view: Materialize, describe: Describe) -> None:
        self.view = view
        self._describe = describe
        self.stages: list[Node] = []
        self._known: dict[Node, Node] = {}

    def cut_view(self, node: Node) -> Node:
        """The whole plan. A limit over rows that are stored anyway is left where it is: it is computed on reading."""
        match node:
            case Project():
                return node.with_children((self.cut_view(node.input),))
            case Limit():
                rows = self.cut(node.input)
                is_stored = is_chain_over_state(rows) and not isinstance(under_chain(rows), TopRead)
                cut = replace(node, input=rows, order_by=self._order(node))
                return cut if is_stored else self._top(cut, node)
            case _:
                return self.cut(node)

    def cut(self, node: Node) -> Node:
        """The plan with every operator that is not linear replaced by the read of its stage."""
        if isinstance(node, Recursion):
            return self._known_or_read(replace(node, base=self.cut(node.base), step=self._cut_step(node.step)), node)
        children = tuple(self.cut(child) for child in node.children)
        cut = node.with_children(children) if children else node
        if isinstance(cut, Limit) and isinstance(node, Limit):
            return self._known_or_read(replace(cut, order_by=self._order(node)), node)
        return self._known_or_read(cut, node) if isinstance(node, Aggregate | Window | Match) else cut

    def _cut_step(self, node: Node) -> Node:
        """A recursion's step: what reads its rows stays in it."""
        if not reads_recursion(node):
            return self.cut(node)
        return node.with_children(tuple(self._cut_step(child) for child in node.children)) if node.children else node

    def _known_or_read(self, node: Node, whole: Operator) -> GroupRead | StageRead:
        """``node`` is the operator over reads of stages; ``whole`` is it as the query has it."""
        assert isinstance(node, Operator)
        body = replace(node, alias="")  # the same operator under another name is the same
        read = self._known.get(body) or self._read(node, whole)
        self._known[body] = read
        assert isinstance(read, GroupRead | StageRead)
        return replace(read, alias=node.alias)

    def _read(self, node: Operator, whole: Operator) -> GroupRead | StageRead:
        match node:
            case Match():
                assert isinstance(whole, Match)
                return self._match(node, whole)
            case Window():
                return self._window(node, whole)
            case Limit():
                return self._top(node, whole)
            case Recursion():
                return self._recursive(node, whole)
            case Aggregate():
                is_general = any(call.function in WITHOUT_STATE for call in node.aggregates)
                return self._general(node, whole) if is_general else self._group(node, whole)

    def _twins(self, whole: Node) -> Columns:
        """The columns of a plan whose equal values may differ."""
        if not columns_of(whole):
            return ()
        described = self._describe(select(whole, weighted=False))
        named = zip(columns_of(whole), described, strict=True)
        return twins_of(tuple(Column(name=name, type=column.type) for name, column in named))

    def _order(self, limit: Limit) -> tuple[str, ...]:
        """The order of a limit, in which twins do not tie: whoever reads it finds the same rows."""
        return (*limit.order_by, *(telling(column) for column in self._twins(limit)))

    def name_last(self, view: Materialize) -> None:
        """Gives the last stage the view's own name and storage."""
        last = self.stages[-1]
        assert isinstance(last, GroupStage | PartitionStage | TopStage | RecursiveStage | TailStage)
        self.stages[-1] = replace(last, name=str(view.relation), storage=view.storage)

    def _name(self) -> tuple[str, str]:
        """Name and storage of the next stage."""
        name = f"{self.view.relation}#{len(self.stages) + 1}"
        schema, _, _ = self.view.storage.partition(".")
        return name, f"{schema}.{quote(name)}"

    def _match(self, node: Match, whole: Match) -> StageRead:
        name, _ = self._name()
        columns = columns_of(node)
        twins, left, right = (self._twins(part) for part in (whole, whole.left, whole.right))
        self.stages.append(
            MatchStage(input=node, name=name, columns=columns, twins=twins, left_twins=left, right_twins=right)
        )
        return StageRead(stage=name, rows=node, columns=columns, alias=node.alias, version=Version.CURRENT)

    def _top(self, node: Limit, whole: Node) -> StageRead:
        name, storage = self._name()
        columns = columns_of(node)
        stage = TopStage(
            input=node.input,
            name=name,
            storage=storage,
            columns=columns,
            twins=self._twins(whole),
            order_by=node.order_by,
            limit=node.limit,
            offset=node.offset,
        )
        self.stages.append(stage)
        rows = top_read(stage, node.alias)
        return StageRead(stage=name, rows=rows, columns=columns, alias=node.alias, version=Version.CURRENT)

    def _recursive(self, node: Recursion, whole: Node) -> StageRead:
        name, storage = self._name()
        stage = RecursiveStage(
            input=node,
            name=name,
            storage=storage,
            columns=node.columns,
            twins=self._twins(whole),
            is_linear=is_linear(node.step),
        )
        self.stages.append(stage)
        rows = BagRead(storage=storage, columns=node.columns, alias=node.alias)
        return StageRead(stage=name, rows=rows, columns=node.columns, alias=node.alias, version=Version.CURRENT)

    def _window(self, node: Window, whole: Node) -> StageRead:
        alias = scope_of(node.input)
        if not node.partition_by and (stage := self._tail(node, whole)) is not None:
            self.stages.append(stage)
            rows = BagRead(storage=stage.storage, columns=stage.columns, alias=node.alias)
            return StageRead(
                stage=stage.name, rows=rows, columns=stage.columns, alias=node.alias, version=Version.CURRENT
            )
        passed = tuple(Output(name=name, expr=column(alias, name)) for name in columns_of(node.input))
        outputs = (*passed, *node.calls)
        return self._partition(node.input, node.partition_by, outputs, node.alias, self._twins(whole), is_grouped=False)

    def _tail(self, node: Window, whole: Node) -> TailStage | None:
        """The stage of window functions that look backwards only."""
        described = self._describe(select(whole, weighted=False))
        types = {name: column.type for name, column in zip(columns_of(whole), described, strict=True)}
        tail = tail_of(node.calls, types)
        if tail is None or not all(has_order(types[ref.name]) for ref in tail.first.columns if ref.name in types):
            return None
        name, storage = self._name()
        alias = scope_of(node.input)
        return TailStage(
            input=node.input,
            name=name,
            storage=storage,
            passed=tuple(Output(name=name, expr=column(alias, name)) for name in columns_of(node.input)),
            calls=tail.calls,
            first=tail.first,
            is_descending=tail.is_descending,
            reach=tail.reach,
            twins=self._twins(whole),
        )

    def _general(self, node: Aggregate, whole: Node) -> StageRead:
        """Groups whose results are computed from their rows. The binder has made the keys columns of the input."""
        assert all(key.expr.is_column for key in node.keys), node
        keys = tuple(key.expr.columns[0].name for key in node.keys)
        calls = tuple(
            Output(
                name=call.name, expr=Expr(sql=call_sql(call), columns=call.argument.columns if call.argument else ())
            )
            for call in node.aggregates
        )
        return self._partition(node.input, keys, (*node.keys, *calls), node.alias, self._twins(whole), is_grouped=True)

    def _partition(
        self,
        source: Node,
        keys: tuple[str, ...],
        outputs: tuple[Output, ...],
        alias: str,
        twins: Columns,
        *,
        is_grouped: bool,
    ) -> StageRead:
        name, storage = self._name()
        columns = tuple(output.name for output in outputs)
        stage = PartitionStage(
            input=source,
            name=name,
            storage=storage,
            keys=keys,
            outputs=outputs,
            is_grouped=is_grouped,
            twins=twins,
        )
        self.stages.append(stage)
        rows = BagRead(storage=storage, columns=columns, alias=alias)
        return StageRead(stage=name, rows=rows, columns=columns, alias=alias, version=Version.CURRENT)

    def _group(self, node: Aggregate, whole: Node) -> GroupRead:
        name, storage = self._name()
        keys = tuple(key.name for key in node.keys)
        arguments, outputs, calls = _arguments(node)
        stage = GroupStage(
            input=Project(input=node.input, outputs=(*node.keys, *outputs), alias="input"),
            name=name,
            storage=storage,
            keys=keys,
            twins=tuple(column for column in self._twins(whole) if column.name in keys),
            arguments=arguments,
            aggregates=calls,
            exact_floats=self.view.exact_floats,
        )
        self.stages.append(stage)
        return GroupRead(
            stage=name,
            storage=storage,
            keys=stage.keys,
            arguments=arguments,
            aggregates=calls,
            alias=node.alias,
            version=Version.CURRENT,
        )


def _arguments(node: Aggregate) -> tuple[tuple[Argument, ...], tuple[Output, ...], tuple[AggregateCall, ...]]:
    """Each different argument once, under a name of its own, and the calls over those names."""

    index: dict[str, Argument] = {}
    outputs: list[Output] = []
    calls: list[AggregateCall] = []
    for call in node.aggregates:
        if call.argument is None:
            calls.append(call)
            continue
        argument = index.get(call.argument.sql)
        if argument is None:
            argument = Argument(name=argument_name(len(index) + 1), type=call.argument_type)
            index[call.argument.sql] = argument
            outputs.append(Output(name=argument.name, expr=call.argument))
        calls.append(replace(call, argument=column("input", argument.name)))
    return tuple(index.values()), tuple(outputs), tuple(calls)
