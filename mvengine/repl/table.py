"""A page of a result as a table that fits the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich import box
from rich.cells import cell_len
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from mvengine.repl.result import Page, Row
from mvengine.repl.values import is_number, show
from mvengine.schema import Column

WIDTH_MIN = 8  # cells; a column is not squeezed below this, nor its name below NAME_MAX, rather left out
NAME_MAX = 18
_FRAME = 3  # cells that a column's padding and border take


def render(page: Page, *, width: int) -> Table:
    """The table at most ``width`` cells wide: wide columns are squeezed first, then columns of the middle left out."""
    natural = [_natural_width(column, index, page) for index, column in enumerate(page.columns)]
    floors = [_floor(column, cells) for column, cells in zip(page.columns, natural, strict=True)]
    kept, widths = fit(natural, floors, width=width)
    gap = next((at for at, (a, b) in enumerate(pairwise(kept), start=1) if b > a + 1), None)

    table = Table(box=box.ROUNDED, caption=_caption(page, len(kept)), caption_justify="left", caption_style="dim")
    for position, (index, cells) in enumerate(zip(kept, widths, strict=True)):
        if position == gap:
            table.add_column("…", width=1)
        _add_column(table, page.columns[index], cells)
    for row in page.head:
        table.add_row(*_cells(row, kept, gap))
    if page.tail:
        dots = [Text("·", style="dim", justify="center")] * (len(kept) + (gap is not None))
        table.add_row(*dots)
        for row in page.tail:
            table.add_row(*_cells(row, kept, gap))
    return table


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


def _natural_width(column: Column, index: int, page: Page) -> int:
    lines = [column.name, column.type]
    for row in (*page.head, *page.tail):
        lines.extend(show(row[index]).split("\n"))
    return max(cell_len(line) for line in lines)


def _floor(column: Column, natural: int) -> int:
    return max(min(natural, WIDTH_MIN), min(cell_len(column.name), NAME_MAX))


def _caption(page: Page, columns_shown: int) -> str:
    if columns_shown == len(page.columns):
        return page.footer
    return f"{page.footer}, {len(page.columns)} columns ({columns_shown} shown)"


def _add_column(table: Table, column: Column, cells: int) -> None:
    header = Text.assemble((column.name, "bold"), "\n", (column.type.lower(), "dim"))
    side: JustifyMethod = "right" if is_number(column.type) else "left"
    table.add_column(header, width=cells, no_wrap=True, overflow="ellipsis", justify=side)


def _cells(row: Row, kept: Sequence[int], gap: int | None) -> list[Text]:
    cells = [Text(show(row[index]), style="dim italic" if row[index] is None else "") for index in kept]
    if gap is not None:
        cells.insert(gap, Text("…", style="dim"))
    return cells
