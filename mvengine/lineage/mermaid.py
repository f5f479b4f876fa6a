"""Lineage as a Mermaid flowchart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mvengine.lineage.graph import Lineage, LineageNode

_SHAPES = {
    "table": ("[(", ")]"),
    "refreshable table": ("[(", ")]"),
    "materialized view": ("[", "]"),
    "view": ("([", "])"),
}


def render(lineage: Lineage) -> str:
    """``flowchart LR`` with a line per node and per edge. Nodes are numbered: their names may be any text."""
    numbers = {node.name: f"n{number}" for number, node in enumerate(lineage.nodes, 1)}
    lines = ["flowchart LR"]
    lines += [f"  {numbers[node.name]}{_box(node)}" for node in lineage.nodes]
    lines += [f"  {numbers[source]} --> {numbers[target]}" for source, target in lineage.edges]
    return "\n".join(lines) + "\n"


def _box(node: LineageNode) -> str:
    opening, closing = _SHAPES[node.kind]
    below = ", ".join(text for text in (node.kind, node.state, node.detail) if text)
    return f'{opening}"{_escaped(str(node.name))}<br/>{_escaped(below)}"{closing}'


def _escaped(text: str) -> str:
    """Mermaid reads ``#code;`` as a character; everything that it could take for its own is written so."""
    return "".join(char if char.isalnum() or char in " _-.,/" else f"#{ord(char)};" for char in text)
