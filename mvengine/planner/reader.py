"""What the planner asks of the world: a protocol that the catalog satisfies, so that planning itself does no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mvengine.schema import Columns, Name


class RelationKind(StrEnum):
    TABLE = "table"
    REFRESHABLE = "refreshable table"
    MATERIALIZED_VIEW = "materialized view"
    VIEW = "view"
    TEMPORARY = "temporary table"
    FOREIGN = "table of another database"
    SYSTEM = "system view"


@dataclass(frozen=True, kw_only=True)
class Relation:
    """What a name means. ``storage`` is the SQL name that holds the rows; ``query`` the text of a plain view."""

    name: Name
    kind: RelationKind
    storage: str
    columns: Columns
    query: str | None


@dataclass(frozen=True, kw_only=True)
class UserFunction:
    """One form of a function in SQL. ``body`` is an expression, or the query of one that returns a table."""

    name: Name
    parameters: tuple[str, ...]
    types: tuple[str | None, ...]  # None: any
    returns_table: bool
    body: str


@dataclass(frozen=True, kw_only=True)
class FunctionFacts:
    """What the engine says of its functions, names in lower case."""

    aggregates: frozenset[str]
    volatile: frozenset[str]  # another result for each row or query: random(), now()
    macros: frozenset[str]  # the user's


class SchemaReader(Protocol):
    def resolve(self, catalog: str | None, schema: str | None, name: str) -> Relation | None:
        """The relation that the name means in this session, or None."""
        ...

    def describe(self, query: str) -> Columns:
        """Names and types of a query's columns. Raises BindError (with position) where the engine refuses the query."""
        ...

    def functions(self) -> FunctionFacts: ...

    def user_functions(self) -> tuple[UserFunction, ...]:
        """Functions in SQL that the user has made."""
        ...

    def table_names(self, query: str) -> list[tuple[str | None, str | None, str]]:
        """Catalog, schema and name of what a query reads, as the engine's parser sees it. Raises NotSupportedError."""
        ...
