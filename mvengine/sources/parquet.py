"""Parquet files: columns by name, without regard to case.

Columns that the table does not have are left out; one that the file does not have is an error
(``missing_columns = 'null'``: it is NULL). A value of another
type is cast; one that cannot be is a bad row. Parquet has no lines: errors name the row, counted from 1.
"""

from __future__ import annotations

from mvengine.errors import DatabaseError, LoadError
from mvengine.schema import quote
from mvengine.sources.base import MISSING_HINT, Inserted, Load, RejectedRow, Sql
from mvengine.sources.cells import Cell, reason

_TEXT_MAX = 1000
_VIRTUAL = frozenset({"filename", "file_index", "file_row_number", "rowid"})  # read_parquet has them unasked


def insert(load: Load) -> Inserted:
    """Insert the file's rows; under ``on_error = 'skip'`` those whose values can be cast and that have a key."""
    if not load.is_skipping:
        rows = load.insert(f"select {', '.join(_values(load))}, {load.file_id} from {_rows(load)}")
        return Inserted(rows=rows, rejected=())
    cells = _cells(load, load.sql)
    values = ", ".join(cell.value for cell in cells)
    rows = load.insert(f"select {values}, {load.file_id} from {_rows(load)} where ({reason(cells, load.key)}) is null")
    return Inserted(rows=rows, rejected=_bad_rows(load, load.sql, load.source.errors_max + 1))


def names(load: Load) -> frozenset[str]:
    """The file's columns, in lower case."""
    return frozenset(name.lower() for name, *_ in load.sql.query(f"describe select * from {_relation(load)}"))


def explain(load: Load, error: DatabaseError) -> LoadError:
    """The engine's error with file, row, column and value where they can still be found out."""
    try:
        bad = next(iter(_bad_rows(load, load.probe, 1)), None)
    except LoadError as said:
        return said
    except DatabaseError:
        bad = None  # the file as a whole is broken, or the probe's transaction too: the engine's words remain
    if bad is None:
        return LoadError(load.words_of(error), path=load.path)
    return LoadError(bad.reason, path=load.path, hint="on_error = 'skip' leaves bad rows out")


def _values(load: Load) -> list[str]:
    """The table's columns among the file's. Where it has to have all, nobody asks which it has: a statement less."""
    is_plain = not load.is_missing_null and not _VIRTUAL & {column.name.lower() for column in load.columns}
    texts = [quote(c.name) for c in load.columns] if is_plain else [cell.text for cell in _cells(load, load.sql)]
    return [load.with_key(c, f"cast({text} as {c.type})") for c, text in zip(load.columns, texts, strict=True)]


def _bad_rows(load: Load, sql: Sql, limit: int) -> tuple[RejectedRow, ...]:
    """Rows with a value that cannot be cast, or a NULL in the key."""
    cells = _cells(load, sql)
    row = ", ".join(f"{quote(cell.column.name)} := {cell.text}" for cell in cells)
    rows = sql.query(
        f"""
        select file_row_number + 1, {reason(cells, load.key)} as _reason, cast(struct_pack({row}) as varchar)
        from {_rows(load, is_numbered=True)} where _reason is not null
        order by file_row_number limit {limit}"""
    )
    return tuple(
        RejectedRow(path=load.path, line=None, reason=f"row {n}: {why}", text=text[:_TEXT_MAX]) for n, why, text in rows
    )


def _cells(load: Load, sql: Sql) -> tuple[Cell, ...]:
    described = sql.query(f"describe select * from {_relation(load)}")
    in_file = {name.lower(): (quote(name), type_) for name, type_, *_ in described}
    wanted = {column.name.lower() for column in load.columns}
    missing = [column.name for column in load.columns if column.name.lower() not in in_file]
    if missing and not (load.is_missing_null and wanted & in_file.keys()):
        names = ", ".join(name for name, *_ in described)
        raise LoadError(f"column {missing[0]} is not in the file; it has {names}", path=load.path, hint=MISSING_HINT)
    cells = []
    for column in load.columns:
        text, type_ = in_file.get(column.name.lower(), ("null", ""))
        value = text if type_ == column.type else f"try(cast({text} as {column.type}))"
        cells.append(Cell(column=column, value=value, is_given=f"{text} is not null", text=text))
    return tuple(cells)


def _rows(load: Load, *, is_numbered: bool = False) -> str:
    """The rows of the part, with ``file_row_number`` where it is asked for; of other row groups nothing is read."""
    numbered = "file_row_number = true"
    first, rows = load.part.first_row, load.part.rows
    if rows is None:
        return _relation(load, numbered) if is_numbered else _relation(load)
    return f"(from {_relation(load, numbered)} where file_row_number between {first} and {first + rows - 1})"


def _relation(load: Load, *arguments: str) -> str:
    options = [f"{name} = {value}" for name, value in load.source.options if name == "binary_as_string"]
    return f"read_parquet({', '.join([load.file, *options, *arguments])})"
