"""Answers of our own statements, left open on the connection like any other result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mvengine.schema import Column, quote

if TYPE_CHECKING:
    from mvengine.session import Session


def answer(session: Session, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    """Opens a result with these rows."""
    cells = ", ".join(f"unnest(CAST(${i} AS {c.type}[])) AS {quote(c.name)}" for i, c in enumerate(columns, 1))
    session.engine.execute(f"SELECT {cells}", [[row[i] for row in rows] for i in range(len(columns))])


def filtered(session: Session, columns: Sequence[Column], rows: Sequence[Sequence[Any]], pattern: str | None) -> None:
    """Opens a result with those of the rows whose first value is LIKE the pattern."""
    cells = ", ".join(f"unnest(CAST(${i} AS {c.type}[])) AS {quote(c.name)}" for i, c in enumerate(columns, 1))
    sql = f"SELECT * FROM (SELECT {cells}) WHERE {quote(columns[0].name)} ILIKE ${len(columns) + 1}"
    session.engine.execute(sql, [*([row[i] for row in rows] for i in range(len(columns))), pattern or "%"])


def count(session: Session, rows: int) -> None:
    """The answer of a write: how many rows."""
    session.rowcount = rows
    session.engine.execute('SELECT CAST($1 AS BIGINT) AS "Count"', [rows])


def text(session: Session, name: str, lines: Sequence[str]) -> None:
    """A column of text, a line a row."""
    answer(session, (Column(name=name, type="VARCHAR"),), [(line,) for line in lines])


def done(session: Session) -> None:
    """The answer of a statement that has none: no rows."""
    session.engine.execute("SELECT true AS Success WHERE false")
