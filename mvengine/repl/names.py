"""What the database knows by name: for completion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mvengine.errors import Error

if TYPE_CHECKING:
    from mvengine.repl.shell import Shell

OUR_WORDS = (
    "refreshable",
    "refresh",
    "materialized",
    "encode",
    "plain",
    "format",
    "incremental",
    "background",
    "lineage",
)

_COLUMNS = """
SELECT schema_name, table_name, column_name, lower(data_type) FROM duckdb_columns()
WHERE NOT internal AND database_name <> 'mv_system'
  AND (schema_name = 'mv_catalog' OR NOT starts_with(schema_name, 'mv_'))
  AND schema_name NOT IN ('information_schema', 'pg_catalog')
ORDER BY schema_name = 'mv_catalog', schema_name, table_name, column_index
"""
_FUNCTIONS = """
SELECT DISTINCT function_name FROM duckdb_functions() WHERE regexp_matches(function_name, '^[a-z]\\w*$') ORDER BY 1
"""
_KEYWORDS = "SELECT keyword_name FROM duckdb_keywords() ORDER BY 1"
_SETTINGS = "SELECT name FROM duckdb_settings() ORDER BY 1"


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or view with its columns: their names and types."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]


class Names:
    """Reads the catalog when it is asked, and again after ``forget``. In a failed transaction it knows nothing new."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._relations: tuple[Relation, ...] | None = None

    def forget(self) -> None:
        """A statement may have changed what there is."""
        self._relations = None
        self.__dict__.pop("functions", None)

    @property
    def relations(self) -> tuple[Relation, ...]:
        """Tables and views, the user's before those of ``mv_catalog``."""
        if self._relations is None:
            columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
            for schema, table, column, type_ in self._rows(_COLUMNS):
                columns.setdefault((schema, table), []).append((column, type_))
            self._relations = tuple(
                Relation(schema=schema, name=name, columns=tuple(found)) for (schema, name), found in columns.items()
            )
        return self._relations

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """Names of functions that are words."""
        return self._first(_FUNCTIONS)

    @cached_property
    def keywords(self) -> tuple[str, ...]:
        """DuckDB's and ours, in lower case."""
        return tuple(sorted({*self._first(_KEYWORDS), *OUR_WORDS}))

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """Names of settings."""
        return self._first(_SETTINGS)

    def _first(self, query: str) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in self._rows(query))

    def _rows(self, query: str) -> Sequence[tuple[str, ...]]:
        try:
            return self._shell.query(query)
        except Error:
            return []
