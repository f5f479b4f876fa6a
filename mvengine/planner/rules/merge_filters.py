"""``Filter(Filter(R, p), q)  =>  Filter(R, p AND q)``"""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.logical import Filter
from mvengine.planner.node import Node


def merge_filters(node: Node) -> Node | None:
    """``Filter(Filter(R, p), q)  =>  Filter(R, p AND q)``"""
    match node:
        case Filter(input=Filter() as inner):
            return replace(inner, predicates=(*inner.predicates, *node.predicates))
        case _:
            return None
