"""Whether a scenario determines what its views show: DuckDB must answer the same with its rows in another order.

A query may leave ties open, fail on some data, or meet a bug of DuckDB's optimizer; then a difference proves nothing.
"""

from __future__ import annotations

import duckdb
from bags import Bag, bag
from scenario import Epoch, Mode, Scenario
from scenario_run import Unfit

ORDERS = 4


def check_determined(scenario: Scenario) -> None:
    """Raises Unfit where it does not."""
    expected = _contents(scenario, salt=None, is_optimized=True)
    for salt in range(ORDERS):
        if _contents(scenario, salt=salt, is_optimized=salt % 2 == 0) != expected:
            raise Unfit("DuckDB answers otherwise with its rows in another order, or without its optimizer")


def _contents(scenario: Scenario, *, salt: int | None, is_optimized: bool) -> list[Bag]:
    """What every view holds at first, after each epoch, and after each statement that commits by itself."""
    with duckdb.connect(config={"threads": "1"}) as plain:
        if not is_optimized:
            plain.execute("PRAGMA disable_optimizer")
        try:
            for table in scenario.tables:
                plain.execute(table.sql)
            found = _followed(plain, scenario, scenario.filling, salt, is_filling=True)
            for view in scenario.views:
                plain.execute(view.plain_sql)
            found += _read(plain, scenario, salt)
            for epoch in scenario.epochs:
                found += _followed(plain, scenario, epoch, salt)
        except duckdb.Error as error:
            raise Unfit(str(error)) from error
        return found


def _followed(
    plain: duckdb.DuckDBPyConnection, scenario: Scenario, epoch: Epoch, salt: int | None, *, is_filling: bool = False
) -> list[Bag]:
    found: list[Bag] = []
    if epoch.mode is Mode.ROLLBACK:
        return found
    for position, write in enumerate(epoch.writes):
        plain.execute(write.sql)
        is_end = position == len(epoch.writes) - 1
        if not is_filling and (is_end or epoch.mode is Mode.AUTOCOMMIT):
            found += _read(plain, scenario, salt)
    if is_filling and salt is not None:
        _reorder(plain, scenario, salt)
    return found


def _read(plain: duckdb.DuckDBPyConnection, scenario: Scenario, salt: int | None) -> list[Bag]:
    if salt is not None:
        _reorder(plain, scenario, salt)
    return [bag(plain.execute(f"FROM {view.name}").fetchall()) for view in scenario.views]


def _reorder(plain: duckdb.DuckDBPyConnection, scenario: Scenario, salt: int) -> None:
    for table in scenario.tables:
        plain.execute(f"CREATE OR REPLACE TEMP TABLE reordered AS FROM {table.name} ORDER BY hash(rowid + {salt})")
        plain.execute(f"DELETE FROM {table.name}")
        plain.execute(f"INSERT INTO {table.name} FROM reordered")
