"""Changes on their way from a write to the views: temporary tables of captured rows, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.engines.base import Engine, Parameters
from mvengine.planner.delta import delta_name
from mvengine.planner.logical import WEIGHT
from mvengine.schema import Columns, Name, quote

FILE_ID = "_file_id"
"""The hidden column of refreshable tables: the number of the file that a row came from; NULL after DML."""


def no_rows(columns: str, source: str) -> str:
    """A query for nothing, with the types of ``columns`` of ``source``: what CREATE TABLE … AS makes an empty table of.

    Where such a query ran in parallel (as with LIMIT 0), DuckDB 2.0 loses what the same transaction inserts into the
    table in parallel, which it does from 122,880 rows on. A join with an empty list does not.
    """
    nothing = "(SELECT unnest(CAST([] AS INTEGER[])) AS _mv_nothing) AS nothing"
    return f"SELECT {columns} FROM {nothing} LEFT JOIN {source} ON false"


@dataclass(frozen=True, kw_only=True)
class CapturedTable:
    """A relation whose changes are captured: where its rows are, and which of its columns somebody reads. ``twins`` are
    those of them whose equal values may differ (see planner/twins.py)."""

    name: Name
    storage: str
    used: tuple[str, ...]
    twins: Columns

    @property
    def change(self) -> str:
        """The quoted name of the temporary table of its changes."""
        return quote(delta_name(self.name))

    @property
    def selected(self) -> str:
        """The used columns for a SELECT or RETURNING that a weight follows."""
        return "".join(f"{quote(column)}, " for column in self.used)

    def create(self) -> str:
        columns = f"{self.selected}CAST(1 AS BIGINT) AS {WEIGHT}"
        return f"CREATE TEMP TABLE IF NOT EXISTS {self.change} AS {no_rows(columns, self.storage)}"


def capture_rows(engine: Engine, table: CapturedTable, rows: str, weight: int) -> None:
    """Adds rows to a change: ``rows`` is what follows SELECT … (FROM …)."""
    engine.query(f"INSERT INTO {table.change} SELECT {table.selected}{weight} {rows}")


def returning(table: CapturedTable) -> str:
    """The RETURNING list that captures the used columns: at least one, as the grammar wants."""
    return ", ".join(quote(column) for column in table.used) or "1"


def capture_statement(engine: Engine, table: CapturedTable, statement: str, parameters: Parameters, weight: int) -> int:
    """Runs an INSERT (or DELETE) and captures the rows that it touches; returns their number."""
    sql = (
        f"WITH touched AS ({statement} RETURNING {returning(table)}) "
        f"INSERT INTO {table.change} SELECT {table.selected}{weight} FROM touched"
    )
    return int(engine.query(sql, parameters)[0][0])
