"""What a statement came to, and how that differs from what was expected, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Described(Protocol):
    """What has PEP 249's description of columns: a cursor, or ``Columns``."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """A description that is there already: a name and a type for each column."""

    description: Sequence[Sequence[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a statement returned: its rows as Python values, and what describes their columns.

    The description is looked at where it is needed, and before the next statement: DuckDB takes a twentieth of the time
    of a small query to make it.
    """

    source: Described
    rows: Sequence[Sequence[object]]

    @property
    def description(self) -> Sequence[Sequence[Any]]:
        return self.source.description or ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(column[0]) for column in self.description)

    @property
    def types(self) -> tuple[str, ...]:
        """The columns' types as texts (``DECIMAL(5,2)``)."""
        return tuple(str(column[1]) for column in self.description)

    @property
    def rows_affected(self) -> int:
        """The count that DuckDB returns for DML and COPY, else the number of rows (RETURNING, SELECT)."""
        if len(self.rows) == 1 and len(self.rows[0]) == 1 and self.names == ("Count",):
            count = self.rows[0][0]
            return count if isinstance(count, int) else 1
        return len(self.rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """What was expected and what came, as texts to lay side by side, and in a word what is wrong.

    ``lines`` are what would have to stand under ``----``; None where that is not what is wrong. ``types`` are the
    letters that would have to stand behind ``query``, where these are wrong.
    """

    reason: str
    expected: str
    actual: str
    lines: tuple[str, ...] | None = None
    types: str = ""
