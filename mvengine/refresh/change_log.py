"""Change logs: the deltas of past epochs, kept for as long as a consumer still needs them.

The log of a relation is a table of its epochs' changes, (_mv_epoch, columns that its consumers read, _mv_weight). Who
writes the relation appends to it in the same transaction, so that a snapshot which shows epoch E of the relation shows
its log up to E too. A consumer with its cursor at C that sees epoch E takes what stands between, as one change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mvengine.engines.base import Engine
from mvengine.planner.delta import delta_name
from mvengine.planner.emit import bag
from mvengine.planner.logical import WEIGHT
from mvengine.planner.twins import twins_of
from mvengine.schema import Columns, Name, quote

_EPOCH = "_mv_epoch"


def log_table(name: Name) -> str:
    """The quoted name of a relation's change log."""
    return f"mv_state.{quote(f'{name}$log')}"


def create_logs(engine: Engine, logged: Mapping[Name, Columns]) -> None:
    """The logs that consumers want, as far as they are not there; a log that is there gets columns that it lacks. (Rows
    that have none are of epochs before the consumer that reads them.)"""
    names = [f"{name}$log".lower() for name in logged]
    present = engine.query(
        "SELECT lower(table_name) FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = 'mv_state' AND list_contains($1::VARCHAR[], lower(table_name))",
        [names],
    )
    for (name, columns), table in zip(logged.items(), names, strict=True):
        if (table,) not in present:
            listed = [f"{quote(column.name)} {column.type}" for column in columns]
            engine.query(
                f"CREATE TABLE {log_table(name)} ({', '.join([f'{_EPOCH} BIGINT', *listed, f'{WEIGHT} BIGINT'])})"
            )
            continue
        known = {row[0].lower() for row in engine.query(f"DESCRIBE FROM {log_table(name)}")}
        for column in columns:
            if column.name.lower() not in known:
                engine.query(f"ALTER TABLE {log_table(name)} ADD COLUMN {quote(column.name)} {column.type}")


def append(engine: Engine, name: Name, columns: Columns, epoch: int) -> None:
    """Adds the change that stands in the relation's change table now."""
    names = "".join(f"{quote(column.name)}, " for column in columns)
    engine.query(
        f"INSERT INTO {log_table(name)} ({_EPOCH}, {names}{WEIGHT}) "
        f"SELECT {epoch}, {names}{WEIGHT} FROM {quote(delta_name(name))}"
    )


def take(engine: Engine, name: Name, columns: Columns, after: int) -> int:
    """Puts what the epochs after ``after`` did, consolidated, into the relation's change table; returns its rows."""
    change = quote(delta_name(name))
    rows = f"SELECT * FROM {log_table(name)} WHERE {_EPOCH} > {after}"
    if columns:
        made = bag.consolidate(rows, [column.name for column in columns], twins_of(columns), change)
    else:
        total = f"CAST(sum({WEIGHT}) AS BIGINT) AS {WEIGHT}"
        made = (
            f"CREATE OR REPLACE TEMP TABLE {change} AS SELECT {total} FROM ({rows}) AS change HAVING sum({WEIGHT}) <> 0"
        )
    return int(engine.query(made)[0][0])


def waiting_rows(engine: Engine, names: Iterable[Name], after: int) -> int:
    """How many rows the logs hold that a consumer at epoch ``after`` has not read."""
    return sum(
        int(engine.query(f"SELECT count(*) FROM {log_table(name)} WHERE {_EPOCH} > {after}")[0][0]) for name in names
    )


def trim(engine: Engine, cursors: Mapping[Name, int]) -> None:
    """Deletes what all consumers have read."""
    for name, epoch in cursors.items():
        engine.query(f"DELETE FROM {log_table(name)} WHERE {_EPOCH} <= {epoch}")


def drop_logs(engine: Engine, names: Iterable[Name]) -> None:
    for name in names:
        engine.query(f"DROP TABLE IF EXISTS {log_table(name)}")
