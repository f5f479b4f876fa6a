"""A workload: tables, many views over them, and the changes of an epoch; each as files of SQL in a folder.

``tables.sql`` makes and fills the tables, ``views/NAME.sql`` is a query each (they are made in the order of their
names), ``changes.sql`` has ``{epoch}`` in it. Everything runs on mvengine and, side by side, on plain DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from bags import Bag, bag, shown

import mvengine


@dataclass(frozen=True, kw_only=True)
class Workload:
    """``data``: what stands for ``{data}`` in ``tables.sql``."""

    folder: Path
    data: str = ""

    @property
    def tables(self) -> list[str]:
        return _statements((self.folder / "tables.sql").read_text().replace("{data}", self.data))

    @property
    def views(self) -> dict[str, str]:
        return {path.stem: path.read_text() for path in sorted((self.folder / "views").glob("*.sql"))}

    def changes(self, epoch: int) -> list[str]:
        return _statements((self.folder / "changes.sql").read_text().replace("{epoch}", str(epoch)))


class Run:
    """Both databases, with the views of the workload."""

    def __init__(self, workload: Workload, connection: mvengine.Connection, plain: duckdb.DuckDBPyConnection) -> None:
        self.workload, self.connection, self.plain = workload, connection, plain
        self.views = workload.views
        for statement in workload.tables:
            self._both(statement)
        for name, query in self.views.items():
            connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")
            plain.execute(f"CREATE VIEW {name} AS {query}")
        self.contents: dict[str, Bag] = {}
        self.moved: set[str] = set()
        self.compare("after CREATE")

    def epoch(self, number: int, *, in_one_transaction: bool) -> None:
        """All changes of the epoch, then all comparisons."""
        if in_one_transaction:
            self._both("BEGIN")
        for statement in self.workload.changes(number):
            self._both(statement)
        if in_one_transaction:
            self._both("COMMIT")
        self.compare(f"after epoch {number}")

    def compare(self, when: str) -> None:
        """Every table has its rows, and every view its query's rows and types."""
        tables = [name for (name,) in self.plain.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        for name in (*tables, *self.views):
            found = self.connection.execute(f"FROM {name}")
            expected = self.plain.execute(f"FROM {name}")
            described = [[column[:2] for column in side.description or []] for side in (found, expected)]
            assert described[0] == described[1], f"columns of {name} {when}"
            rows, wanted = bag(found.fetchall()), bag(expected.fetchall())
            assert rows == wanted, f"{name} {when}: {shown(rows, wanted)}"
            if self.contents.setdefault(name, rows) != rows:
                self.moved.add(name)
            self.contents[name] = rows

    def strategies(self) -> dict[str, tuple[str, str]]:
        """By view: its strategy, and the reason for it."""
        rows = self.connection.execute("SELECT name, strategy, reason FROM mv_catalog.materialized_views").fetchall()
        return {name: (strategy, reason) for name, strategy, reason in rows}

    def _both(self, statement: str) -> None:
        self.plain.execute(statement)
        self.connection.execute(statement)


def _statements(script: str) -> list[str]:
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]
