"""Conditions by which a table remembers what RisingWave's CREATE TABLE says of its writes; they always hold."""

from __future__ import annotations

APPEND_ONLY = "append only"
IGNORE_CONFLICTS = "on conflict ignore"


def rule(name: str) -> str:
    """The table's constraint that stands for a rule."""
    return f"CHECK ('{name}' IS NOT NULL)"
