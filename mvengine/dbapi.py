"""PEP 249's constructors and type objects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time

Date = date
Time = time
Timestamp = datetime
Binary = bytes


def DateFromTicks(ticks: float) -> date:  # noqa: N802 - PEP 249 fixes the name
    """The local date of a time in seconds since 1970."""
    return date.fromtimestamp(ticks)


def TimeFromTicks(ticks: float) -> time:  # noqa: N802 - PEP 249 fixes the name
    """The local time of day of a time in seconds since 1970."""
    return datetime.fromtimestamp(ticks).time()


def TimestampFromTicks(ticks: float) -> datetime:  # noqa: N802 - PEP 249 fixes the name
    """The local date and time of a time in seconds since 1970."""
    return datetime.fromtimestamp(ticks)


class TypeObject:
    """Equal to the type codes of ``description`` that it stands for: ``con.description[0][1] == mvengine.NUMBER``."""

    def __init__(self, name: str, types: Iterable[str]) -> None:
        self._name = name
        self._types = frozenset(types)

    def __eq__(self, other: object) -> bool:
        return other is self or (not isinstance(other, TypeObject) and _kind(str(other)) in self._types)

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f"mvengine.{self._name}"


def _kind(type_: str) -> str:
    """The type without its parameters; all types that hold others are one kind."""
    if type_.endswith("]"):
        return "NESTED"
    head = type_.partition("(")[0].upper()
    return "NESTED" if head in ("STRUCT", "MAP", "UNION", "LIST", "ARRAY", "VARIANT") else head


_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_TIMESTAMPS = ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")

STRING = TypeObject("STRING", ("VARCHAR", "ENUM", "UUID", "JSON", '"NULL"', "NULL"))
BINARY = TypeObject("BINARY", ("BLOB", "BIT", "GEOMETRY"))
NUMBER = TypeObject(
    "NUMBER",
    (*_INTEGERS, *(f"U{name}" for name in _INTEGERS), "BIGNUM", "DECIMAL", "FLOAT", "DOUBLE", "BOOLEAN"),
)
DATETIME = TypeObject("DATETIME", ("DATE", "TIME", "TIME WITH TIME ZONE", "TIME_NS", "INTERVAL", *_TIMESTAMPS))
ROWID = TypeObject("ROWID", ())
"""DuckDB's row ids are BIGINT, as other numbers are: no type code is equal to this one."""
NESTED = TypeObject("NESTED", ("NESTED",))
"""Beyond PEP 249: lists, arrays, structs, maps and unions."""
