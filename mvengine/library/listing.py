"""Values of one class as a tuple that reads as a table: in a terminal, in a notebook, as a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")

_CELL_MAX = 60  # characters of a cell in a terminal


class Listing(tuple[T, ...]):
    """A tuple of dataclass values, shown with a column for each of their fields; ``df()`` makes it a DataFrame.

    >>> con.verify()
    view     rows  missing  unexpected  milliseconds  verdict  reason
    -------  ----  -------  ----------  ------------  -------  ------
    revenue  2     0        0           ...  equal
    """

    __slots__ = ()

    @property
    def columns(self) -> list[str]:
        """The names of the fields; none of an empty listing."""
        return [field.name for field in fields(self[0])] if self else []  # type: ignore[arg-type]  # dataclasses, by contract

    def df(self) -> pandas.DataFrame:
        """As a pandas DataFrame, a row per value."""
        import pandas

        return pandas.DataFrame([_cells(item) for item in self], columns=self.columns or None)

    def __repr__(self) -> str:
        return text_table(self.columns, [_cells(item) for item in self]) if self else "(none)"

    def _repr_html_(self) -> str:
        return html_table(self.columns, [_cells(item) for item in self]) if self else "<p>(none)</p>"


class Text(str):
    """A text of several lines that notebooks and prompts show as it is, without quotes and escapes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self)}</pre>"


def text_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], null: str = "") -> str:
    """Left-aligned columns with two blanks between them; long cells are cut, ``null`` stands for None."""
    cells = [list(columns), *([_shown(value, null) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def html_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], note: str = "") -> str:
    """A ``<table>``; NULL is dimmed, numbers are to the right, ``note`` stands below."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in rows)
    below = f"<p>{escape(note)}</p>" if note else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _html_cell(value: Any) -> str:
    if value is None:
        return '<td style="opacity:0.5">NULL</td>'
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    align = "right" if is_number or type(value).__name__ == "Decimal" else "left"
    return f'<td style="text-align:{align};white-space:pre-wrap">{escape(str(value))}</td>'


def _shown(value: Any, null: str) -> str:
    text = " ".join(str(value).split()) if value is not None else null
    return text if len(text) <= _CELL_MAX else text[: _CELL_MAX - 1] + "…"


def _cells(item: object) -> list[Any]:
    return [getattr(item, field.name) for field in fields(item)]  # type: ignore[arg-type]  # dataclasses, by contract
