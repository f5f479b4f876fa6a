"""JSON files: one object a line, one array of objects, or objects one after the other.

Columns are found by name: the exact one, else one that differs in case. A field that an object does not have is NULL,
as it is in every reader of JSON, since writers leave NULLs out; a file none of whose objects has any column of the
table is an error. The good path is ``read_json`` with everything declared. Bad rows are looked for in the text:
lines are read as text and converted one by one, since the reader's own skipping makes rows of NULL, and its line
numbers can be off by one. Objects in an array have no line: errors name the record, counted from 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mvengine.errors import DatabaseError, LoadError
from mvengine.schema import Column, literal, quote
from mvengine.sources import csv
from mvengine.sources.base import Inserted, Load, RejectedRow, Sql
from mvengine.sources.cells import Cell, reason
from mvengine.sources.head import read_head

_TEXT_MAX = 1000
_OBJECTS_SAMPLED = 1000  # where the first object lacks a column: how many are asked for the spelling of its name
_LINE_BYTES_MAX = 16 * 1024 * 1024  # as read_json's maximum_object_size
_FORMAT_OPTIONS = ("dateformat", "timestampformat", "maximum_object_size")
_LINE = re.compile(r"transform error in file .*?, in line (\d+): (.*)")


class Shape(StrEnum):
    """How objects stand in a file, under DuckDB's names."""

    LINES = "newline_delimited"
    ARRAY = "array"
    RECORDS = "unstructured"


@dataclass(frozen=True, kw_only=True)
class Layout:
    shape: Shape
    names: Mapping[str, str]  # of the table's columns in the file


def insert(load: Load) -> Inserted:
    """Insert the file's rows; under ``on_error = 'skip'`` those that are objects, can be converted and have a key."""
    layout = _layout(load, load.sql)
    if not load.is_skipping:
        named = [load.with_key(column, quote(layout.names[column.name])) for column in load.columns]
        rows = load.insert(f"select {', '.join(named)}, {load.file_id} from {_relation(load, layout)}")
        return Inserted(rows=rows, rejected=())
    cells = _cells(load, layout)
    values = ", ".join(cell.value for cell in cells)
    rows = load.insert(
        f"select {values}, {load.file_id} from {_converted(load, layout)} where ({_reason(load, cells)}) is null"
    )
    return Inserted(rows=rows, rejected=_bad_rows(load, load.sql, load.source.errors_max + 1))


def explain(load: Load, error: DatabaseError) -> LoadError:
    """The reader's error with file, line (or record), column, value and wanted type."""
    try:
        bad = next(iter(_bad_rows(load, load.probe, 1)), None)
    except DatabaseError as second:
        bad = csv.fault(load, second)  # the lines are not even text: wrong encoding, or too long
    if bad is not None:
        return LoadError(bad.reason, path=load.path, line=bad.line, hint="on_error = 'skip' leaves bad rows out")
    at = _LINE.search(error.message)
    message = at[2] if at else load.words_of(error)
    return LoadError(message, path=load.path, line=int(at[1]) if at else None)


def _bad_rows(load: Load, sql: Sql, limit: int) -> tuple[RejectedRow, ...]:
    """Rows that are no JSON, no object, have a value that cannot be converted, or a NULL in the key."""
    layout = _layout(load, sql)
    rows = sql.query(
        f"""
        select n, {_reason(load, _cells(load, layout))} as _reason, left(text, {_TEXT_MAX})
        from {_converted(load, layout)} where _reason is not null order by n limit {limit}"""
    )
    if layout.shape is Shape.LINES:
        return tuple(RejectedRow(path=load.path, line=n, reason=why, text=text) for n, why, text in rows)
    return tuple(
        RejectedRow(path=load.path, line=None, reason=f"record {n}: {why}", text=text) for n, why, text in rows
    )


def _relation(load: Load, layout: Layout) -> str:
    """``read_json(…)`` with everything declared: its columns are the table's, in their order."""
    columns = ", ".join(f"{literal(layout.names[c.name])}: {literal(c.type)}" for c in load.columns)
    options = [f"{name} = {literal(value)}" for name, value in load.source.options if name in _FORMAT_OPTIONS]
    arguments = [load.file, f"format = '{layout.shape}'", f"columns = {{{columns}}}", *options]
    return f"read_json({', '.join(arguments)})"


def _documents(load: Load, shape: Shape) -> str:
    """A relation ``(n, doc, text)``: line or record from 1, the value (NULL where it is no JSON), its text."""
    if shape is not Shape.LINES:
        objects = f"read_json_objects({load.file}, format = '{shape}')"
        return f"(select row_number() over () as n, json as doc, cast(json as varchar) as text from {objects})"
    lines = (
        f"read_csv({load.file}, auto_detect = false, columns = {{'line': 'VARCHAR'}}, header = false, delim = '',"
        f" quote = '', escape = '', strict_mode = false, max_line_size = {_LINE_BYTES_MAX})"
    )
    numbered = f"(select row_number() over () as n, line as text from {lines})"
    return f"(select n, try(cast(text as json)) as doc, text from {numbered} where trim(text) <> '')"


def _converted(load: Load, layout: Layout) -> str:
    """``_documents`` with ``row``, a struct of the simple columns: NULL where a value is missing or wrong."""
    types = {layout.names[c.name]: c.type for c in load.columns if not _is_apart(c, dict(load.source.options))}
    convert = f"json_transform(case when json_type(doc) = 'OBJECT' then doc end, {literal(json.dumps(types))})"
    return f"(select n, doc, text, {convert} as row from {_documents(load, layout.shape)})"


def _layout(load: Load, sql: Sql) -> Layout:
    """How the file is laid out. Errors: ``LoadError`` if its objects have none of the table's columns."""
    shape, first = _first_object(read_head(load.local, path=load.path).lstrip())
    keys = set(first)
    if not keys.issuperset(column.name for column in load.columns):
        documents = (
            f"(select doc from {_documents(load, shape)} where json_type(doc) = 'OBJECT' limit {_OBJECTS_SAMPLED})"
        )
        keys |= {key for (key,) in sql.query(f"select distinct unnest(json_keys(doc)) from {documents}")}
    folded = {key.lower(): key for key in sorted(keys)}
    if keys and not any(column.name.lower() in folded for column in load.columns):
        raise LoadError(f"no object has a column of the table; they have {', '.join(sorted(keys))}", path=load.path)
    names = {c.name: c.name if c.name in keys else folded.get(c.name.lower(), c.name) for c in load.columns}
    return Layout(shape=shape, names=names)


def _first_object(text: str) -> tuple[Shape, dict[str, object]]:
    """The shape of a file that begins with ``text``, and its first object; empty if that cannot be told."""
    shape = Shape.ARRAY if text.startswith("[") else Shape.LINES
    start = text[1:].lstrip() if shape is Shape.ARRAY else text
    try:
        first, end = json.JSONDecoder().raw_decode(start)
    except ValueError:
        return shape, {}
    if shape is Shape.LINES and "\n" in start[:end]:
        shape = Shape.RECORDS
    return shape, first if isinstance(first, dict) else {}


def _reason(load: Load, cells: tuple[Cell, ...]) -> str:
    return (
        "case when doc is null then 'not valid JSON' when json_type(doc) <> 'OBJECT' then"
        f" 'an object is expected, found ' || json_type(doc) else {reason(cells, load.key)} end"
    )


def _cells(load: Load, layout: Layout) -> tuple[Cell, ...]:
    formats = dict(load.source.options)
    return tuple(_cell(column, layout.names[column.name], formats) for column in load.columns)


def _is_apart(column: Column, formats: Mapping[str, str]) -> bool:
    """Whether a column is converted by itself: by a date format, or nested, where a wrong part must be an error."""
    type_ = column.type.upper()
    return type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION", "JSON")) or _format(type_, formats) != ""


def _format(type_: str, formats: Mapping[str, str]) -> str:
    return formats.get({"DATE": "dateformat", "TIMESTAMP": "timestampformat"}.get(type_.upper(), ""), "")


def _cell(column: Column, name: str, formats: Mapping[str, str]) -> Cell:
    pointer = literal("/" + name.replace("~", "~0").replace("/", "~1"))
    text = f"(doc ->> {pointer})"
    if form := _format(column.type, formats):
        value = f"try(cast(strptime({text}, {literal(form)}) as {column.type}))"
    elif _is_apart(column, formats):
        value = f"try(cast(doc -> {pointer} as {column.type}))"
    else:
        value = f"row.{quote(name)}"
    return Cell(column=column, value=value, is_given=f"{text} is not null", text=text)
