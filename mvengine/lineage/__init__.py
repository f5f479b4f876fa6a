"""Lineage: which tables and views there are, what follows from what, and how each of them is."""

from mvengine.lineage.graph import Lineage, LineageNode, NodeKind
from mvengine.lineage.read import read_lineage

__all__ = ["Lineage", "LineageNode", "NodeKind", "read_lineage"]
