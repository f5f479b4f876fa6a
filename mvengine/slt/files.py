"""Which files are scripts, and DuckDB's ``<FILE>:`` with expected rows."""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mvengine.errors import OperationalError, ProgrammingError

_COLLECTED = (".slt", ".test")  # from folders: a part belongs to the scripts that include it


def find(paths: Iterable[Path | str], filter_pattern: str | None = None) -> list[str]:
    """Files, all scripts below folders, and globs, each once; only those whose path has a match of the pattern.

    Errors: ``OperationalError``, if a path matches nothing; ``ProgrammingError``, for what is no regular expression.
    """
    try:
        pattern = re.compile(filter_pattern) if filter_pattern is not None else None
    except re.error as cause:
        raise ProgrammingError(f"{filter_pattern!r} is not a regular expression: {cause}", code="2201B") from cause
    found = dict.fromkeys(file for path in paths for file in _files(str(path)))
    return [file for file in found if pattern is None or pattern.search(file)]


def _files(path: str) -> list[str]:
    if Path(path).is_dir():
        found = sorted(str(file) for file in Path(path).rglob("*") if file.name.endswith(_COLLECTED) and file.is_file())
    else:
        found = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
    if not found:
        raise OperationalError(
            f"no sqllogictest file at {path}", hint=f"give files, folders with *{' or *'.join(_COLLECTED)}, or globs"
        )
    return found


def result_lines(lines: Sequence[str], script: str) -> tuple[str, ...]:
    """The expected lines; those of a file, with a header and parted by ``|``, where ``<FILE>:path`` names one.

    Errors: ``OperationalError``, where it is not to be found.
    """
    if len(lines) != 1 or not lines[0].startswith("<FILE>:"):
        return tuple(lines)
    name = lines[0].removeprefix("<FILE>:").strip()
    folders = (Path.cwd(), *Path(script).absolute().parents)
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path is None:
        raise OperationalError(f"there is no file {name}", hint="the path is relative to a folder above the script")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="|"))[1:]
    return tuple("\t".join(value if value != "" else "NULL" for value in row) for row in rows)
