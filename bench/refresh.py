"""Refreshes from files: nothing changed in eight tables, and one file of sixteen changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb

import mvengine
from bench.agree import check_equal
from bench.data import Workspace, file_number, parquet
from bench.measure import Goal, Measurement
from bench.run import Run
from mvengine.demo.tpch import KEYS
from mvengine.schema import literal

TABLE, KEY = "lineitem", "l_linenumber"
CHANGED_PART = 1_000  # one row in so many of a changed file is another one


def unchanged_files(run: Run) -> Iterator[Measurement]:
    """REFRESH TABLE of all eight tables when no file has changed: the price of looking."""
    side = Unchanged(run.workspace)
    try:
        yield run.compare("8 tables, nothing changed", [side], (Goal(side=side.name, most=10),))
    finally:
        side.connection.close()


def one_file(run: Run) -> Iterator[Measurement]:
    """REFRESH TABLE after one file has changed in 0.1 % of its rows, and what it takes to load everything again."""
    folder = Path(shutil.copytree(run.workspace.files / TABLE, run.workspace.scratch / TABLE))
    refreshed, reloaded = Refreshed(run.workspace, folder), Reloaded(run.workspace, folder)
    goals = (Goal(side=refreshed.name, over=reloaded.name, most=1),)
    try:
        yield run.compare("one file of lineitem changed", [refreshed, reloaded], goals)
    finally:
        refreshed.connection.close()
        reloaded.connection.close()
    check_equal([refreshed.path, reloaded.path], tables=(), view=TABLE, query=f"FROM {parquet(folder)}")


def _declare(connection: mvengine.Connection, table: str, folder: Path) -> None:
    connection.execute(f"CREATE TABLE {table} REFRESHABLE FROM {literal(str(folder))} PRIMARY KEY ({KEYS[table]})")
    connection.execute(f"REFRESH TABLE {table}")


def _files_read(connection: mvengine.Connection, statement: str) -> int:
    """The sum of what a REFRESH says it has read."""
    connection.execute(statement)
    names = [entry[0] for entry in connection.description or ()]
    return sum(int(row[names.index("files_read")]) for row in connection.fetchall())


class Unchanged:
    """All tables of TPC-H, refreshed over and over."""

    name = "mvengine"

    def __init__(self, workspace: Workspace) -> None:
        self.connection = mvengine.connect(str(workspace.scratch / "unchanged.duckdb"))
        for table in KEYS:
            _declare(self.connection, table, workspace.files / table)

    def prepare(self, number: int) -> None:
        """Nothing changes."""

    def run(self) -> None:
        read = _files_read(self.connection, f"REFRESH TABLE {', '.join(KEYS)}")
        assert read == 0, f"{read} files were read although none had changed"


class Refreshed:
    """mvengine after a change of one file, which it makes when it prepares a round."""

    name = "mvengine"

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.path = workspace.scratch / "refreshed.duckdb"
        self.connection = mvengine.connect(str(self.path))
        self.files = sorted(folder.glob("*.parquet"), key=file_number)
        _declare(self.connection, TABLE, folder)

    def prepare(self, number: int) -> None:
        change_file(self.files[number % len(self.files)])

    def run(self) -> None:
        read = _files_read(self.connection, f"REFRESH TABLE {TABLE}")
        assert read == 1, f"{read} files were read, 1 had changed"


class Reloaded:
    """Plain DuckDB: the table made again from all files."""

    name = "full reload"

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.path = workspace.scratch / "reloaded.duckdb"
        self.connection = duckdb.connect(str(self.path))
        self.folder = folder

    def prepare(self, number: int) -> None:
        """The other side changes the file."""

    def run(self) -> None:
        self.connection.execute(f"CREATE OR REPLACE TABLE {TABLE} AS FROM {parquet(self.folder)}")


def change_file(path: Path) -> None:
    """Writes a file anew, beside it first, with other values in a few rows."""
    written = path.with_name(f".{path.name}")
    changed = f"hash(l_orderkey, {KEY}) % {CHANGED_PART} = 0"
    duckdb.execute(
        f"COPY (SELECT * REPLACE (CASE WHEN {changed} THEN l_extendedprice + 1 ELSE l_extendedprice END "
        f"AS l_extendedprice) FROM read_parquet({literal(str(path))})) TO {literal(str(written))} (FORMAT parquet)"
    )
    written.rename(path)
