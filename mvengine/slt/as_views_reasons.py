"""Why a query cannot be a view that is compared: the engine's words, brought under classes that can be counted."""

from __future__ import annotations

import re

from mvengine.slt.check import sqlstate_of

_CLASSES = (
    (re.compile(r"cannot have parameters"), "it has parameters"),
    (re.compile(r"temporary table"), "it reads a temporary table, or one of the system"),
    (re.compile(r"cannot call \S+\(\)"), "it has a side effect"),
    (re.compile(r"collation"), "texts under a collation"),
    (re.compile(r"cannot read rowid"), "it reads rowid"),
    (re.compile(r"attached"), "it reads an attached database"),
)
_UNSETTLED = re.compile(r"the volatile function \S+|USING SAMPLE|TABLESAMPLE|\S+, which follows the clock")
_OUTSIDE = re.compile(r"it reads the table function (\S+)")
_PARTICULARS = re.compile(r""""[^"]*"|'[^']*'|\b\d[\d.]*\b""")
_POSITION = re.compile(r" \(line \d+, column \d+\)$")


def reason_of(error: Exception) -> str:
    """The class of an error with which a view is refused: without names and numbers, where it has none of its own."""
    message = _POSITION.sub("", str(error).partition("\n")[0])
    for pattern, reason in _CLASSES:
        if pattern.search(message):
            return reason
    return f"{_PARTICULARS.sub('…', message)} ({sqlstate_of(error) or type(error).__name__})"


def unsettled_by(reason: str, *, reads_clock: bool) -> str | None:
    """Why a view that was made is not to be compared; ``reason`` is the one that it has for its strategy."""
    if reads_clock:
        return "not deterministic: it reads the clock"
    if found := _UNSETTLED.search(reason):
        return f"not deterministic: {found[0]}"
    if found := _OUTSIDE.search(reason):
        return f"it reads what is no table: {found[1]}"
    return None
