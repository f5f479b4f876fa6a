"""Results as DuckDB draws them: a box that fits the terminal, types below the names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import pairwise

from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from mvengine.repl.formats.look import Look
from mvengine.repl.result import Page, Row, read_page
from mvengine.repl.values import NULL, escape, is_number, show, text_of
from mvengine.schema import Column, Columns

ROWS_MAX = 40  # what is drawn where nothing else is said, as in DuckDB
WIDTH = 80
WIDTH_MIN = 8  # cells; a column is not squeezed below this, nor its name below NAME_MAX, rather left out
NAME_MAX = 18
DOTS = 3  # lines of dots that stand for the rows that are left out
CHARACTERS_MAX = 10_000  # of a value; no screen is wider
_FRAME = 3  # cells that a column's padding and border take


def render(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """The lines of the table, with what is known about the rows and columns that are left out below it."""
    rows_max = ROWS_MAX if look.rows_max is None else look.rows_max
    page = read_page(columns, rows, rows_max=rows_max)
    console = look.console or Console(file=StringIO(), width=WIDTH, color_system=None)
    width = console.width if look.width is None else look.width
    with console.capture() as capture:
        for part in drawn(page, width=width, null=look.null_or(NULL), has_types=look.has_types):
            console.print(part, width=width, crop=False, no_wrap=True, overflow="ignore")
    yield from capture.get().splitlines()


def drawn(page: Page, *, width: int, null: str = NULL, has_types: bool = True) -> tuple[Table, Text]:
    """The table and what is said below it, at most ``width`` cells wide: wide columns are squeezed first, then columns
    of the middle left out."""
    head, tail = ([_texts(row, page.columns, null) for row in rows] for rows in (page.head, page.tail))
    natural = [
        _natural_width(column, [row[i] for row in (*head, *tail)], has_types=has_types)
        for i, column in enumerate(page.columns)
    ]
    floors = [_floor(column, cells) for column, cells in zip(page.columns, natural, strict=True)]
    kept, widths = fit(natural, floors, width=width)
    gap = next((at for at, (a, b) in enumerate(pairwise(kept), start=1) if b > a + 1), None)

    table = Table(box=box.ROUNDED)
    for position, (index, cells) in enumerate(zip(kept, widths, strict=True)):
        if position == gap:
            table.add_column("…", width=1)
        _add_column(table, page.columns[index], cells, has_types=has_types)
    for row in head:
        table.add_row(*_cells(row, kept, gap))
    if tail:
        dots = [Text("·", style="dim", justify="center")] * (len(kept) + (gap is not None))
        for _ in range(DOTS):
            table.add_row(*dots)
        for row in tail:
            table.add_row(*_cells(row, kept, gap))
    return table, Text(_footer(page, len(kept)), style="dim")


def fit(natural: Sequence[int], floors: Sequence[int], *, width: int) -> tuple[list[int], list[int]]:
    """Which columns (indices) are shown, and how many cells each has, so that the table is at most ``width`` wide.

    ``natural`` are the widths of the contents, ``floors`` those below which a column is rather left out.

    >>> fit([5, 50, 5], [5, 8, 5], width=40)
    ([0, 1, 2], [5, 20, 5])
    """
    kept = list(range(len(natural)))
    while len(kept) > 1 and _table_width([floors[i] for i in kept], len(kept) < len(natural)) > width:
        del kept[len(kept) // 2]
    room = width - _table_width([0] * len(kept), len(kept) < len(natural))
    return kept, _share([natural[i] for i in kept], [floors[i] for i in kept], room)


def _share(natural: Sequence[int], floors: Sequence[int], room: int) -> list[int]:
    """The widths, cut to one common maximum (but not below the floors) where their sum exceeds ``room``."""
    for most in range(room, 0, -1):
        widths = [max(floor, min(cells, most)) for cells, floor in zip(natural, floors, strict=True)]
        if sum(widths) <= room:
            return widths
    return [max(1, room)] * len(natural)  # a single column, and not even its floor fits


def _table_width(cells: Sequence[int], has_gap: bool) -> int:
    return 1 + sum(each + _FRAME for each in cells) + (1 + _FRAME if has_gap else 0)


def _natural_width(column: Column, cells: Sequence[Text], *, has_types: bool) -> int:
    header = [column.name, column.type] if has_types else [column.name]
    return max(cell_len(line) for line in (*header, *(cell.plain for cell in cells)))


def _floor(column: Column, natural: int) -> int:
    return max(min(natural, WIDTH_MIN), min(cell_len(column.name), NAME_MAX))


def _footer(page: Page, columns_shown: int) -> str:
    if columns_shown == len(page.columns):
        return page.footer
    return f"{page.footer}, {len(page.columns)} columns ({columns_shown} shown)"


def _add_column(table: Table, column: Column, cells: int, *, has_types: bool) -> None:
    header = Text(_on_one_line(escape(column.name)), style="bold")
    if has_types:
        header.append("\n").append(column.type.lower(), style="not bold dim")
    side: JustifyMethod = "right" if is_number(column.type) else "left"
    table.add_column(header, width=cells, no_wrap=True, overflow="ellipsis", justify=side)


def _texts(row: Row, columns: Columns, null: str) -> list[Text]:
    """The cells of a row, each on one line; a NULL is dimmed."""
    cells = []
    for value, column in zip(row, columns, strict=True):
        text = _on_one_line(show(value, text_of(column.type), null=null))
        cells.append(Text(text[:CHARACTERS_MAX], style="dim italic" if value is None else ""))
    return cells


def _on_one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def _cells(row: Sequence[Text], kept: Sequence[int], gap: int | None) -> list[Text]:
    cells = [row[index] for index in kept]
    if gap is not None:
        cells.insert(gap, Text("…", style="dim"))
    return cells
