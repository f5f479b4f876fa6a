"""Files as a query that reads them where they are: what a source is to DuckDB."""

from __future__ import annotations

import re
from pathlib import Path

from mvengine.errors import NotSupportedError
from mvengine.planner.source import Encoding, FileSource, OnError
from mvengine.schema import Columns, literal, quote
from mvengine.sources.csv_layout import csv_options
from mvengine.sources.glob import has_magic

_JSON_OPTIONS = ("dateformat", "timestampformat", "maximum_object_size")
_FILES = "[!._]*"  # as in glob.py: names that begin so are not data


def source_query(source: FileSource, columns: Columns) -> str:
    """``SELECT columns FROM read_…('glob', …)``."""
    outputs = ", ".join(f"CAST({quote(column.name)} AS {column.type}) AS {quote(column.name)}" for column in columns)
    return f"SELECT {outputs} FROM {_relation(source, columns)}"


def refuse_unreadable(source: FileSource) -> None:
    """Raises NotSupportedError for what DuckDB cannot read in place."""
    if source.connector == "s3":
        raise NotSupportedError(
            "a source in an object store: DuckDB cannot read it in place",
            hint="CREATE TABLE … REFRESHABLE loads it, and REFRESH TABLE brings it up to date",
        )
    if source.on_error is OnError.SKIP and source.encoding is not Encoding.CSV:
        raise NotSupportedError(
            f"on_error = 'skip' of a source with {source.encoding} files",
            hint="CREATE TABLE … REFRESHABLE skips bad rows, and keeps them",
        )


def _relation(source: FileSource, columns: Columns) -> str:
    files, given = literal(_glob(source)), dict(source.options)
    listed = ", ".join(f"{literal(column.name)}: {literal(column.type)}" for column in columns)
    match source.encoding:
        case Encoding.CSV:
            arguments = csv_options(source.root, source.options)
            has_header = arguments["header"] == "true"
            arguments |= {"types": f"{{{listed}}}", "union_by_name": "true"} if has_header else {}
            arguments |= {} if has_header else {"auto_detect": "false", "columns": f"{{{listed}}}"}
            arguments |= {"ignore_errors": "true"} if source.on_error is OnError.SKIP else {}
            function = "read_csv"
        case Encoding.JSON:
            arguments = {name: literal(given[name]) for name in _JSON_OPTIONS if name in given}
            arguments |= {"columns": f"{{{listed}}}"}
            function = "read_json"
        case Encoding.PARQUET:
            arguments = {name: given[name] for name in ("binary_as_string",) if name in given}
            arguments |= {"union_by_name": "true"}
            function = "read_parquet"
    return f"{function}({', '.join([files, *(f'{name} = {value}' for name, value in arguments.items())])})"


def _glob(source: FileSource) -> str:
    """All files of the source, as one glob of DuckDB's."""
    root, pattern = source.root.rstrip("/"), source.pattern
    if not has_magic(root) and Path(root).is_file():
        return re.sub(r"([*?\[])", r"[\1]", root)
    if has_magic(root):
        return root if pattern is None else f"{root}/{pattern}"
    if pattern is None:
        return f"{root}/**/{_FILES}"
    return f"{root}/{pattern}" if "/" in pattern else f"{root}/**/{pattern}"
