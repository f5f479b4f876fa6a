"""Colours: of statements, of EXPLAIN's trees, of lineage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_EXPLAIN_STYLES = (
    (r"[─│├└┌┐┘┤┬┴┼╭╮╯╰]+", "dim"),
    (r"'(?:[^']|'')*'", "green"),
    (r"(?<![\w.#])\d[\d,]*(?:\.\d+)?%?(?![\w.])", "magenta"),
    (r"^[\w ]+:(?= )|(?<=│ )[A-Z][\w ]*:|\b\w+(?==)", "cyan"),
    (r"\[.*\]$", "green"),  # our strategies
    (r"(?<=─ )[A-Z][\w ]*(?= ─)", "bold yellow"),  # DuckDB's operators
    (r"^[ │├└─]*(?P<node>[A-Z]\w+)(?!.*│$)", "bold yellow"),  # ours
)
_LINEAGE_STYLES = (
    (r"^[ │├└─]+", "dim"),
    (r"\b(?:fresh|idle)\b(?=[,)])", "green"),
    (r"\b(?:stale|building|refreshing|finishing)\b(?=[,)])", "yellow"),
    (r"\b(?:suspended|wrong|failed)\b(?=[,)])", "bold red"),
    (r"\((?:materialized view|refreshable table|table|view)\b", "dim"),
)


def explained(lines: Iterable[str], console: Console) -> Iterator[str]:
    """The lines of an EXPLAIN in colours: operators, fields, figures, texts."""
    return _painted(lines, _EXPLAIN_STYLES, console)


def lineage(lines: Iterable[str], console: Console) -> Iterator[str]:
    """The lines of a lineage in colours: green is well, yellow on its way, red needs somebody."""
    return _painted(lines, _LINEAGE_STYLES, console)


def _painted(lines: Iterable[str], styles: tuple[tuple[str, str], ...], console: Console) -> Iterator[str]:
    from rich.text import Text

    for line in lines:
        text = Text(line)
        for pattern, style in styles:
            _paint(text, pattern, style)
        with console.capture() as capture:
            console.print(text, soft_wrap=True, end="")
        yield capture.get()


def _paint(text: Text, pattern: str, style: str) -> None:
    for match in re.finditer(pattern, text.plain):
        group = "node" if "node" in match.groupdict() else 0
        text.stylize(style, *match.span(group))
