"""Values of a result as text, in DuckDB's manner: ``[1, NULL]``, ``{'a': 1}``, ``{k=v}``."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from mvengine.repl.types import Type, parse_type

NULL = "NULL"

Write = Callable[[object], str]

# Control characters would move the cursor or worse (terminal escapes in somebody's data); a line break may stay.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_NUMBER_TYPE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL(\(.*\))?|DOUBLE|FLOAT|BIGNUM", re.IGNORECASE)
_TRAILING_ZEROS = re.compile(r"(\.\d*?)0+(?=$|[+-])")
_WHOLE_HOURS = re.compile(r"([+-]\d\d):00$")
_QUOTED_INSIDE = re.compile(r"""^$|^\s|\s$|[,'"()\[\]{}:=\\]|^null$""", re.IGNORECASE)


@lru_cache(maxsize=1024)
def text_of(type_: str) -> Write:
    """How values of a type (as DuckDB writes it) become text. What it returns takes no None at the top.

    A string is its own text, whatever the type: of some types DuckDB gives no values but these.
    """
    write = _writer(parse_type(type_))
    return lambda value: value if isinstance(value, str) else write(value)


def show(value: object, write: Write, *, null: str = NULL) -> str:
    """``value`` as a person reads it on a screen: no control characters, and a string is never mistaken for a NULL."""
    if value is None:
        return null
    text = escape(write(value))
    return f"'{text}'" if text == null else text


def escape(text: str) -> str:
    r"""``text`` without control characters: they become ``\x1b``, a tab becomes ``\t``. Line breaks stay."""
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def is_number(type_: str) -> bool:
    """Whether values of the type (``DECIMAL(15,2)``, ``hugeint``) stand to the right in their column."""
    return _NUMBER_TYPE.fullmatch(type_) is not None


def _writer(type_: Type) -> Write:
    match type_.name:
        case "LIST" | "ARRAY":
            item = _inside(_writer(type_.items[0]))
            return lambda value: "[" + ", ".join(map(item, value)) + "]"  # type: ignore[call-overload]  # a list
        case "STRUCT":
            fields = [(_quoted(name), _inside(_writer(inner))) for name, inner in type_.fields]
            return lambda value: _struct(value, fields)
        case "TUPLE":
            items = [_inside(_writer(inner)) for inner in type_.items]
            return lambda value: f"({', '.join(write(it) for write, it in zip(items, value, strict=True))})"  # type: ignore[call-overload]  # a tuple
        case "MAP":
            key, item = (_inside(_writer(inner)) for inner in type_.items)
            return lambda value: "{" + ", ".join(f"{key(k)}={item(v)}" for k, v in value.items()) + "}"  # type: ignore[attr-defined]  # a dict
        case "FLOAT":
            return _float
        case _:
            return _scalar


def _scalar(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case bytes() | bytearray() | memoryview():
            return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02X}" for byte in bytes(value))
        case datetime():
            return _clock(value.isoformat(sep=" "))
        case time():
            return _clock(value.isoformat())
        case timedelta():
            return _interval(value)
        case None:
            return NULL
        case list() | tuple():
            return "[" + ", ".join(map(_inside(_scalar), value)) + "]"
        case _:
            return str(value)


def _inside(write: Write) -> Write:
    """The text of a value within a nested one, quoted where it would not be told from what stands around it."""

    def written(value: object) -> str:
        if value is None:
            return NULL
        text = write(value)
        is_nested = isinstance(value, (list, tuple, dict, bytes, bytearray))
        return text if is_nested or _QUOTED_INSIDE.search(text) is None else _quoted(text)

    return written


def _struct(value: object, fields: list[tuple[str, Write]]) -> str:
    assert isinstance(value, dict)
    pairs = zip(fields, value.values(), strict=True)
    return "{" + ", ".join(f"{name}: {write(item)}" for (name, write), item in pairs) + "}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _float(value: object) -> str:
    """The shortest text that reads back as the same 4-byte float; Python holds it as a double."""
    assert isinstance(value, float)
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", value):
            break
    return str(float(text))


def _clock(text: str) -> str:
    """A time as DuckDB writes it: ``10:00:00.5+02`` for Python's ``10:00:00.500000+02:00``."""
    return _WHOLE_HOURS.sub(r"\1", _TRAILING_ZEROS.sub(r"\1", text))


def _interval(value: timedelta) -> str:
    """Days and time. Months are lost on the way to Python: ``exact`` asks DuckDB for the text where it can."""
    days, rest = divmod(abs(value), timedelta(days=1))
    sign = "-" if value < timedelta(0) else ""
    parts = [f"{sign}{days} day{'' if days == 1 else 's'}"] if days else []
    if rest or not days:
        parts.append(sign + _clock((datetime.min + rest).time().isoformat()))
    return " ".join(parts)
