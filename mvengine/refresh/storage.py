"""Where a relation's own rows are kept: the names of its tables in the engine's schema."""

from __future__ import annotations

from mvengine.schema import Name, quote

_STATE = "mv_state"


def storage_name(name: Name, suffix: str = "") -> str:
    """The quoted name of a relation's own table in the engine's schema."""
    return f"{_STATE}.{quote(str(name) + suffix)}"


def table_of(storage: str) -> str:
    """The quoted name of such a table without its schema, as RENAME TO wants it."""
    return storage.partition(".")[2]
