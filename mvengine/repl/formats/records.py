"""Results as records: JSON objects, a line for each value, INSERT statements."""

from __future__ import annotations

import json as python_json
import math
from collections.abc import Iterator
from decimal import Decimal

from rich.cells import cell_len

from mvengine.repl.formats.look import Look
from mvengine.repl.result import Row
from mvengine.repl.values import NULL, Write, is_number, show, text_of
from mvengine.schema import Columns, quote


def json(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """One JSON array of an object per row."""
    before = "["
    for line in json_lines(columns, rows, look):
        if before != "[":
            yield before + ","
            before = ""
        before += line
    yield before + "]"


def json_lines(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """A JSON object per row. Numbers are numbers, nested values are arrays and objects, all others are texts."""
    del look
    names = [python_json.dumps(column.name, ensure_ascii=False) for column in columns]
    writers = [text_of(column.type) for column in columns]
    for row in rows:
        cells = zip(names, row, writers, strict=True)
        yield "{" + ",".join(f"{name}:{_json(value, write)}" for name, value, write in cells) + "}"


def lines(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """A line for each value, its name before it; an empty line between rows."""
    width = max((cell_len(column.name) for column in columns), default=0)
    labels = [" " * (width - cell_len(column.name)) + column.name for column in columns]
    writers = [text_of(column.type) for column in columns]
    null = look.null_or(NULL)
    for number, row in enumerate(rows):
        if number:
            yield ""
        for label, value, write in zip(labels, row, writers, strict=True):
            first, *others = show(value, write, null=null).split("\n")
            yield f"{label} = {first}".rstrip(" ")
            yield from (" " * (width + 3) + line for line in others)


def inserts(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """An INSERT into the table ``result`` for each row, which other databases read, too."""
    names = ", ".join(quote(column.name) for column in columns) if look.has_header else ""
    target = f"INSERT INTO result ({names}) VALUES" if names else "INSERT INTO result VALUES"
    kinds = [(column.type, text_of(column.type)) for column in columns]
    for row in rows:
        values = (_literal(value, type_, write) for value, (type_, write) in zip(row, kinds, strict=True))
        yield f"{target} ({', '.join(values)});"


def nothing(columns: Columns, rows: Iterator[Row], look: Look) -> Iterator[str]:
    """Reads all rows, for their time, and writes none."""
    del columns, look
    for _ in rows:
        pass
    yield from ()


def _json(value: object, write: Write) -> str:
    match value:
        case None:
            return "null"
        case bool() | str() | int():
            return python_json.dumps(value, ensure_ascii=False)
        case float():
            return write(value) if math.isfinite(value) else f'"{value}"'
        case Decimal():
            return format(value, "f")
        case list() | tuple():
            return "[" + ",".join(_json(item, text_of("VARCHAR")) for item in value) + "]"
        case dict():
            plain = text_of("VARCHAR")
            pairs = (
                f"{python_json.dumps(plain(key), ensure_ascii=False)}:{_json(it, plain)}" for key, it in value.items()
            )
            return "{" + ",".join(pairs) + "}"
        case _:
            return python_json.dumps(write(value), ensure_ascii=False)


def _literal(value: object, type_: str, write: Write) -> str:
    if value is None:
        return NULL
    if isinstance(value, bool) or (is_number(type_) and not (isinstance(value, float) and not math.isfinite(value))):
        return write(value)
    return "'" + write(value).replace("'", "''") + "'"
