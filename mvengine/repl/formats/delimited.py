"""Results for other programs, a line for each row: CSV, tabs, bars. Nothing is escaped for a screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from mvengine.repl.formats.look import Look
from mvengine.repl.result import Row
from mvengine.repl.values import NULL, text_of
from mvengine.schema import Columns

_QUOTED_IN_CSV = re.compile(r'[",\r\n]|^\s|\s$')


def csv(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """CSV as RFC 4180 has it, but with LF at line ends. NULL is nothing, an empty text is ``""``."""
    yield from _lines(columns, rows, look, write=_csv_cell, separator=",", null="")


def tabs(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    r"""A tab between values, as PostgreSQL's COPY has it: ``\t``, ``\n``, ``\\`` within values, ``\N`` for NULL."""
    yield from _lines(columns, rows, look, write=_tab_cell, separator="\t", null="\\N")


def bars(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """A bar between values that stand as they are."""
    yield from _lines(columns, rows, look, write=str, separator="|", null=NULL)


def _lines(
    columns: Columns, rows: Iterator[Row], look: Look, *, write: Callable[[str], str], separator: str, null: str
) -> Iterator[str]:
    null = look.null_or(null)
    writers = [text_of(column.type) for column in columns]

    def line(cells: Sequence[str | None]) -> str:
        return separator.join(null if cell is None else write(cell) for cell in cells)

    if look.has_header:
        yield line([column.name for column in columns])
    for row in rows:
        yield line([None if value is None else text(value) for value, text in zip(row, writers, strict=True)])


def _csv_cell(text: str) -> str:
    if text and _QUOTED_IN_CSV.search(text) is None:
        return text
    return '"' + text.replace('"', '""') + '"'


def _tab_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
