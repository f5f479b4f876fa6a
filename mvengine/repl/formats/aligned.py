"""Results as aligned columns: plain, in boxes, as Markdown. Every row, nothing cut."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from rich.cells import cell_len

from mvengine.repl.formats.look import Look
from mvengine.repl.result import Row
from mvengine.repl.values import NULL, escape, is_number, show, text_of
from mvengine.schema import Columns

ROWS_MEASURED = 1_000  # the widths come from these, so that any number of rows is printed in bounded memory
WIDTH_MAX = 60  # cells that a column of ``aligned`` is padded to; longer values stick out


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The lines around and between rows; each is its left end, its filling, its joint, and its right end."""

    top: str
    header: str
    bottom: str
    left: str
    between: str
    right: str


BOX = Rules(top="┌─┬┐", header="├─┼┤", bottom="└─┴┘", left="│ ", between=" │ ", right=" │")
TABLE = Rules(top="+-++", header="+-++", bottom="+-++", left="| ", between=" | ", right=" |")


def render(columns: Columns, rows: Iterator[Row], look: Look | None = None) -> Iterator[str]:
    """Names, a rule, the rows, and how many there were."""
    look = look or Look()
    grid = _Grid(columns, rows, look, width_max=WIDTH_MAX)
    if look.has_header:
        yield " | ".join(grid.padded(grid.names)).rstrip()
        yield "-+-".join("-" * width for width in grid.widths)
    count = 0
    for count, cells in enumerate(grid.rows(), start=1):  # noqa: B007 - the last one is the number of rows
        for line in zip_longest(*(cell.split("\n") for cell in cells), fillvalue=""):
            yield " | ".join(grid.padded(line)).rstrip()
    if look.has_header:
        yield f"({count} {'row' if count == 1 else 'rows'})"


def framed(rules: Rules) -> Callable[[Columns, Iterator[Row], Look], Iterator[str]]:
    """The format that draws such rules."""

    def render_framed(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
        grid = _Grid(columns, rows, look)

        def line(cells: Sequence[str]) -> str:
            return rules.left + rules.between.join(grid.padded(cells)) + rules.right

        yield _rule(rules.top, grid.widths)
        if look.has_header:
            yield line(grid.names)
            yield _rule(rules.header, grid.widths)
        for cells in grid.rows():
            for part in zip_longest(*(cell.split("\n") for cell in cells), fillvalue=""):
                yield line(part)
        yield _rule(rules.bottom, grid.widths)

    return render_framed


def markdown(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """A table of Markdown, numbers to the right."""
    grid = _Grid(columns, rows, look, width_min=len("--:"), escaped=_in_markdown)
    rules = ("-" * (width - is_right) + ":" * is_right for width, is_right in zip(grid.widths, grid.right, strict=True))
    for cells in chain([grid.padded(grid.names), rules], map(grid.padded, grid.rows())):
        yield "| " + " | ".join(cells) + " |"


class _Grid:
    """The cells of a result as text, and how wide its columns are."""

    def __init__(
        self,
        columns: Columns,
        rows: Iterator[Row],
        look: Look,
        *,
        width_min: int = 1,
        width_max: int = sys.maxsize,
        escaped: Callable[[str], str] = str,
    ) -> None:
        self._escaped = escaped
        self.names = [escaped(escape(column.name)) for column in columns]
        self.right = [is_number(column.type) for column in columns]
        self._writers = [text_of(column.type) for column in columns]
        self._null = look.null_or(NULL)
        self._first = list(map(self._texts, islice(rows, ROWS_MEASURED)))
        self._rest = rows
        shown = [self.names] if look.has_header else []
        texts = [[row[index] for row in (*shown, *self._first)] for index in range(len(columns))]
        self.widths = [max(width_min, min(width_max, _width(cells))) for cells in texts]

    def rows(self) -> Iterator[list[str]]:
        """The texts of all rows."""
        return chain(self._first, map(self._texts, self._rest))

    def padded(self, cells: Sequence[str]) -> Iterator[str]:
        """Cells of a line, each as wide as its column."""
        for cell, width, is_right in zip(cells, self.widths, self.right, strict=True):
            spaces = " " * (width - cell_len(cell))
            yield spaces + cell if is_right else cell + spaces

    def _texts(self, row: Row) -> list[str]:
        cells = zip(row, self._writers, strict=True)
        return [self._escaped(show(value, write, null=self._null)) for value, write in cells]


def _width(cells: Sequence[str]) -> int:
    return max((cell_len(line) for cell in cells for line in cell.split("\n")), default=0)


def _rule(characters: str, widths: Sequence[int]) -> str:
    left, line, joint, right = list(characters)
    return left + joint.join(line * (width + 2) for width in widths) + right


def _in_markdown(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")
