"""What an engine is to the rest: something that runs SQL in transactions, and says what it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Parameters = Sequence[Any] | Mapping[str, Any] | None
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What an engine offers. A refresh is arranged by it, never by the engine's name."""

    has_multi_table_transactions: bool  # else a refresh publishes by recording each table's version in meta
    has_row_ids: bool  # rows can be addressed within a transaction
    has_temporary_tables: bool


class Engine(Protocol):
    """One session on an engine. Errors are those of ``mvengine.errors``."""

    capabilities: Capabilities

    def query(self, sql: str, parameters: Parameters = None) -> Rows:
        """Runs one statement to its end and returns its rows (the count for a write)."""
        ...

    def begin(self) -> None: ...

    def commit(self) -> None:
        """Raises where the transaction has failed: never returns from a transaction that was rolled back."""
        ...

    def rollback(self) -> None:
        """Ends the transaction if there is one."""
        ...
