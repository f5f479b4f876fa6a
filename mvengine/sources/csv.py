"""CSV files, read by the engine's own strict reader.

With a header (the default) columns are found by name, without regard to case; columns of the file that the table does
not have are left out, and one that the file does not have is an error. Without a header columns go by position, and
their number must agree. A file of zero bytes is an empty table where there is no header; where there should be one it
is an error, since it is most likely not yet written. A quoted value is never NULL (``allow_quoted_nulls = true``
changes that), the delimiter is a comma, or a tab in files named ``.tsv``.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from mvengine.errors import DatabaseError, LoadError
from mvengine.schema import Column, Columns, literal, quote
from mvengine.sources.base import Load, RejectedRow
from mvengine.sources.head import read_head

_ERRORS, _SCANS = "mvengine_load_errors", "mvengine_load_scans"  # temporary tables that the reader fills
_TEXT_MAX = 1000
_SAME_NAME = (
    *("quote", "escape", "nullstr", "dateformat", "timestampformat", "decimal_separator", "encoding", "skip"),
    *("max_line_size", "null_padding", "strict_mode"),
)

_AT = re.compile(r"CSV Error on Line: (\d+)\n(?:Original Line: )?(.*)", re.DOTALL)
_CAST = re.compile(r'Error when converting column "(.*?)"\. Could not convert string "(.*?)" to \'(.*?)\'', re.DOTALL)
_COUNT = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_OTHER = re.compile(r"^(Value with unterminated quote found|Invalid unicode|Maximum line size|.*state machine).*", re.M)


def insert(load: Load) -> tuple[RejectedRow, ...]:
    """Insert the file's rows; under ``on_error = 'skip'`` those that the reader accepts and that have a key."""
    layout = _layout(load)
    if layout is None:
        return ()
    selected = ", ".join(quote(name) for name in layout.selected)
    select = f"select {selected}, {load.file_id} from {_relation(load, layout)}"
    if not load.is_skipping:
        load.sql.query(f"insert into {load.targets} {select}")
        return ()
    has_key = " and ".join(f"{quote(layout.name_of(load, name))} is not null" for name in load.key) or "true"
    try:
        load.sql.query(f"insert into {load.targets} {select} where {has_key}")
        rejected = _rejected(load) + find_null_keys(load, load.source.errors_max + 1)
        return tuple(sorted(rejected, key=lambda row: row.line or 0))
    finally:
        _drop_rejects(load)


def explain(load: Load, error: DatabaseError) -> LoadError:
    """The reader's error with file, line, column, value and wanted type."""
    at = _AT.search(error.message)
    if at is None:
        return LoadError(load.words_of(error), path=load.path)
    return LoadError(_reason(at[2]), path=load.path, line=int(at[1]), hint=_HINT)


_HINT = "correct the file, the column's type or the format's options; on_error = 'skip' leaves bad rows out"


def csv_options(path: str, options: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The arguments of ``read_csv`` that the source's options mean, as SQL."""
    given = dict(options)
    quoting = given.get("quote", '"')
    arguments = {
        "delim": literal(given.get("delimiter", "\t" if ".tsv" in path.lower()[-8:] else ",")),
        "quote": literal(quoting),
        "escape": literal(given.get("escape", quoting)),
        "header": given.get("header", "true"),
        "allow_quoted_nulls": given.get("allow_quoted_nulls", "false"),
    }
    return arguments | {name: literal(given[name]) for name in _SAME_NAME if name in given}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The columns of a file as they are read, in its order, and which of them the table's columns are."""

    read: Columns
    selected: tuple[str, ...]  # for each column of the table, the name under which it is read

    def name_of(self, load: Load, column: str) -> str:
        position = next(i for i, c in enumerate(load.columns) if c.name.lower() == column.lower())
        return self.selected[position]


def _layout(load: Load) -> Layout | None:
    """None for an empty file. Errors: ``LoadError`` for a header that is missing, ambiguous, or lacks a column."""
    options = dict(load.source.options)
    if options.get("header", "true") == "false":
        return Layout(read=load.columns, selected=tuple(column.name for column in load.columns))
    header = _header(load, options)
    types, selected = ["VARCHAR"] * len(header), []
    taken = ["", *(name.lower() for name in header)]
    names = [f"{name or 'column'}_{i}" if name.lower() in taken[: i + 1] else name for i, name in enumerate(header)]
    for column in load.columns:
        found = [i for i, name in enumerate(header) if name.lower() == column.name.lower()]
        if len(found) != 1:
            said = "is not in the header" if not found else "is more than once in the header"
            hint = "is the delimiter right, or does the file have no header (without_header = 'true')?"
            raise LoadError(f"column {column.name} {said}: {', '.join(header)}", path=load.path, line=1, hint=hint)
        types[found[0]] = column.type
        selected.append(names[found[0]])
    read = tuple(Column(name=name, type=type_) for name, type_ in zip(names, types, strict=True))
    return Layout(read=read, selected=tuple(selected))


def _header(load: Load, options: dict[str, str]) -> list[str]:
    lines = read_head(load.local, path=load.path, encoding=options.get("encoding", "utf-8")).splitlines(keepends=True)
    lines = lines[int(options.get("skip", "0")) :]
    if not "".join(lines).strip():
        hint = "an empty table has its header line; a file that never has one is declared without_header = 'true'"
        raise LoadError("the header line is missing: the file is empty", path=load.path, line=1, hint=hint)
    quoting = options.get("quote", '"')
    delimiter = csv_options(load.path, load.source.options)["delim"][1:-1].replace("''", "'")
    first = delimiter[:1]
    rows = csv.reader(
        (line.replace(delimiter, first) for line in lines),
        delimiter=first,
        quotechar=quoting or None,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
    )
    return next(row for row in rows if row)


def _relation(load: Load, layout: Layout) -> str:
    """``read_csv(…)`` with everything declared."""
    columns = ", ".join(f"{literal(column.name)}: {literal(column.type)}" for column in layout.read)
    arguments = {"auto_detect": "false", "columns": f"{{{columns}}}"} | csv_options(load.path, load.source.options)
    if load.is_skipping:
        limit = str(load.source.errors_max + 1)
        arguments |= {"store_rejects": "true", "rejects_table": literal(_ERRORS), "rejects_scan": literal(_SCANS)}
        arguments |= {"rejects_limit": limit}
    return f"read_csv({load.file}, {', '.join(f'{name} = {value}' for name, value in arguments.items())})"


def _rejected(load: Load) -> tuple[RejectedRow, ...]:
    """The rows that the reader has put aside. It may note several errors of one row: the first is the reason."""
    rows = load.sql.query(
        f"select line, arg_min(error_message, column_idx), any_value(csv_line)"
        f" from {_ERRORS} group by line order by line"
    )
    return tuple(_row(load, line, _reason(message), (text or "").strip("\r\n")) for line, message, text in rows)


def _drop_rejects(load: Load) -> None:
    try:
        load.sql.query(f"drop table if exists temp.{_ERRORS}")
        load.sql.query(f"drop table if exists temp.{_SCANS}")
    except DatabaseError:
        pass  # the transaction is aborted, and takes its temporary tables with it


def find_null_keys(load: Load, limit: int) -> tuple[RejectedRow, ...]:
    """Rows that can be read but have no key. Their line is counted: records, and line breaks inside quoted values."""
    layout = _layout(load)
    if layout is None or not load.key:
        return ()
    texts = [quote(column.name) for column in layout.read if column.type.upper() == "VARCHAR"]
    breaks = " + ".join(f"coalesce(length({c}) - length(replace({c}, chr(10), '')), 0)" for c in texts) or "0"
    keys = {name: quote(layout.name_of(load, name)) for name in load.key}
    missing = " or ".join(f"{column} is null" for column in keys.values())
    row = ", ".join(f"coalesce(cast({quote(column.name)} as varchar), '')" for column in layout.read)
    rows = load.sql.query(
        f"""
        with numbered as (select *, row_number() over () as _n, {breaks} as _breaks from {_relation(load, layout)}),
        placed as (select *, sum(_breaks) over (order by _n) - _breaks as _before from numbered)
        select _n + _before, concat_ws({csv_options(load.path, load.source.options)["delim"]}, {row}),
          {", ".join(f"{column} is null" for column in keys.values())}
        from placed where {missing} order by _n limit {limit}"""
    )
    options = dict(load.source.options)
    before = int(options.get("skip", "0")) + (options.get("header", "true") == "true")
    skipped = _rejected(load) if load.is_skipping else ()
    found = []
    for record, text, *nulls in rows:
        names = ", ".join(name for name, is_null in zip(keys, nulls, strict=True) if is_null)
        found.append(_row(load, _place(before + int(record), skipped), f"NULL in the key: column {names}", text))
    return tuple(found)


def _place(line: int, skipped: tuple[RejectedRow, ...]) -> int:
    """The line of an accepted row, from its line in a file that would not have the rejected rows."""
    for row in skipped:
        if row.line is not None and row.line <= line:
            line += 1 + row.text.count("\n")
    return line


def _reason(text: str) -> str:
    """The engine's words for a bad row in ours; ``text`` may hold the row itself before them."""
    if cast := _CAST.search(text):
        return f"column {cast[1]}: cannot read {cast[2]!r} as {cast[3]}"
    if count := _COUNT.search(text):
        return f"{count[1]} columns expected, {count[2]} found"
    if other := _OTHER.search(text):
        return other[0]
    return text.strip().partition("\n")[0]


def _row(load: Load, line: int, reason: str, text: str) -> RejectedRow:
    return RejectedRow(path=load.path, line=int(line), reason=reason, text=text[:_TEXT_MAX])
