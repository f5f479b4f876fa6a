"""Cuts a view's plan at the operators that need state, each of which becomes a stage with a table of its own.

    Join(Aggregate(R), S)  =>  stage 1: γ over R;  stage 2: rows of GroupRead(stage 1) ⋈ S

Between stages there are only linear operators, so a stage's change is a sum of terms. Where nothing but projections and
filters (HAVING) stand above the last Aggregate, they are computed on reading: all groups are kept, and a group that
fails HAVING today is there when it passes tomorrow.
"""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.delta.state import argument_name
from mvengine.planner.logical import (
    Aggregate,
    AggregateCall,
    Argument,
    BagRead,
    BagStage,
    Filter,
    FullStage,
    GroupRead,
    GroupStage,
    Maintenance,
    Materialize,
    Opaque,
    Project,
    Version,
)
from mvengine.planner.node import Node
from mvengine.planner.scalar import Output, column
from mvengine.schema import quote


def maintenance_plan(view: Materialize) -> Materialize:
    """The same root over a Maintenance plan instead of a logical one."""
    names = tuple(c.name for c in view.columns)
    if isinstance(view.input, Opaque):
        stage = FullStage(
            name=str(view.relation),
            storage=view.storage,
            query=view.input.query,
            columns=names,
            relations=view.input.relations,
            is_tracked=view.input.is_tracked,
        )
        visible: Node = BagRead(storage=view.storage, columns=names, alias="v")
        return view.with_children((Maintenance(stages=(stage,), visible=visible),))
    cutter = _Cutter(view)
    plan = cutter.cut(view.input)
    if _is_chain_over_group(plan):
        cutter.name_last(view)
        visible = _rename_storage(plan, cutter.stages[-1])
    else:
        bag = BagStage(input=plan, name=str(view.relation), storage=view.storage, columns=names)
        cutter.stages.append(bag)
        visible = BagRead(storage=view.storage, columns=names, alias="v")
    return view.with_children((Maintenance(stages=tuple(cutter.stages), visible=visible),))


def _is_chain_over_group(plan: Node) -> bool:
    while isinstance(plan, Project | Filter):
        plan = plan.input
    return isinstance(plan, GroupRead)


def _rename_storage(plan: Node, stage: Node) -> Node:
    """The visible chain over the last stage, which took the view's own storage."""
    assert isinstance(stage, GroupStage)
    if isinstance(plan, GroupRead):
        return replace(plan, stage=stage.name, storage=stage.storage)
    return plan.with_children(tuple(_rename_storage(child, stage) for child in plan.children))


class _Cutter:
    """Collects the stages of one view, inputs first."""

    def __init__(self, view: Materialize) -> None:
        self.view = view
        self.stages: list[Node] = []

    def cut(self, node: Node) -> Node:
        """The plan with every Aggregate replaced by the read of its stage."""
        children = tuple(self.cut(child) for child in node.children)
        node = node.with_children(children) if children else node
        return self._group(node) if isinstance(node, Aggregate) else node

    def name_last(self, view: Materialize) -> None:
        """Gives the last stage the view's own name and storage."""

        last = self.stages[-1]
        assert isinstance(last, GroupStage)
        self.stages[-1] = replace(last, name=str(view.relation), storage=view.storage)

    def _group(self, node: Aggregate) -> GroupRead:
        number = len(self.stages) + 1
        name = f"{self.view.relation}#{number}"
        schema, _, _ = self.view.storage.partition(".")
        storage = f"{schema}.{quote(name)}"
        arguments, outputs, calls = _arguments(node)
        stage = GroupStage(
            input=Project(input=node.input, outputs=(*node.keys, *outputs), alias="input"),
            name=name,
            storage=storage,
            keys=tuple(key.name for key in node.keys),
            arguments=arguments,
            aggregates=calls,
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
