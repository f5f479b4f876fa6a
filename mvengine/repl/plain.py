"""A result as aligned text, for files and pipes: every row, nothing cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest

from rich.cells import cell_len

from mvengine.repl.result import Row
from mvengine.repl.values import is_number, show
from mvengine.schema import Columns

ROWS_MEASURED = 1_000  # the widths come from these, so that any number of rows is printed in bounded memory
WIDTH_MAX = 60  # cells that a column is padded to; longer values stick out


def render(columns: Columns, rows: Iterator[Row]) -> Iterator[str]:
    """The lines of the text: names, a rule, the rows, and how many there were."""
    first = list(islice(rows, ROWS_MEASURED))
    right = [is_number(column.type) for column in columns]
    widths = [_width(column.name, [row[index] for row in first]) for index, column in enumerate(columns)]

    yield _line([column.name for column in columns], widths, right)
    yield "-+-".join("-" * width for width in widths)
    count = 0
    for count, row in enumerate(chain(first, rows), start=1):  # noqa: B007 - the last one is the number of rows
        cells = [show(value).split("\n") for value in row]
        for line in zip_longest(*cells, fillvalue=""):
            yield _line(line, widths, right)
    yield f"({count} {'row' if count == 1 else 'rows'})"


def _width(name: str, values: Sequence[object]) -> int:
    lines = chain([name], *(show(value).split("\n") for value in values))
    return min(WIDTH_MAX, max(cell_len(line) for line in lines))


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        " " * (width - cell_len(cell)) + cell if is_right else cell + " " * (width - cell_len(cell))
        for cell, width, is_right in zip(cells, widths, right, strict=True)
    )
    return " | ".join(padded).rstrip()
