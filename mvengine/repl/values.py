"""One value of a result as text."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

NULL = "NULL"

# Control characters would move the cursor or worse (terminal escapes in somebody's data); a line break may stay.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

_NUMBER_TYPE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL(\(.*\))?|DOUBLE|FLOAT|BIGNUM", re.IGNORECASE)


def show(value: object) -> str:
    """``value`` as a person reads it. A string that reads NULL is quoted, so that a NULL is never mistaken."""
    match value:
        case None:
            return NULL
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{value}'" if value == NULL else escape(value)
        case Decimal():
            return format(value, "f")
        case bytes() | bytearray():
            return "\\x" + value.hex()
        case datetime():
            return value.isoformat(sep=" ")
        case list() | tuple():
            return "[" + ", ".join(show(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{show(key)}: {show(item)}" for key, item in value.items()) + "}"
        case _:
            return escape(str(value))


def escape(text: str) -> str:
    r"""``text`` without control characters: they become ``\x1b``, a tab becomes ``\t``. Line breaks stay."""
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def is_number(type_: str) -> bool:
    """Whether values of the type (``DECIMAL(15,2)``, ``hugeint``) stand to the right in their column."""
    return _NUMBER_TYPE.fullmatch(type_) is not None
