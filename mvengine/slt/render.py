"""How a value is printed: as DuckDB casts it to VARCHAR, with sqllogictest's ``NULL`` and ``(empty)``.

Statements run verbatim, so what is printed is the Python value that the driver returned, with the column's type. What a
Python value does not carry cannot be printed: the months of an INTERVAL (30 days each), nanoseconds, infinite dates.
A script that needs those casts the column to VARCHAR in its query.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal

_NEEDS_QUOTES = re.compile(r"""(?:null|\s.*|.*\s|.*[][{}(),:='"\\].*)?""", re.IGNORECASE | re.DOTALL)
_UNKNOWN = ""  # the type of what lies in a UNION or VARIANT
_FIELD = re.compile(r'(?:"(?:[^"]|"")*"|\S+)\s+(.*)', re.DOTALL)


def render(value: object, type_name: str) -> str:
    """``value`` of the column type ``type_name``, as DuckDB writes it (``DECIMAL(5,2)``, ``STRUCT(a INTEGER)[]``)."""
    if value is None:
        return "NULL"
    return _text(value, type_name) or "(empty)"


def _text(value: object, type_name: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return _shortest_single(value) if type_name == "FLOAT" else str(value)
        case Decimal():
            return f"{value:f}"
        case timedelta():
            return _interval(value)
        case datetime() | time():
            return _moment(value)
        case bytes() | bytearray() | memoryview():
            return "".join(chr(byte) if _is_plain(byte) else f"\\x{byte:02X}" for byte in bytes(value))
        case tuple() if type_name.startswith("TUPLE("):
            return f"({_join(value, _arguments(type_name))})"
        case list() | tuple():
            element_type = type_name[: type_name.rindex("[")] if type_name.endswith("]") else _UNKNOWN
            return f"[{_join(value, [element_type] * len(value))}]"
        case Mapping() if type_name.startswith("MAP("):
            key_type, value_type = _arguments(type_name)
            pairs = (f"{_nested(key, key_type)}={_nested(each, value_type)}" for key, each in value.items())
            return f"{{{', '.join(pairs)}}}"
        case Mapping():
            return f"{{{', '.join(_fields(value, type_name))}}}"
        case _:
            return str(value)


def _join(values: Iterable[object], types: Sequence[str]) -> str:
    return ", ".join(_nested(each, type_name) for each, type_name in zip(values, types, strict=True))


def _fields(value: Mapping[object, object], type_name: str) -> Iterable[str]:
    """``'name': value`` for each field of a STRUCT."""
    fields = _arguments(type_name) if type_name.startswith("STRUCT(") else [_UNKNOWN] * len(value)
    for (name, each), field in zip(value.items(), fields, strict=True):
        found = _FIELD.fullmatch(field)
        yield f"{_quoted(str(name))}: {_nested(each, found[1] if found else _UNKNOWN)}"


def _nested(value: object, type_name: str) -> str:
    """A value within another: quoted where its text could be taken for something else."""
    if value is None:
        return "NULL"
    text = _text(value, type_name)
    is_itself_nested = isinstance(value, list | tuple | Mapping) or type_name == "JSON"
    return _quoted(text) if not is_itself_nested and _NEEDS_QUOTES.fullmatch(text) else text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _arguments(type_name: str) -> list[str]:
    """The types, or fields with types, between the outermost parentheses of a type."""
    inner = type_name[type_name.index("(") + 1 : type_name.rindex(")")]
    arguments: list[str] = [""]
    depth, quote = 0, ""
    for character in inner:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        depth += (character == "(") - (character == ")") if not quote else 0
        if character == "," and depth == 0 and not quote:
            arguments.append("")
        else:
            arguments[-1] += character
    return [argument.strip() for argument in arguments]


def _shortest_single(value: float) -> str:
    """The shortest decimal that gives the same single-precision number: 9 digits are always enough."""
    for digits in range(1, 10):
        candidate = float(f"{value:.{digits}g}")
        if abs(candidate) <= 3.5e38 and _as_single(candidate) == value:
            return str(candidate)
    return str(value)


def _as_single(value: float) -> float:
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf")
    return single


def _moment(value: datetime | time) -> str:
    """ISO 8601 with a space; the fraction without trailing zeros; the offset without minutes where it has none."""
    text = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    text = re.sub(r"(\.\d*?)0+(?=$|[+-])", r"\1", text)
    return re.sub(r"([+-]\d\d):00$", r"\1", text)


def _interval(value: timedelta) -> str:
    """``1 day 02:00:03.5``: days, then the time with its sign."""
    total = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    sign = "-" if total < 0 else ""
    days, rest = divmod(abs(total), 86_400_000_000)
    seconds, micros = divmod(rest, 1_000_000)
    fraction = f".{micros:06d}".rstrip("0").rstrip(".")
    clock = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"
    day_text = f"{sign}{days} day{'s' if days != 1 else ''}"
    if not days:
        return clock
    return f"{day_text} {clock}" if rest else day_text


def _is_plain(byte: int) -> bool:
    """Whether DuckDB prints a byte of a BLOB as it is."""
    return 32 <= byte <= 126 and chr(byte) not in "\\'\""
