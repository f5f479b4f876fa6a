"""Names, columns and keys as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

# Words that DuckDB (or the SQL standard) reserves: an identifier among them is always quoted.
_RESERVED_WORDS = """
    all analyse analyze and anti any array as asc asof asymmetric at authorization between binary both case cast
    check collate collation column concurrently constraint create cross default deferrable desc describe distinct do
    else end except exists false fetch for foreign freeze from full generated glob grant group having ilike in
    initially inner intersect into is isnull join lambda lateral leading left like limit map natural not notnull
    null offset on only or order outer overlaps pivot pivot_longer pivot_wider placing positional primary qualify
    references returning right row select semi show similar some struct summarize symmetric table tablesample then
    to trailing true try_cast union unique unpivot using values variadic when where window with
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


def quote(identifier: str) -> str:
    """The one function that writes an identifier into SQL: bare where that is safe, else in double quotes."""
    if _PLAIN.fullmatch(identifier) and identifier not in _RESERVED:
        return identifier
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, kw_only=True)
class Name:
    """The name of a table or view: schema and name as the user wrote them. Compared without regard to case."""

    schema: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """What equality and hashing go by: DuckDB's identifiers are case-insensitive."""
        return (self.schema.lower(), self.name.lower())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        if "." in self.schema + self.name:  # so that two names never read alike
            return f"{quote(self.schema)}.{quote(self.name)}"
        return self.name if self.schema == "main" else f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """Quoted, with its schema."""
        return f"{quote(self.schema)}.{quote(self.name)}"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its name, and its type as DuckDB writes it (``DECIMAL(15,2)``)."""

    name: str
    type: str


Columns = tuple[Column, ...]
