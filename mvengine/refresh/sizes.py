"""How large tables are, about: to choose a way by. Asked once, and again when much has changed since."""

from __future__ import annotations

from dataclasses import dataclass, field

from mvengine.engines.base import Engine
from mvengine.schema import quote

GROWN = 0.5
"""A table is counted again when so many of its rows, as a share, have changed."""


@dataclass
class _Known:
    rows: int
    distinct: dict[str, int | None] = field(default_factory=dict)
    changed: int = 0  # rows, since it was counted


class Sizes:
    """What is known of tables, by their SQL name."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def rows(self, engine: Engine, storage: str) -> int:
        """The rows of a table."""
        return self._of(engine, storage).rows

    def distinct(self, engine: Engine, storage: str, column: str) -> int | None:
        """The different values of a column, as the engine estimates them; None where it does not."""
        known = self._of(engine, storage)
        if column not in known.distinct:
            known.distinct[column] = _approximate(engine, storage, column)
        return known.distinct[column]

    def note(self, storage: str, rows: int) -> None:
        """So many rows of a table have changed."""
        if (known := self._known.get(storage)) is not None:
            known.changed += rows
            if known.changed > GROWN * known.rows:
                del self._known[storage]

    def _of(self, engine: Engine, storage: str) -> _Known:
        if storage not in self._known:
            self._known[storage] = _Known(int(engine.query(f"SELECT count(*) FROM {storage}")[0][0]))
        return self._known[storage]


def _approximate(engine: Engine, storage: str, column: str) -> int | None:
    found = engine.query(f"SELECT stats({quote(column)}) FROM {storage} LIMIT 1")
    known = found[0][0] if found else None
    distinct = known.get("approx_unique") if isinstance(known, dict) else None
    return max(int(distinct), 1) if distinct is not None else None
