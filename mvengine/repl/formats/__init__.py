"""How results are written: the formats of ``.mode``, rows of one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mvengine.repl.formats import aligned, delimited, duckbox, records
from mvengine.repl.formats.look import Look
from mvengine.repl.result import Row
from mvengine.schema import Columns

__all__ = ["FORMATS", "Format", "Look"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """``render`` gives the lines of a result; it fetches rows as they are asked for."""

    name: str
    help: str
    render: Callable[[Columns, Iterator[Row], Look], Iterator[str]]


_ROWS = (
    Format(name="duckbox", help="a box that fits the screen, with types; the default there", render=duckbox.render),
    Format(name="aligned", help="aligned columns, every row; the default in files and pipes", render=aligned.render),
    Format(name="box", help="a box of lines, every row", render=aligned.framed(aligned.BOX)),
    Format(name="table", help="a box of ASCII characters, every row", render=aligned.framed(aligned.TABLE)),
    Format(name="markdown", help="a table of Markdown", render=aligned.markdown),
    Format(name="csv", help="comma-separated values", render=delimited.csv),
    Format(name="tabs", help="tab-separated values, with escapes", render=delimited.tabs),
    Format(name="list", help="values with | between them", render=delimited.bars),
    Format(name="json", help="one JSON array of objects", render=records.json),
    Format(name="jsonlines", help="a JSON object on each line", render=records.json_lines),
    Format(name="line", help="a line for each value", render=records.lines),
    Format(name="insert", help="INSERT statements", render=records.inserts),
    Format(name="trash", help="nothing at all: rows are fetched, for .timer", render=records.nothing),
)
FORMATS = {row.name: row for row in _ROWS}
