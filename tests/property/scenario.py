"""A scenario: tables, views over them, and epochs of random changes; as values that print as a script of SQL.

Scenarios are made from a seed (``scenario_tables``, ``scenario_views``), run against mvengine and against plain DuckDB
side by side (``scenario_run``), and made small when they fail (``scenario_shrink``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How the statements of an epoch are run."""

    AUTOCOMMIT = "autocommit"
    COMMIT = "one transaction"
    ROLLBACK = "a transaction that is rolled back"


@dataclass(frozen=True, kw_only=True)
class TableStep:
    """A base table. ``sql`` is its CREATE TABLE."""

    name: str
    sql: str


@dataclass(frozen=True, kw_only=True)
class ViewStep:
    """A view. ``reads``: the tables and views that its query names. ``is_plain``: a view of DuckDB's own."""

    name: str
    query: str
    reads: frozenset[str]
    policy: str
    is_plain: bool

    @property
    def sql(self) -> str:
        if self.is_plain:
            return self.plain_sql
        return f"CREATE MATERIALIZED VIEW {self.name} WITH (policy = '{self.policy}') AS {self.query}"

    @property
    def plain_sql(self) -> str:
        return f"CREATE VIEW {self.name} AS {self.query}"


@dataclass(frozen=True, kw_only=True)
class Write:
    """A statement that writes ``target``. ``is_checked``: views are compared after it, inside the transaction too."""

    target: str
    sql: str
    is_checked: bool


@dataclass(frozen=True, kw_only=True)
class Epoch:
    mode: Mode
    writes: tuple[Write, ...]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    seed: int
    tables: tuple[TableStep, ...]
    filling: Epoch  # before the views are there
    views: tuple[ViewStep, ...]
    epochs: tuple[Epoch, ...]

    def script(self) -> str:
        """The scenario as SQL, to be pasted."""
        lines = [f"-- seed {self.seed}"]
        lines += [f"{table.sql};" for table in self.tables]
        lines += [f"{write.sql};" for write in self.filling.writes]
        lines += [f"{view.sql};" for view in self.views]
        for number, epoch in enumerate(self.epochs, 1):
            lines.append(f"-- epoch {number}: {epoch.mode}")
            is_explicit = epoch.mode is not Mode.AUTOCOMMIT
            lines += ["BEGIN;"] * is_explicit
            lines += [f"{write.sql};{'  -- views are read here' * write.is_checked}" for write in epoch.writes]
            lines += ["COMMIT;" if epoch.mode is Mode.COMMIT else "ROLLBACK;"] * is_explicit
        return "\n".join(lines)
