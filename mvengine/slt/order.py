"""How answers and expected lines are put in order, hashed, and laid out one value or one row a line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, groupby
from typing import TypeVar

from mvengine.slt.settings import Sort

Rows = list[tuple[str, ...]]
_Row = TypeVar("_Row")

HASH = re.compile(r"(\d+)\s+values?\s+hashing\s+to\s+([0-9A-Fa-f]{32})")


def sort_rows(
    rows: list[_Row], sort: Sort, columns: Sequence[int], cells: Callable[[_Row], Sequence[str]]
) -> list[_Row]:
    """Rows in the order of a sort mode. ``partialsort`` sorts those among each other that come one after the other and
    agree in ``columns``; without columns it is ``rowsort``. ``cells`` are a row's, in which rows are compared."""
    if sort is Sort.NONE:
        return rows

    def key(row: _Row) -> tuple[str, ...]:
        return tuple(cells(row))

    if sort is Sort.PARTIAL and columns:
        runs = groupby(rows, lambda row: [key(row)[at] for at in columns if at < len(key(row))])
        return [row for _, run in runs for row in sorted(run, key=key)]
    return sorted(rows, key=key)


def sorted_values(rows: Rows, sort: Sort, columns: Sequence[int] = ()) -> Rows:
    """The rows in order; under ``valuesort`` every value is a row."""
    if sort is Sort.NONE:
        return rows
    if sort is Sort.VALUES:
        return sorted((value,) for value in chain.from_iterable(rows))
    return sort_rows(rows, sort, columns, lambda row: row)


def digest(rows: Iterable[Iterable[str]]) -> str:
    """The MD5 hash of all values, each followed by a newline, as in SQLite's sqllogictest and sqllogictest-rs."""
    text = "".join(f"{value}\n" for row in rows for value in row)
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def hash_line(rows: Rows) -> str:
    """``30 values hashing to 3c13dee48d9356ae19af2515e05e6b54``."""
    return f"{sum(map(len, rows))} values hashing to {digest(rows)}"


def is_hash(lines: Sequence[str]) -> bool:
    return len(lines) == 1 and "hashing" in lines[0] and HASH.fullmatch(lines[0].strip()) is not None


def collapse(text: str) -> str:
    """With white space as single blanks, and none around: so sqllogictest-rs compares lines."""
    return " ".join(text.split())


def split_cells(line: str, columns_count: int) -> tuple[str, ...] | None:
    """A row's values: parted by tabs, or else by white space; None if there are not as many."""
    cells = tuple(line.split("\t")) if "\t" in line else ()
    if len(cells) != columns_count:
        cells = (line,) if columns_count == 1 else tuple(line.split())
    return cells if len(cells) == columns_count else None
