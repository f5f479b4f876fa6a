"""How a CSV file is to be read: the reader's arguments, and which of its columns are the table's."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from mvengine.errors import LoadError
from mvengine.schema import Column, Columns, literal, quote
from mvengine.sources.base import MISSING_HINT, Load
from mvengine.sources.head import read_head

_SAME_NAME = (
    *("quote", "escape", "nullstr", "dateformat", "timestampformat", "decimal_separator", "encoding", "skip"),
    *("max_line_size", "null_padding", "strict_mode"),
)


def csv_options(path: str, options: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The arguments of ``read_csv`` that the source's options mean, as SQL."""
    given = dict(options)
    quoting = given.get("quote", '"')
    arguments = {
        "delim": literal(_delimiter(path, given)),
        "quote": literal(quoting),
        "escape": literal(given.get("escape", quoting)),
        "header": given.get("header", "true"),
        "allow_quoted_nulls": given.get("allow_quoted_nulls", "false"),
    }
    return arguments | {name: literal(given[name]) for name in _SAME_NAME if name in given}


_HEADER_HINT = f"are delimiter and without_header as the file is? {MISSING_HINT}"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The columns of a file as they are read, in its order, and which of them the table's columns are."""

    read: Columns
    selected: tuple[str, ...]  # for each column of the table, what it is among them, as SQL
    lines_before: int  # lines before the first row: skipped ones and the header
    blank_before: int  # blank ones before the header, which the reader would take for it

    def expression_of(self, load: Load, column: str) -> str:
        position = next(i for i, c in enumerate(load.columns) if c.name.lower() == column.lower())
        return self.selected[position]


def layout_of(load: Load) -> Layout:
    """How the columns stand in the file. Errors: ``LoadError``: no header, a column missing or twice in it."""
    options = dict(load.source.options)
    skip = int(options.get("skip", "0"))
    if options.get("header", "true") == "false":
        selected = tuple(quote(column.name) for column in load.columns)
        return Layout(read=load.columns, selected=selected, lines_before=skip, blank_before=0)
    header, blank = _header(load, options, skip)
    types, found_as = ["VARCHAR"] * len(header), []
    taken = ["", *(name.lower() for name in header)]
    names = [f"{name or 'column'}_{i}" if name.lower() in taken[: i + 1] else name for i, name in enumerate(header)]
    for column in load.columns:
        found = [i for i, name in enumerate(header) if name.lower() == column.name.lower()]
        if not found and load.is_missing_null:
            found_as.append(f"cast(null as {column.type})")
            continue
        if len(found) != 1:
            said = "is not in the header" if not found else "is more than once in the header"
            raise LoadError(
                f"column {column.name} {said}: {', '.join(header)}", path=load.path, line=1, hint=_HEADER_HINT
            )
        types[found[0]] = column.type
        found_as.append(quote(names[found[0]]))
    if not {name.lower() for name in header} & {column.name.lower() for column in load.columns}:
        raise LoadError(f"no column of the table is in the header: {', '.join(header)}", path=load.path, line=1)
    read = tuple(Column(name=name, type=type_) for name, type_ in zip(names, types, strict=True))
    return Layout(read=read, selected=tuple(found_as), lines_before=skip + blank + 1, blank_before=blank)


def header_names(load: Load) -> frozenset[str] | None:
    """The names in the file's header, in lower case; None where files have no header. Errors: ``LoadError``."""
    options = dict(load.source.options)
    if options.get("header", "true") == "false":
        return None
    header, _ = _header(load, options, int(options.get("skip", "0")))
    return frozenset(name.lower() for name in header)


def _header(load: Load, options: dict[str, str], skip: int) -> tuple[list[str], int]:
    """The names in the header, and how many blank lines stand before it."""
    text = read_head(load.local, path=load.path, encoding=options.get("encoding", "utf-8"))
    lines = text.splitlines(keepends=True)[skip:]
    blank = next((i for i, line in enumerate(lines) if line.strip("\r\n")), None)
    if blank is None:
        hint = "an empty table has its header line; a file that never has one is declared without_header = 'true'"
        raise LoadError("the header line is missing: the file is empty", path=load.path, line=1, hint=hint)
    quoting, delimiter = options.get("quote", '"'), _delimiter(load.path, options)
    first = delimiter[:1]
    rows = csv.reader(
        (line.replace(delimiter, first) for line in lines[blank:]),
        delimiter=first,
        quotechar=quoting or None,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
    )
    return next(rows), blank


def _delimiter(path: str, options: dict[str, str]) -> str:
    name = path.lower().removesuffix(".gz").removesuffix(".zst")
    return options.get("delimiter", "\t" if name.endswith(".tsv") else ",")


def relation(load: Load, layout: Layout, **arguments: str) -> str:
    """``read_csv(…)`` with everything declared."""
    columns = ", ".join(f"{literal(column.name)}: {literal(column.type)}" for column in layout.read)
    given = {"auto_detect": "false", "columns": f"{{{columns}}}"} | csv_options(load.path, load.source.options)
    if layout.blank_before:
        given["skip"] = str(layout.lines_before - 1)
    return f"read_csv({load.file}, {', '.join(f'{name} = {value}' for name, value in (given | arguments).items())})"
