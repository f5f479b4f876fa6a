"""Lineage as trees of text, for terminals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mvengine.lineage.graph import Lineage, LineageNode
    from mvengine.schema import Name


def render(lineage: Lineage) -> str:
    """A tree for each node that nobody reads. What has stood before is not unfolded again: ``…`` stands for it."""
    shown: set[Name] = set()
    lines: list[str] = []
    for node in (*lineage.ends, *lineage.nodes):  # all nodes: views that read themselves have no end
        if node.name not in shown:
            lines.extend(_lines(lineage, node, "", "", shown))
    return "".join(f"{line}\n" for line in lines)


def _lines(lineage: Lineage, node: LineageNode, first: str, rest: str, shown: set[Name]) -> Iterator[str]:
    inputs = lineage.inputs(node.name)
    is_repeated = node.name in shown and bool(inputs)
    yield f"{first}{node}{' …' if is_repeated else ''}"
    if is_repeated:
        return
    shown.add(node.name)
    for below in inputs:
        is_last = below is inputs[-1]
        branch, stem = ("└── ", "    ") if is_last else ("├── ", "│   ")
        yield from _lines(lineage, below, rest + branch, rest + stem, shown)
