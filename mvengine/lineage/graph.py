"""The graph of tables and views as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from mvengine.errors import UnknownRelation
from mvengine.lineage import mermaid, svg, tree
from mvengine.schema import Name


class NodeKind(StrEnum):
    """What a node of the graph is; the texts are those that people read."""

    TABLE = "table"
    REFRESHABLE = "refreshable table"
    MATERIALIZED_VIEW = "materialized view"
    VIEW = "view"


@dataclass(frozen=True, kw_only=True)
class LineageNode:
    """A table or view. ``state`` is None where nothing can happen to it: for plain tables and views.

    A materialized view is ``fresh``, ``stale``, ``suspended``, ``wrong`` or ``building``; a refreshable table ``idle``,
    ``refreshing``, ``finishing``, ``failed`` (its latest refresh) or ``building``. ``detail`` is a view's strategy, or
    where a table's rows come from; empty for others.
    """

    name: Name
    kind: NodeKind
    state: str | None
    detail: str

    def __str__(self) -> str:
        known = ", ".join(text for text in (self.kind, self.state, self.detail) if text)
        return f"{self.name} ({known})"


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Tables and views, each after what it reads. An edge goes from what is read to the view that reads it.

    Notebooks draw it; ``to_mermaid()`` and ``to_svg()`` are for documents, ``to_text()`` is for terminals.

    >>> print(con.lineage())
    revenue (materialized view, fresh, algebraic)
    ├── customers (table)
    └── orders (refreshable table, idle, ...orders-*.csv (posix_fs, CSV))
    <BLANKLINE>
    """

    nodes: tuple[LineageNode, ...]
    edges: tuple[tuple[Name, Name], ...]

    @classmethod
    def of(cls, nodes: Iterable[LineageNode], edges: Iterable[tuple[Name, Name]]) -> Lineage:
        """A graph of these, in order: by depth, then as they are given. Edges to and from others are left out."""
        known = {node.name: node for node in nodes}
        kept = tuple(dict.fromkeys(edge for edge in edges if edge[0] in known and edge[1] in known))
        depths = _depths(known, kept)
        return cls(nodes=tuple(sorted(known.values(), key=lambda node: depths[node.name])), edges=kept)

    @cached_property
    def depths(self) -> Mapping[Name, int]:
        """How many views the longest way from a table takes; 0 for what reads nothing."""
        return _depths({node.name: node for node in self.nodes}, self.edges)

    def node(self, name: Name | str) -> LineageNode:
        """The node of a name; a text is ``name`` or ``schema.name``. Errors: UnknownRelation."""
        wanted = name if isinstance(name, Name) else None
        found = [node for node in self.nodes if node.name == wanted or str(node.name).lower() == str(name).lower()]
        if not found:
            raise UnknownRelation(f"there is no table or view {name}", hint="lineage() names those that there are")
        return found[0]

    def inputs(self, name: Name) -> tuple[LineageNode, ...]:
        """What a view reads."""
        return self._named(source for source, target in self.edges if target == name)

    def readers(self, name: Name) -> tuple[LineageNode, ...]:
        """The views that read a table or view."""
        return self._named(target for source, target in self.edges if source == name)

    @property
    def ends(self) -> tuple[LineageNode, ...]:
        """What nobody reads."""
        read = {source for source, _ in self.edges}
        return tuple(node for node in self.nodes if node.name not in read)

    def around(self, name: Name | str) -> Lineage:
        """The part that a table or view follows from, and what follows from it. Errors: UnknownRelation."""
        centre = self.node(name).name
        forwards, backwards = {centre}, {centre}
        for node in self.nodes:  # each stands after what it reads
            if any(source in forwards and target == node.name for source, target in self.edges):
                forwards.add(node.name)
        for node in reversed(self.nodes):
            if any(target in backwards and source == node.name for source, target in self.edges):
                backwards.add(node.name)
        nodes = [node for node in self.nodes if node.name in forwards | backwards]
        edges = [edge for edge in self.edges if set(edge) <= forwards or set(edge) <= backwards]
        return Lineage.of(nodes, edges)

    def to_text(self) -> str:
        """A tree for each view or table that nobody reads, with what it reads below it; lines end in newlines."""
        return tree.render(self)

    def to_mermaid(self) -> str:
        """A Mermaid flowchart, for documents that draw such."""
        return mermaid.render(self)

    def to_svg(self) -> str:
        """An SVG image, from left to right."""
        return svg.render(self)

    def _repr_html_(self) -> str:
        return self.to_svg()

    def __str__(self) -> str:
        return self.to_text()

    def _named(self, names: Iterable[Name]) -> tuple[LineageNode, ...]:
        wanted = set(names)
        return tuple(node for node in self.nodes if node.name in wanted)


def _depths(nodes: Mapping[Name, LineageNode], edges: Sequence[tuple[Name, Name]]) -> dict[Name, int]:
    """Kahn's algorithm. Only plain views can be in a cycle: DuckDB lets one be replaced so that it reads itself."""
    inputs = {name: {source for source, target in edges if target == name} for name in nodes}
    depths: dict[Name, int] = {}
    while len(depths) < len(nodes):
        waiting = [name for name in nodes if name not in depths]
        ready = [name for name in waiting if inputs[name] <= depths.keys()]
        for name in ready or waiting[:1]:
            depths[name] = max((depths[source] + 1 for source in inputs[name] & depths.keys()), default=0)
    return depths
