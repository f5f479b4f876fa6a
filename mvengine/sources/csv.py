"""CSV files, read by the engine's own strict reader.

With a header (the default) columns are found by name, without regard to case; columns of the file that the table does
not have are left out, and one that the file does not have is an error
(``missing_columns = 'null'``: it is NULL). Without a header columns go by position, and
their number must agree. A file of zero bytes is an empty table where there is no header; where there should be one it
is an error, since it is most likely not yet written. A quoted value is never NULL (``allow_quoted_nulls = true``
changes that), the delimiter is a comma, or a tab in files named ``.tsv``.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mvengine.errors import DatabaseError, LoadError
from mvengine.schema import literal, quote
from mvengine.sources.base import Inserted, Load, RejectedRow
from mvengine.sources.csv_layout import Layout, layout_of, relation
from mvengine.sources.csv_lines import true_lines

_ERRORS, _SCANS = "mvengine_load_errors", "mvengine_load_scans"  # temporary tables that the reader fills
_TEXT_MAX = 1000

_AT = re.compile(r"CSV Error on Line: (\d+)\n(?:Original Line: )?(.*)", re.DOTALL)
_CAST = re.compile(r'Error when converting column "(.*?)"\. Could not convert string "(.*?)" to \'(.*?)\'', re.DOTALL)
_COUNT = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_OTHER = re.compile(r"^(Value with unterminated quote found|Invalid unicode|Maximum line size|.*state machine).*", re.M)


def insert(load: Load) -> Inserted:
    """Insert the file's rows; under ``on_error = 'skip'`` those that the reader accepts and that have a key."""
    layout = layout_of(load)
    if not load.is_skipping:
        values = map(load.with_key, load.columns, layout.selected)
        rows = load.insert(f"select {', '.join(values)}, {load.file_id} from {_relation(load, layout)}")
        return Inserted(rows=rows, rejected=())
    select = f"select {', '.join(layout.selected)}, {load.file_id} from {_relation(load, layout)}"
    has_key = " and ".join(f"{layout.expression_of(load, name)} is not null" for name in load.key) or "true"
    try:
        rows = load.insert(f"{select} where {has_key}")
        null_keys = _null_keys(load, layout, load.source.errors_max + 1)
        return Inserted(rows=rows, rejected=_placed(load, layout, _rejected(load), null_keys))
    finally:
        _drop_rejects(load)


def explain(load: Load, error: DatabaseError) -> LoadError:
    """The reader's error with file, line, column, value and wanted type."""
    found = fault(load, error)
    row = _placed(load, layout_of(load), (found,), ())[0] if found else _null_key(load)
    if row is None:
        return LoadError(load.words_of(error), path=load.path)
    return LoadError(row.reason, path=load.path, line=row.line, hint=_HINT)


def _null_key(load: Load) -> RejectedRow | None:
    """The first row without a key, where the reader has nothing to say."""
    load = replace(load, sql=load.probe)
    try:
        layout = layout_of(load)
        return next(iter(_placed(load, layout, (), _null_keys(load, layout, 1))), None)
    except DatabaseError:
        return None  # there is no probe, or another error in the file: the engine's words remain


_HINT = "correct the file, the column's type or the format's options; on_error = 'skip' leaves bad rows out"


def fault(load: Load, error: DatabaseError) -> RejectedRow | None:
    """The row that an error of the reader is about; None where it is about none. Its line is the reader's."""
    at = _AT.search(error.message)
    return _row(load, int(at[1]), _reason(at[2]), "") if at else None


def _relation(load: Load, layout: Layout) -> str:
    if not load.is_skipping:
        return relation(load, layout)
    tables = {"rejects_table": literal(_ERRORS), "rejects_scan": literal(_SCANS)}
    return relation(load, layout, store_rejects="true", rejects_limit=str(load.source.errors_max + 1), **tables)


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


def _null_keys(load: Load, layout: Layout, limit: int) -> tuple[RejectedRow, ...]:
    """Rows that can be read but have no key. Their line is the number of the record among the accepted ones."""
    if not load.key:
        return ()
    keys = {name: layout.expression_of(load, name) for name in load.key}
    missing = " or ".join(f"{column} is null" for column in keys.values())
    nulls = ", ".join(f"case when {column} is null then {literal(name)} end" for name, column in keys.items())
    row = ", ".join(f"coalesce(cast({quote(column.name)} as varchar), '')" for column in layout.read)
    rows = load.sql.query(
        f"""
        select _record, concat_ws(', ', {nulls}), concat_ws(',', {row})
        from (select *, row_number() over () as _record from {_relation(load, layout)})
        where {missing} order by _record limit {limit}"""
    )
    return tuple(_row(load, record, f"NULL in the key: column {names}", text) for record, names, text in rows)


def _placed(
    load: Load, layout: Layout, reported: tuple[RejectedRow, ...], accepted: tuple[RejectedRow, ...]
) -> tuple[RejectedRow, ...]:
    """Both kinds of rows, with lines by the reader and by record, under their true lines and by them."""
    if not reported and not accepted:
        return ()
    by_reader, by_record = true_lines(
        load, layout, {row.line for row in reported if row.line}, {row.line for row in accepted if row.line}
    )
    found = [replace(row, line=by_reader.get(row.line or 0, row.line)) for row in reported]
    found += [replace(row, line=by_record.get(row.line or 0)) for row in accepted]
    return tuple(sorted(found, key=lambda row: row.line or 0))


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
