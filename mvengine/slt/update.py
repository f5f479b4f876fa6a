"""``--update``: expectations rewritten to what came, in the form in which they stand.

A regex stays a regex, a SQLSTATE a SQLSTATE, a hash a hash, one value a line one value a line, tabs tabs, Windows' line
ends Windows' line ends. What stands in a loop is left alone: it stands there for several answers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mvengine.slt.check import sqlstate_of
from mvengine.slt.flavors import Flavor
from mvengine.slt.parser import read_text
from mvengine.slt.reader import SEPARATOR, lines_of
from mvengine.slt.records import (
    ErrorCode,
    ErrorText,
    ExpectedRows,
    ExpectedSuccess,
    Query,
    Statement,
    System,
)
from mvengine.slt.results import RecordResult

_SPECIAL = re.compile(r"([\\.^$*+?{}\[\]|()])")


@dataclass(frozen=True, kw_only=True)
class Edit:
    """The lines from the first up to the second are replaced."""

    start: int
    end: int
    lines: tuple[str, ...]


def update_files(results: Iterable[RecordResult], flavor: Flavor) -> bool:
    """Rewrites the files in which the failures stand; whether anything has changed."""
    by_file: dict[str, list[RecordResult]] = {}
    for result in results:
        by_file.setdefault(result.record.source.file, []).append(result)
    changed = [file for file, found in by_file.items() if _update_file(found, flavor)]
    return bool(changed)


def _update_file(results: list[RecordResult], flavor: Flavor) -> bool:
    source = results[0].record.source
    before = read_text(source)
    after = updated(before, results, flavor)
    if after == before:
        return False
    write_text(source.file, after)
    return True


def write_text(file: str, text: str) -> None:
    """Replaces a file by a rename, so that it is never there by half."""
    new = Path(f"{file}.new")
    new.write_bytes(text.encode())
    os.replace(new, file)


def updated(text: str, results: Iterable[RecordResult], flavor: Flavor) -> str:
    """A script's text with the expectations of failures rewritten."""
    lines = lines_of(text)
    edits = [edit for result in results if not result.is_in_loop for edit in _edits(result, lines, flavor)]
    for edit in sorted(set(edits), key=lambda edit: edit.start, reverse=True):
        lines[edit.start : edit.end] = edit.lines
    end = "\r\n" if "\r\n" in text else "\n"
    return end.join(lines) + (end if text.endswith("\n") else "")


def _edits(result: RecordResult, lines: list[str], flavor: Flavor) -> list[Edit]:
    record = result.record
    match record.directive:
        case Query() | Statement() if result.error is not None:
            return _error_edits(result, lines, flavor)
        case Query(expected=ExpectedRows()) | System() if result.lines is not None:
            return [*_types_edit(result, lines), _below(result, result.lines)]
        case Query() if result.lines is not None:  # it was to fail
            header = _header(result, f"query {result.types}")
            return [header, _below(result, result.lines)]
        case Statement(expected=ExpectedSuccess(rows=rows)) if rows is not None and result.actual.isdecimal():
            words = lines[record.line - 1].split()
            words[2] = result.actual
            return [_header(result, " ".join(words))]
        case Statement() if result.error is None and result.actual == "success":
            return [_header(result, "statement ok"), _nothing_below(result)]
    return []


def _types_edit(result: RecordResult, lines: list[str]) -> list[Edit]:
    if not result.types:
        return []
    words = lines[result.record.line - 1].split()
    return [_header(result, " ".join([words[0], result.types, *words[2:]]))]


def _error_edits(result: RecordResult, lines: list[str], flavor: Flavor) -> list[Edit]:
    """The error that came, as the record expects one; as a regex where it expects none."""
    record, error = result.record, result.error
    assert error is not None
    kind = "query" if isinstance(record.directive, Query) else "statement"
    expected = getattr(record.directive, "expected", None)
    message = [line for line in str(error).split("\n") if line or not flavor.error_ends_at_empty_line]
    code = sqlstate_of(error)
    if isinstance(expected, ErrorCode) and code:
        return [_header(result, f"{kind} error ({code})")]
    if isinstance(expected, ErrorText) or flavor.has_connection_word:
        header = lines[record.line - 1] if isinstance(expected, ErrorText) else "statement error"
        return [_header(result, header), _below(result, tuple(message))]
    return [_header(result, f"{kind} error {_SPECIAL.sub(_escaped, message[0])}"), _nothing_below(result)]


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[1]}"


def _header(result: RecordResult, text: str) -> Edit:
    return Edit(start=result.record.line - 1, end=result.record.line, lines=(text,))


def _below(result: RecordResult, new: tuple[str, ...]) -> Edit:
    """What stands under ``----``, which is added where there is none."""
    record = result.record
    separator = () if record.has_separator else (SEPARATOR,)
    start = record.expected_from
    return Edit(start=start, end=max(record.expected_to, start), lines=(*separator, *new))


def _nothing_below(result: RecordResult) -> Edit:
    record = result.record
    start = record.expected_from - record.has_separator
    return Edit(start=start, end=max(record.expected_to, start), lines=())
