"""Names, columns and keys as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

# Words that DuckDB (or the SQL standard) reserves: an identifier among them is always quoted.
_RESERVED = frozenset(
    ["all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "at", "both", "case", "cast", "check", "collate", "column", "constraint", "create", "default", "deferrable", "desc", "describe", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from", "grant", "group", "having", "in", "initially", "intersect", "into", "lambda", "lateral", "leading", "limit", "not", "null", "offset", "on", "only", "or", "order", "pivot", "pivot_longer", "pivot_wider", "placing", "primary", "qualify", "references", "returning", "select", "show", "some", "summarize", "symmetric", "table", "then", "to", "trailing", "true", "union", "unique", "unpivot", "using", "variadic", "when", "where", "window", "with", "left", "right", "full", "inner", "outer", "cross", "join", "natural", "semi", "anti", "asof", "positional", "is", "isnull", "notnull", "like", "ilike", "similar", "between", "glob", "tablesample", "authorization", "binary", "collation", "concurrently", "freeze", "generated", "map", "overlaps", "struct", "try_cast", "values", "row", "exists"]
)


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
