"""The stage of window functions that have no partitions and look backwards only: rows before the first changed one in
their order keep what was computed for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr, Output
from mvengine.schema import Columns


class Carrying(StrEnum):
    """How the result over all rows follows from that over the last of them, and from the carried one of the others."""

    OWN = "own"  # no row further back matters than those that are read again
    ADD = "add"  # counts, sums and numbers of rows
    LEAST = "least"
    GREATEST = "greatest"


@dataclass(frozen=True, kw_only=True)
class TailCall:
    """A window function: ``call`` as the query has it, and ``carried``, an aggregate over the rows before (not of OWN).
    ``type`` is its result's."""

    name: str
    call: Expr
    carrying: Carrying
    carried: str | None
    type: str


@dataclass(frozen=True, kw_only=True)
class TailStage(Node):
    """Rows with window functions over all of them, stored. Every order begins with ``first``, read from its least value
    on, or where ``is_descending`` from its greatest.

    ``passed`` are the columns of the input, under their names; the calls may read ``reach`` rows before their own
    beside what is carried. ``twins`` are columns whose equal values may differ (see twins.py).
    """

    input: Node
    name: str
    storage: str
    passed: tuple[Output, ...]
    calls: tuple[TailCall, ...]
    first: Expr
    is_descending: bool
    reach: int
    twins: Columns

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what is stored."""
        return (*(output.name for output in self.passed), *(call.name for call in self.calls))
