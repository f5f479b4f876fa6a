"""What all parts of the store share: a cursor, a clock, and how rows become values and values rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from mvengine.errors import InternalError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)

Row = tuple[Any, ...]

_FEW_ROWS, _FEW_IDS = 2, 16
"""Up to here the plainer form of a statement is quicker: measured, in DuckDB 2.0, where planning is all."""


class Result(Protocol):
    def fetchall(self) -> list[Row]: ...


class Cursor(Protocol):
    """The little of a DuckDB cursor that meta needs."""

    def execute(self, query: str, parameters: Any = None, /) -> Result: ...


@runtime_checkable
class Fetching(Protocol):
    """A cursor whose errors, those of fetching too, are mvengine's own: an interrupt may come at either."""

    def fetched(self, query: str, parameters: Any = None, /) -> list[Row]: ...


class StoreBase:
    def __init__(self, cursor: Cursor, clock: Callable[[], datetime]) -> None:
        self._cursor = cursor
        self._clock = clock

    def _rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        if isinstance(self._cursor, Fetching):
            return self._cursor.fetched(sql, parameters)
        return self._cursor.execute(sql, parameters).fetchall()

    def _now(self) -> datetime:
        return utc(self._clock())

    def _insert(self, table: str, types: Mapping[str, str], rows: Sequence[Row]) -> None:
        """Append rows to a table of mv_meta by one statement: few as values, many as a list for each column.
        ``types``: column name → type."""
        if not rows:
            return
        head = f"INSERT INTO mv_meta.{table} ({', '.join(types)})"
        if len(rows) <= _FEW_ROWS:
            one = f"({', '.join('?' * len(types))})"
            self._cursor.execute(f"{head} VALUES {', '.join([one] * len(rows))}", [it for row in rows for it in row])
            return
        lists = ", ".join(f"unnest(${i}::{type_}[])" for i, type_ in enumerate(types.values(), start=1))
        self._cursor.execute(f"{head} SELECT {lists}", [list(column) for column in zip(*rows, strict=True)])


def of_relations(relation_ids: Iterable[int]) -> str:
    """The condition that a row is of one of these relations. Numbers need no parameters, which cost time."""
    ids = [str(int(id_)) for id_ in relation_ids]
    if 0 < len(ids) <= _FEW_IDS:
        return f"relation_id IN ({', '.join(ids)})"
    return f"list_contains('[{', '.join(ids)}]'::BIGINT[], relation_id)"


def utc(moment: datetime) -> datetime:
    """An aware time as the naive UTC time that TIMESTAMP columns hold."""
    if moment.tzinfo is None:
        raise InternalError(
            f"the clock gave {moment.isoformat()}, a time without a time zone", hint="use datetime.now(UTC)"
        )
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(value: Any) -> Any:
    """A time out of a TIMESTAMP column as an aware one; any other value as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def records(kind: type[Record], rows: Iterable[Row]) -> tuple[Record, ...]:
    """Rows as values of a dataclass, columns in the order of its fields."""
    names = [field.name for field in fields(kind)]
    return tuple(kind(**dict(zip(names, map(aware, row), strict=True))) for row in rows)
