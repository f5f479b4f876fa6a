"""``Filter(Join(R, S; p), q)  =>  Join(R, S; p AND q)``: for inner joins, WHERE and ON say the same."""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.logical import Filter, Join
from mvengine.planner.node import Node


def filter_into_join(node: Node) -> Node | None:
    """``Filter(Join(R, S; p), q)  =>  Join(R, S; p AND q)``"""
    match node:
        case Filter(input=Join() as join):
            return replace(join, predicates=(*join.predicates, *node.predicates))
        case _:
            return None
