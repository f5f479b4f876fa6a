"""Runs a scenario on mvengine and, side by side, on plain DuckDB, where every view is an ordinary one.

After every epoch: both have the same tables; each view is its query's bag, with its types; what nothing touched keeps
its epoch. Statements count and return the same rows in both, and fail in both or in none.
"""

from __future__ import annotations

from typing import Any

import duckdb
from bags import Bag, bag, shown
from scenario import Epoch, Mode, Scenario, ViewStep, Write

import mvengine

Strategies = dict[str, tuple[str, str]]
"""By view: its strategy, and the reason for it."""


class Mismatch(AssertionError):  # noqa: N818 - what was found, not an error of the test
    """mvengine and plain DuckDB disagree."""


def run(scenario: Scenario) -> Strategies:
    """How each view is maintained. Raises Mismatch where the two disagree, or where DuckDB fails in mvengine only."""
    try:
        with mvengine.connect() as connection, duckdb.connect() as plain:
            return _Run(scenario, connection, plain).run()
    except mvengine.Error as error:  # of closing, after a fatal one
        raise Mismatch(f"mvengine fails\n{type(error).__name__}: {error}") from error


class _Run:
    def __init__(self, scenario: Scenario, connection: mvengine.Connection, plain: duckdb.DuckDBPyConnection) -> None:
        self.scenario = scenario
        self.connection = connection
        self.plain = plain
        self.materialized = [view for view in scenario.views if not view.is_plain]
        self.inputs = _transitive_inputs(scenario.views)
        self.relations = [table.name for table in scenario.tables]  # what exists by now
        self.contents: dict[str, Bag] = {}
        self.epochs: dict[str, int] = {}

    def run(self) -> Strategies:
        for table in self.scenario.tables:
            self.connection.execute(table.sql)
            self.plain.execute(table.sql)
        self._epoch(self.scenario.filling)
        for view in self.scenario.views:
            self.plain.execute(view.plain_sql)
            self._expected(view.name)
            self._mv(view.sql)
            self.relations.append(view.name)
        self._compare("after CREATE")
        self._remember()
        for number, epoch in enumerate(self.scenario.epochs, 1):
            self._epoch(epoch)
            self._compare(f"after epoch {number}")
            self._compare_epochs(epoch, number)
            self._remember()
        self._refresh()
        rows = self._mv("SELECT name, strategy, reason FROM mv_catalog.materialized_views")
        return {name: (strategy, reason) for name, strategy, reason in rows}

    def _mv(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs what plain DuckDB accepts: any error is a mismatch."""
        try:
            return self.connection.execute(sql).fetchall()
        except mvengine.Error as error:
            raise Mismatch(f"mvengine refuses: {sql}\n{type(error).__name__}: {error}") from error

    # -- epochs ----------------------------------------------------------------------------------------------------

    def _epoch(self, epoch: Epoch) -> None:
        is_explicit = epoch.mode is not Mode.AUTOCOMMIT
        if is_explicit:
            self._both("BEGIN")
        for write in epoch.writes:
            if not self._write(write) and is_explicit:
                self._both("ROLLBACK")
                return
            if write.is_checked:
                self._compare(f"after {write.sql}")
        if is_explicit:
            self._both("COMMIT" if epoch.mode is Mode.COMMIT else "ROLLBACK")

    def _both(self, sql: str) -> None:
        self._mv(sql)
        self.plain.execute(sql)

    def _write(self, write: Write) -> bool:
        """Runs a statement on both; False where both refuse it."""
        expected: Bag | None
        try:
            expected, refusal = bag(self.plain.execute(write.sql).fetchall()), ""
        except duckdb.Error as error:
            if "delete all rows from index" in str(error):  # DuckDB's own, of DELETE … USING that meets a row twice
                raise Unfit(str(error)) from error
            expected, refusal = None, str(error)
        try:
            found: Bag | None = bag(self.connection.execute(write.sql).fetchall())
        except mvengine.Error as error:
            if expected is not None:
                raise Mismatch(f"mvengine refuses: {write.sql}\n{type(error).__name__}: {error}") from error
            return False
        if expected is None and "constraint violation" in refusal:  # DuckDB checks keys row by row, as rows are stored
            raise Unfit(refusal)
        if expected is None:
            raise Mismatch(f"plain DuckDB refuses what mvengine does: {write.sql}\n{refusal}")
        if found != expected:
            raise Mismatch(f"{write.sql}\nreturned {shown(found, expected)}")
        return True

    # -- comparisons -----------------------------------------------------------------------------------------------

    def _compare(self, when: str) -> None:
        for name in self.relations:
            expected = self._expected(name)
            found = bag(self._mv(f"FROM {name}"))
            if found != expected:
                raise Mismatch(f"{name} {when}: {shown(found, expected)}")
            self._compare_columns(name, when)

    def _compare_columns(self, name: str, when: str) -> None:
        described = f"SELECT column_type FROM (DESCRIBE {name})"
        types, wanted = self._mv(described), self.plain.execute(described).fetchall()
        names = [column[0] for column in self.connection.execute(f"FROM {name}").description or []]
        wanted_names = [column[0] for column in self.plain.execute(f"FROM {name}").description or []]
        if (types, names) != (wanted, wanted_names):
            raise Mismatch(f"{name} {when}: columns {names} {types}, its query has {wanted_names} {wanted}")

    def _expected(self, name: str) -> Bag:
        try:
            return bag(self.plain.execute(f"FROM {name}").fetchall())
        except duckdb.Error as error:  # the query itself fails: an overflow, a bad cast
            raise Unfit(str(error)) from error

    def _compare_epochs(self, epoch: Epoch, number: int) -> None:
        """What changed has the epoch of the change; what no statement reached has kept its own."""
        now = self._epochs()
        touched = {write.target for write in epoch.writes} if epoch.mode is not Mode.ROLLBACK else set()
        for view in self.materialized:
            has_changed = bag(self._mv(f"FROM {view.name}")) != self.contents[view.name]
            has_moved = now[view.name] != self.epochs[view.name]
            if has_moved and not self.inputs[view.name] & touched:
                raise Mismatch(f"{view.name} has another epoch after epoch {number}, which did not touch its inputs")
            if has_changed and not has_moved:
                raise Mismatch(f"{view.name} shows other rows after epoch {number} under its old epoch")

    def _epochs(self) -> dict[str, int]:
        return dict(self._mv("SELECT name, epoch FROM mv_catalog.materialized_views"))  # type: ignore[arg-type]

    def _remember(self) -> None:
        self.contents = {view.name: bag(self._mv(f"FROM {view.name}")) for view in self.materialized}
        self.epochs = self._epochs()

    def _refresh(self) -> None:
        """Rebuilt views are the same, and equal to their queries as computed on this connection: by DuckDB's own
        comparison, or where that differs, by all but the last digits of doubles, which no order of additions gives."""
        for view in self.materialized:
            self._mv(f"REFRESH MATERIALIZED VIEW {view.name} FULL")
        self._compare("after REFRESH … FULL")
        for view in self.materialized:
            for left, right in ((view.name, f"({view.query})"), (f"({view.query})", view.name)):
                if not (rows := self._mv(f"FROM {left} EXCEPT ALL FROM {right}")):
                    continue
                if bag(self._mv(f"FROM {left}")) != bag(self._mv(f"FROM {right}")):
                    raise Mismatch(f"FROM {left} EXCEPT ALL FROM {right}: {rows[:5]}")


class Unfit(Exception):  # noqa: N818 - no error, the scenario proves nothing
    """The scenario's own queries fail in plain DuckDB."""


def _transitive_inputs(views: tuple[ViewStep, ...]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for view in views:
        found[view.name] = view.reads.union(*(found.get(name, frozenset()) for name in view.reads))
    return found
