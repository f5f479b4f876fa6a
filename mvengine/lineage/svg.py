"""Lineage as an SVG image: a column for each depth, tables on the left.

Sugiyama's method with one sweep: layers are longest paths, and within one, nodes and the edges that pass it are ordered
by the mean place of where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mvengine.lineage.graph import Lineage, LineageNode
    from mvengine.schema import Name

_CHARACTER, _WIDE, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN, _LANE = 7.4, 15.0, 44.0, 56.0, 16.0, 8.0, 20.0  # pixels
_TEXT_MAX = 48  # characters of a line
_FILLS = {"table": "#e8eef7", "refreshable table": "#d6e8d4", "materialized view": "#fdf0cf", "view": "#f3f3f3"}
_BAD = frozenset({"suspended", "wrong", "failed"})
_UNSETTLED = frozenset({"stale", "building", "refreshing", "finishing"})


Edge = tuple["Name", "Name"]


@dataclass(frozen=True, kw_only=True)
class _Box:
    """Where a node is drawn, in pixels."""

    node: LineageNode
    x: float
    y: float
    width: float


@dataclass(kw_only=True)
class _Layout:
    """Filled column by column. ``passages``: where an edge runs level, and how high, per column that it passes."""

    boxes: dict[Name, _Box]
    passages: dict[Edge, list[tuple[float, float, float]]]
    height: float

    def exit(self, edge: Edge) -> tuple[float, float]:
        """Where an edge leaves the last column that it has reached."""
        if edge in self.passages:
            return self.passages[edge][-1][1:]
        box = self.boxes[edge[0]]
        return box.x + box.width, box.y + _HEIGHT / 2


def render(lineage: Lineage) -> str:
    """One ``<svg>`` element, which needs no style sheet and no script."""
    layout = _laid_out(lineage)
    boxes = layout.boxes.values()
    width = max((box.x + box.width for box in boxes), default=0.0) + _MARGIN
    height = layout.height + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="monospace" font-size="12" aria-label="lineage">',
        *(_edge(layout, edge) for edge in lineage.edges),
        *(_drawn(box) for box in boxes),
        "</svg>",
    ]
    return "\n".join(parts)


def _laid_out(lineage: Lineage) -> _Layout:
    """Column by column. An edge that passes a column has a row of its own there, so that it runs behind no box."""
    layout = _Layout(boxes={}, passages={}, height=0.0)
    x = _MARGIN
    for depth in range(max(lineage.depths.values(), default=-1) + 1):
        nodes = [node for node in lineage.nodes if lineage.depths[node.name] == depth]
        width = max(_width(line) for node in nodes for line in _lines(node)) + 2 * _MARGIN
        passing = [e for e in lineage.edges if lineage.depths[e[0]] < depth < lineage.depths[e[1]]]
        rows: list[tuple[float, LineageNode | Edge]] = [(layout.exit(edge)[1], edge) for edge in passing]
        for node in nodes:
            entries = [layout.exit((read.name, node.name))[1] for read in lineage.inputs(node.name)]
            rows.append((_mean(entries), node))
        y = _MARGIN
        for _, item in sorted(rows, key=lambda row: row[0]):
            if isinstance(item, tuple):
                layout.passages.setdefault(item, []).append((x, x + width, y + _LANE / 2))
                y += _LANE
            else:
                layout.boxes[item.name] = _Box(node=item, x=x, y=y, width=width)
                y += _HEIGHT + _GAP_Y
        layout.height = max(layout.height, y - _GAP_Y)
        x += width + _GAP_X
    return layout


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _lines(node: LineageNode) -> tuple[str, str]:
    known = " · ".join(text for text in (node.state, node.detail) if text)
    return _cut(str(node.name)), _cut(known or node.kind)


def _cut(text: str) -> str:
    """Of a long path, both ends say the most."""
    if len(text) <= _TEXT_MAX:
        return text
    return f"{text[: _TEXT_MAX // 2]}…{text[-_TEXT_MAX // 2 + 1 :]}"


def _width(text: str) -> float:
    """Characters beyond Latin and Greek may be twice as wide."""
    return sum(_CHARACTER if ord(char) < 0x1100 else _WIDE for char in text)


def _drawn(box: _Box) -> str:
    name, known = _lines(box.node)
    state = box.node.state
    stroke = "#b3261e" if state in _BAD else "#b07c00" if state in _UNSETTLED else "#5f6b7a"
    return (
        f"<g><title>{escape(str(box.node))}</title>"
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{_HEIGHT:.0f}" rx="6" '
        f'fill="{_FILLS[box.node.kind]}" stroke="{stroke}" stroke-width="1.5"/>'
        f'<text x="{box.x + _MARGIN:.1f}" y="{box.y + 18:.1f}" fill="#111" font-weight="bold">{escape(name)}</text>'
        f'<text x="{box.x + _MARGIN:.1f}" y="{box.y + 35:.1f}" fill="#444">{escape(known)}</text></g>'
    )


def _edge(layout: _Layout, edge: Edge) -> str:
    """A curve from box to box, straight where it passes a column; and its head."""
    source, target = layout.boxes[edge[0]], layout.boxes[edge[1]]
    x, y = source.x + source.width, source.y + _HEIGHT / 2
    path = f"M{x:.1f},{y:.1f}"
    for left, right, lane in layout.passages.get(edge, ()):
        path += f" {_curve(x, y, left, lane)} H{right:.1f}"
        x, y = right, lane
    tip, middle = target.x, target.y + _HEIGHT / 2
    path += f" {_curve(x, y, tip - 6, middle)}"
    return (
        f'<path d="{path}" fill="none" stroke="#8a94a3" stroke-width="1.5"/>'
        f'<path d="M{tip:.1f},{middle:.1f} l-7,-4 v8 z" fill="#8a94a3"/>'
    )


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    bend = (x2 - x1) / 2
    return f"C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
