"""Results: their columns and rows, and the part of one that is shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from mvengine.schema import Column, Columns

ROWS_COUNTED_MAX = 5_000_000  # of a longer result it is only said that there are more; counting takes seconds
BATCH_ROWS = 1_000

Row = tuple[Any, ...]


class Result(Protocol):
    """What of a connection the shell reads after ``execute``."""

    @property
    def description(self) -> Sequence[tuple[Any, ...]] | None: ...

    @property
    def rowcount(self) -> int: ...

    def fetchmany(self, size: int = ..., /) -> list[Any]: ...


@dataclass(frozen=True, kw_only=True)
class Page:
    """``head`` and ``tail`` of a result of ``rows`` rows; where not ``is_whole``, it has more than these."""

    columns: Columns
    head: tuple[Row, ...]
    tail: tuple[Row, ...]
    rows: int
    is_whole: bool

    @property
    def footer(self) -> str:
        """``3 rows``, ``900 rows (40 shown)`` or ``more than 5,000,000 rows (first 40 shown)``."""
        shown = len(self.head) + len(self.tail)
        if not self.is_whole:
            return f"more than {self.rows:,} rows (first {shown} shown)"
        count = f"{self.rows:,} {'row' if self.rows == 1 else 'rows'}"
        return count if shown == self.rows else f"{count} ({shown} shown)"


def columns_of(result: Result) -> Columns:
    """Names and types of the result's columns; none for a statement without a result."""
    return tuple(Column(name=str(entry[0]), type=str(entry[1]).strip('"')) for entry in result.description or ())


def rows_of(result: Result) -> Iterator[Row]:
    """All rows, fetched in batches."""
    while batch := result.fetchmany(BATCH_ROWS):
        yield from batch


def read_page(columns: Columns, rows_left: Iterator[Row], *, rows_max: int) -> Page:
    """The page of a result: all rows up to ``rows_max``; of a longer one that many of the first and the last.

    The rows between are counted and forgotten.
    """
    head = list(islice(rows_left, rows_max + 1))
    if len(head) <= rows_max:
        return Page(columns=columns, head=tuple(head), tail=(), rows=len(head), is_whole=True)
    half = rows_max // 2
    tail = deque(head[half:], maxlen=half)
    count = len(head)
    for row in islice(rows_left, ROWS_COUNTED_MAX - count + 1):
        tail.append(row)
        count += 1
    if count > ROWS_COUNTED_MAX:
        return Page(columns=columns, head=tuple(head[:rows_max]), tail=(), rows=ROWS_COUNTED_MAX, is_whole=False)
    return Page(columns=columns, head=tuple(head[: rows_max - half]), tail=tuple(tail), rows=count, is_whole=True)
