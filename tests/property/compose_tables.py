"""Tables for composed queries, and epochs that change all of them: values are few, so that rows meet and vanish.

A column has a kind, which decides what a query may do with it; kinds are coarser than types.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from scenario import Epoch, Mode, TableStep, Write

ROWS_MAX, INSERTED_MAX = 9, 5


class Kind(StrEnum):
    """``APPROXIMATE``: a double that is only looked at, since its last digits may differ; ``LIST``: of numbers."""

    NUMBER = "number"
    DOUBLE = "double"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"
    LIST = "list"
    APPROXIMATE = "approximate"


COMPARABLE = (Kind.NUMBER, Kind.NUMBER, Kind.DOUBLE, Kind.TEXT, Kind.DATE, Kind.TIMESTAMP, Kind.BOOLEAN)

TYPES = {
    "INTEGER": Kind.NUMBER,
    "BIGINT": Kind.NUMBER,
    "DECIMAL(6,2)": Kind.NUMBER,
    "DOUBLE": Kind.DOUBLE,
    "VARCHAR": Kind.TEXT,
    "DATE": Kind.DATE,
    "TIMESTAMP": Kind.TIMESTAMP,
    "BOOLEAN": Kind.BOOLEAN,
    "INTEGER[]": Kind.LIST,
}
VALUES = {
    "INTEGER": ("0", "1", "2", "3"),
    "BIGINT": ("0", "1", "2", "3"),
    "DECIMAL(6,2)": ("0", "1", "2.50", "-3"),
    "DOUBLE": ("0", "0.5", "1", "-2.25"),
    "VARCHAR": ("''", "'a'", "'b'", "'B'"),
    "DATE": ("'2024-02-28'", "'2024-02-29'", "'2024-03-01'"),
    "TIMESTAMP": ("'2024-02-29 00:00'", "'2024-02-29 12:30'", "'2024-03-01 00:00'"),
    "BOOLEAN": ("true", "false"),
    "INTEGER[]": ("[]", "[1]", "[1, 2, 2]", "[NULL, 3]"),
}
RARE = {"DOUBLE": ("'NaN'", "'Infinity'", "'-Infinity'", "-0.0"), "BIGINT": ("9007199254740993",)}


@dataclass(frozen=True, kw_only=True)
class Column:
    """``sql`` is how it is named in a query."""

    sql: str
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or a view to read from."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class Base:
    """A table with its column types; its first column is ``k``, an INTEGER, alone its key where it has one."""

    name: str
    types: dict[str, str]
    has_key: bool

    @property
    def step(self) -> TableStep:
        columns = [f"{column} {type_}" for column, type_ in self.types.items()]
        columns[0] += " PRIMARY KEY" * self.has_key
        return TableStep(name=self.name, sql=f"CREATE TABLE {self.name} ({', '.join(columns)})")

    @property
    def relation(self) -> Relation:
        columns = tuple(Column(sql=name, kind=TYPES[type_]) for name, type_ in self.types.items())
        return Relation(name=self.name, columns=columns)


def random_base(random: Random, number: int) -> Base:
    types = {"k": "INTEGER"}
    for name in ("a", "b", "c", "d")[: random.randint(1, 4)]:
        types[name] = random.choice(("INTEGER", *TYPES))
    return Base(name=f"t{number}", types=types, has_key=random.random() < 0.2)


def filling(random: Random, tables: list[Base]) -> Epoch:
    """Before the views are there."""
    writes = tuple(
        _insert(random, table, rows=random.randint(3, ROWS_MAX)) for table in tables if random.random() < 0.9
    )
    return Epoch(mode=Mode.AUTOCOMMIT, writes=writes)


def random_epoch(random: Random, tables: list[Base]) -> Epoch:
    """Of every table rows go, come and change, in any order; half of the epochs are one transaction."""
    writes = []
    for table in tables:
        if random.random() < 0.7:
            writes.append(_delete(random, table))
        if random.random() < 0.8:
            writes.append(_insert(random, table, rows=random.randint(1, INSERTED_MAX)))
        if random.random() < 0.5:
            writes.append(_update(random, table))
    random.shuffle(writes)
    mode = random.choice((Mode.AUTOCOMMIT, Mode.AUTOCOMMIT, Mode.COMMIT, Mode.COMMIT, Mode.COMMIT, Mode.ROLLBACK))
    return Epoch(mode=mode, writes=tuple(writes))


def value(random: Random, type_: str) -> str:
    chance = random.random()
    if chance < 0.2:
        return "NULL"
    if chance < 0.23 and type_ in RARE:
        return random.choice(RARE[type_])
    return random.choice(VALUES[type_])


def _insert(random: Random, table: Base, *, rows: int) -> Write:
    inserted = []
    for _ in range(rows):
        values = [value(random, type_) for type_ in table.types.values()]
        if table.has_key:
            values[0] = str(random.randint(0, 6))
        inserted.append(f"({', '.join(values)})")
    verb = "INSERT OR IGNORE INTO" if table.has_key else "INSERT INTO"
    return _write(random, table, f"{verb} {table.name} VALUES {', '.join(inserted)}")


def _delete(random: Random, table: Base) -> Write:
    where = "" if random.random() < 0.1 else f" WHERE {_where(random, table)}"
    return _write(random, table, f"DELETE FROM {table.name}{where}")


def _update(random: Random, table: Base) -> Write:
    column = random.choice([name for name in table.types if name != "k" or not table.has_key])
    changed = f"SET {column} = {value(random, table.types[column])}"
    return _write(random, table, f"UPDATE {table.name} {changed} WHERE {_where(random, table)}")


def _where(random: Random, table: Base) -> str:
    column, type_ = random.choice(list(table.types.items()))
    if random.random() < 0.2:
        return f"{column} IS NULL"
    return f"{column} = {random.choice(VALUES[type_])}"


def _write(random: Random, table: Base, sql: str) -> Write:
    return Write(target=table.name, sql=sql, is_checked=random.random() < 0.05)
