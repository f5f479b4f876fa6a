"""Leaves: a table, a view, or an inner stage of the same view.

Δ(R) = ΔR            the captured change, weighted
R_old = R ⊎ −ΔR      no time travel is needed
"""

from __future__ import annotations

from dataclasses import replace

from mvengine.planner.logical import GroupRead, Scan, StageRead, Version


def delta(leaf: Scan | GroupRead | StageRead) -> Scan | GroupRead | StageRead:
    """The change of a leaf."""
    return replace(leaf, version=Version.DELTA)


def previous(leaf: Scan | GroupRead | StageRead) -> Scan | GroupRead | StageRead:
    """A leaf as it was before the change."""
    return replace(leaf, version=Version.PREVIOUS)
