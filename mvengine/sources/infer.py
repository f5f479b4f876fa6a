"""The columns of a table that is declared without them: as its files have them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from mvengine.errors import BindError, DatabaseError, LoadError, SourceError
from mvengine.planner.source import Encoding, FileSource
from mvengine.schema import Column, Columns, literal
from mvengine.sources.base import Reader, Split, Sql, file_literal
from mvengine.sources.csv_layout import csv_options
from mvengine.sources.part import FOOTER, whole

_DECLARE = "declare the table's columns"


def infer_columns(sql: Sql, source: FileSource, splits: tuple[Split, ...], reader: Reader) -> Columns:
    """The union of all files' columns by name, in the order of their first appearance, with the engine's types.

    Parquet files tell their types, and must agree on them. CSV and JSON files are sampled, and a type that holds all
    samples is taken. Objects of a store are copied for it. Errors: ``BindError`` (no files, or only empty ones),
    ``LoadError`` (a file that cannot be read, types that clash; names the files).
    """
    if not splits:
        raise BindError(f"cannot tell the columns of {source.root!r}: it has no files yet", hint=_DECLARE)
    if source.encoding is Encoding.PARQUET:
        return _parquet_columns(sql, source, splits, reader)
    filled = tuple(split for split in splits if split.size > 0)
    if not filled:
        raise BindError(f"cannot tell the columns of {source.root!r}: its files are empty", hint=_DECLARE)
    with ExitStack() as stack:
        files = [stack.enter_context(reader.open(split, whole(split.size))) for split in filled]
        try:
            described = _describe(sql, _sampling(source, filled, files))
        except DatabaseError as error:
            raise LoadError(error.message.strip(), path=source.root, hint=_DECLARE) from error
    if source.encoding is Encoding.CSV and len(described) == 1:
        _check_delimiter(source, described[0][0])
    return tuple(Column(name=name, type=type_) for name, type_ in described)


def _check_delimiter(source: FileSource, name: str) -> None:
    """Errors: ``BindError`` where the only column's name looks like a header with another delimiter."""
    for delimiter in (";", "\t", "|"):
        if delimiter in name:
            hint = f"add delimiter = {delimiter!r}"
            raise BindError(f"the files of {source.root!r} have but one column, {name!r}", hint=hint)


def _parquet_columns(sql: Sql, source: FileSource, splits: tuple[Split, ...], reader: Reader) -> Columns:
    found: dict[str, tuple[Column, Split]] = {}
    binary = "".join(f", {name} = {value}" for name, value in source.options if name == "binary_as_string")
    for split in splits:
        with reader.open(split, FOOTER) as path:
            try:
                described = _describe(sql, f"read_parquet({file_literal(path)}{binary})")
            except SourceError:
                raise
            except DatabaseError as error:
                raise LoadError(error.message.partition("\n")[0], path=split.path) from error
        for name, type_ in described:
            column, first = found.setdefault(name.lower(), (Column(name=name, type=type_), split))
            if column.type != type_:
                clash = f"column {name} is {type_}, and {column.type} in {first.path}"
                raise LoadError(clash, path=split.path, hint=_DECLARE)
    return tuple(column for column, _ in found.values())


def _sampling(source: FileSource, splits: tuple[Split, ...], files: list[Path]) -> str:
    """``read_csv`` or ``read_json`` over all files, types left to its sampling."""
    names = f"[{', '.join(file_literal(file) for file in files)}]"
    if source.encoding is Encoding.CSV:
        arguments = csv_options(splits[0].path, source.options) | {"files_to_sniff": str(len(files))}
        function = "read_csv"
    else:
        arguments = {
            name: literal(value) for name, value in source.options if name in ("dateformat", "timestampformat")
        }
        arguments |= {"maximum_sample_files": str(len(files))}
        function = "read_json"
    return f"{function}({names}, union_by_name = true{''.join(f', {n} = {v}' for n, v in arguments.items())})"


def _describe(sql: Sql, relation: str) -> list[tuple[str, str]]:
    return [(name, type_) for name, type_, *_ in sql.query(f"describe select * from {relation}")]
