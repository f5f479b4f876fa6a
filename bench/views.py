"""Sides that keep many views over one change: mvengine, and plain DuckDB that makes each view's table again.

A change is a list of statements. It belongs to the timed part or comes before it; the commit is always timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter

import duckdb

import mvengine
from bench.orders_change import NO_CHECKPOINT, Cursor

Draw = Callable[[Cursor, int], Sequence[str]]
"""Draws the change of a round on one side's connection: the statements that a user writes."""


class MaintainedViews:
    """mvengine: one transaction, at whose commit all views follow."""

    name = "mvengine"

    def __init__(self, database: Path, views: Mapping[str, str], draw: Draw, *, is_change_timed: bool) -> None:
        self.connection = mvengine.connect(str(database))
        with self.connection.cursor() as other:  # the setting is global; the measured session keeps its defaults
            other.execute(NO_CHECKPOINT)
        for view, query in views.items():
            self.connection.execute(f"CREATE MATERIALIZED VIEW {view} AS {query}")
        self.draw, self.is_change_timed = draw, is_change_timed
        self.per_view: dict[str, list[float]] = {view: [] for view in views}
        self.modes: dict[str, str] = dict.fromkeys(views, "untouched")

    def prepare(self, number: int) -> None:
        self.script = [*self.draw(self.connection, number), "COMMIT"]
        self.connection.execute("BEGIN")
        if not self.is_change_timed:
            _run(self.connection, self.script[:-1])
            self.script = ["COMMIT"]

    def run(self) -> None:
        _run(self.connection, self.script)

    def note(self) -> None:
        """Keeps what the last round's maintenance of each view took, in milliseconds, and how it was done."""
        rows = self.connection.execute(
            "SELECT name, ms, mode FROM mv_catalog.maintenance_history "
            "WHERE epoch = (SELECT max(epoch) FROM mv_catalog.epochs)"
        ).fetchall()
        for view, ms, mode in rows:
            self.per_view[view].append(ms)
            self.modes[view] = mode

    def close(self) -> None:
        self.connection.close()


class RecomputedViews:
    """Plain DuckDB: the same statements, and each view's table made again."""

    name = "recompute"

    def __init__(self, database: Path, views: Mapping[str, str], draw: Draw, *, is_change_timed: bool) -> None:
        self.connection = duckdb.connect(str(database))
        self.connection.execute(NO_CHECKPOINT)
        self.views, self.draw, self.is_change_timed = views, draw, is_change_timed
        self.per_view: dict[str, list[float]] = {view: [] for view in views}
        for view in self.views:
            self._recompute(view)

    def prepare(self, number: int) -> None:
        self.script = self.draw(self.connection, number)
        self.connection.execute("BEGIN")
        if not self.is_change_timed:
            _run(self.connection, self.script)
            self.script = ()

    def run(self) -> None:
        _run(self.connection, self.script)
        for view, values in self.per_view.items():
            started = perf_counter()
            self._recompute(view)
            values.append((perf_counter() - started) * 1000)
        self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()

    def _recompute(self, view: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TABLE {view} AS {self.views[view]}")


def _run(connection: Cursor, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.execute(statement)
