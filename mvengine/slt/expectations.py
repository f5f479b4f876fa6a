"""The line of a ``statement`` or ``query`` -> what it expects, apart from the text under ``----``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mvengine.slt.durations import seconds_of
from mvengine.slt.reader import Reader
from mvengine.slt.records import AnyError, ErrorCode, ErrorPattern, ErrorText, ExpectedError, Retry
from mvengine.slt.settings import Sort

SORTS = {str(mode): mode for mode in Sort}
_SQLSTATE = re.compile(r"\(([0-9A-Z]{5})\)")
_PGCODE = re.compile(r"pgcode\s+(\w{5})\b\s*")
_TYPES = re.compile(r"[A-Za-z?]+")
_OPTION = re.compile(r"partialsort\((\d+(?:,\d+)*)\)|(\w+)")
_OPTION_LIST = re.compile(rf"(?:{_OPTION.pattern})(?:,(?:{_OPTION.pattern}))*")
_TRACES = frozenset({"noticetrace", "kvtrace", "nodeidx", "async", "round", "match"})
_OPTIONS = frozenset({*SORTS, "sort", "colnames", "multiline", "retry"}) | _TRACES
_COCKROACH_RETRY = Retry(attempts_max=100, backoff_seconds=0.1)
_ANY = AnyError()


@dataclass(kw_only=True)
class Header:
    """The words behind ``query``, read."""

    types: str = ""
    sort: Sort | None = None
    sort_columns: tuple[int, ...] = ()
    label: str | None = None
    connection: str | None = None
    retry: Retry | None = None
    has_names: bool = False
    is_multiline: bool = False
    unsupported: str | None = None  # an option that needs CockroachDB


def read_header(reader: Reader) -> Header:
    """``[types [options] [label] [retry N backoff D]]``. Errors: ``ScriptError``."""
    header = Header()
    words = reader.words[1:]
    if not words:
        return header
    header.types = words.pop(0)
    if not _TYPES.fullmatch(header.types):
        raise reader.error(f"'query' takes one letter a column, as in 'query IT rowsort'; found {header.types!r}")
    has_options = bool(words) and _read_options(header, words)
    if has_options:
        words.pop(0)
    if words and words[0] != "retry" and not has_options and reader.flavor.has_connection_word:
        header.connection = words.pop(0)
    if words and words[0] != "retry":
        header.label = words.pop(0)
    if words and words[0] != "retry" and not words[0].startswith("#"):
        raise reader.error(f"unexpected {' '.join(words)!r} after the label {header.label!r}")
    header.retry = read_retry(reader, words) or header.retry
    return header


def _read_options(header: Header, words: list[str]) -> bool:
    """Whether the first word is a list of options; sets them."""
    if len(words) > 1 and words[0] == "retry" and words[1].isdecimal():
        return False
    if words[0] in SORTS:
        header.sort = SORTS[words[0]]
        return True
    if not _OPTION_LIST.fullmatch(words[0]):
        return False
    found = [("partialsort", columns) if columns else (name, "") for columns, name in _OPTION.findall(words[0])]
    if not all(name in _OPTIONS for name, _ in found):
        return False
    for name, columns in found:
        match name:
            case "sort":
                header.sort = Sort.ROWS
            case "colnames":
                header.has_names = True
            case "multiline":
                header.is_multiline = True
            case "retry":
                header.retry = _COCKROACH_RETRY
            case _ if name in _TRACES:
                header.unsupported = name
            case _:
                header.sort = SORTS[name]
                header.sort_columns = tuple(int(column) - 1 for column in columns.split(",")) if columns else ()
    return True


def read_retry(reader: Reader, words: list[str]) -> Retry | None:
    """``retry N backoff D``, or None where no words are left. Errors: ``ScriptError``."""
    match words:
        case []:
            return None
        case [remark, *_] if remark.startswith("#"):
            return None
        case ["retry", count, "backoff", duration] if count.isdecimal() and int(count) > 0:
            seconds = seconds_of(duration)
            if seconds is not None:
                return Retry(attempts_max=int(count), backoff_seconds=seconds)
    raise reader.error(f"{' '.join(words)!r} is not understood", hint="write 'retry 3 backoff 500ms'")


def read_error(reader: Reader, regex: str) -> tuple[ExpectedError, Retry | None]:
    """What stands behind ``error``: nothing, a regex, ``(SQLSTATE)``, ``pgcode SQLSTATE [regex]`` or ``retry …``."""
    if not regex:
        return _ANY, None
    if regex.startswith("retry ") and len(words := regex.split()) == 4 and words[2] == "backoff":
        return _ANY, read_retry(reader, words)
    if code := _SQLSTATE.fullmatch(regex):
        return ErrorCode(sqlstate=code[1]), None
    sqlstate = None
    if code := _PGCODE.match(regex):
        sqlstate, regex = code[1], regex[code.end() :]
        if not regex:
            return ErrorCode(sqlstate=sqlstate), None
    try:
        return ErrorPattern(pattern=re.compile(regex), sqlstate=sqlstate), None
    except re.error as cause:
        raise reader.error(f"{regex!r} is not a regular expression: {cause}") from cause


def read_error_text(reader: Reader, inline: ExpectedError) -> ExpectedError:
    """The text under ``----``, if there is one, in the place of ``AnyError``. Errors: ``ScriptError``."""
    if not reader.has_separator:
        return inline
    if not isinstance(inline, AnyError):
        raise reader.error("the expected error is given twice: after 'error' and under '----'")
    text = reader.text()
    if not text and reader.flavor.is_error_text_part:
        return inline
    return ErrorText(text=text, is_part=reader.flavor.is_error_text_part)
