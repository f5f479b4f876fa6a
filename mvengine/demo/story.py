"""The demo from beginning to end. Everything it prints is measured in the run."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mvengine
from mvengine.demo import plain, report
from mvengine.demo.change import Change, change_files
from mvengine.demo.tpch import KEYS, VIEWS, generate
from mvengine.errors import InternalError, OperationalError
from mvengine.schema import literal

if TYPE_CHECKING:
    from rich.console import Console

    from mvengine import Connection


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where everything is: the Parquet files, mvengine's database, and the one for the comparison."""

    files: Path
    database: Path
    comparison: Path


def run(*, scale: float, directory: Path | None, is_kept: bool) -> None:
    """Generate, load, change, refresh, compare. Raises ``InternalError`` if a view differs from its query."""
    from rich.console import Console

    console = Console(highlight=False)
    folders = _prepare(directory)
    with report.steps(console) as tick:
        tick(f"generating TPC-H at scale {scale:g}")
        generated = generate(folders.files, scale=scale)
    report.files(console, folders.files, generated, scale=scale)

    with mvengine.connect(str(folders.database)) as connection:
        _load(console, connection, folders)
        change = change_files(folders.files)
        report.change(console, change)
        _refresh(console, connection, folders, change)
        _refresh_again(console, connection)
    if not is_kept:
        shutil.rmtree(folders.files)
        folders.comparison.unlink()
    report.farewell(console, folders.database, is_kept=is_kept)


def _prepare(directory: Path | None) -> Folders:
    if directory is None:
        directory = Path(tempfile.mkdtemp(prefix="mvengine-demo-"))
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise OperationalError(f"{directory} is not empty", code="58P02", hint="give an empty or a new folder")
    root = directory.resolve()
    return Folders(files=root / "files", database=root / "demo.duckdb", comparison=root / "plain.duckdb")


def _load(console: Console, connection: Connection, folders: Folders) -> None:
    """Declare tables and views and fill them for the first time."""
    start = time.perf_counter()
    rows = 0
    with report.steps(console, total=len(KEYS) + len(VIEWS)) as tick:
        for table, key in KEYS.items():
            tick(f"loading table {table}")
            source = literal(str(folders.files / table))
            connection.execute(f"CREATE TABLE {table} REFRESHABLE FROM {source} PRIMARY KEY ({key})")
            rows += _rows(connection, f"REFRESH TABLE {table}")[0]["rows_inserted"]
        for view, query in VIEWS.items():
            tick(f"building view {view}")
            connection.execute(f"CREATE MATERIALIZED VIEW {view} AS {query}")
    report.loaded(console, rows=rows, tables=len(KEYS), views=len(VIEWS), seconds=time.perf_counter() - start)


def _refresh(console: Console, connection: Connection, folders: Folders, change: Change) -> None:
    """Refresh after the change, do the same work in plain DuckDB, and compare times and contents."""
    with report.steps(console, total=3 + len(KEYS) + len(VIEWS)) as tick:
        tick("refreshing")
        start = time.perf_counter()
        refreshed = _rows(connection, "REFRESH ALL")
        seconds = time.perf_counter() - start
        history = _rows(
            connection,
            "SELECT name, strategy, output_rows, ms FROM mv_catalog.maintenance_history"
            f" WHERE epoch = {max(row['epoch'] for row in refreshed)}",
        )
        tick("loading and computing everything in plain DuckDB")
        plain_seconds = plain.recompute(folders.comparison, files=folders.files, tables=KEYS, views=VIEWS)
        differences = plain.count_differences(
            connection, folders.comparison, [*KEYS, *VIEWS], tick=lambda name: tick(f"comparing {name}")
        )
    report.comparison(
        console,
        refreshed=refreshed,
        history={row["name"]: row for row in history},
        seconds=seconds,
        plain_seconds=plain_seconds,
        differences=differences,
    )
    wrong = [name for name, rows in differences.items() if rows]
    if wrong:
        raise InternalError(f"not equal to the plain result: {', '.join(wrong)}", hint="please report this as a bug")


def _refresh_again(console: Console, connection: Connection) -> None:
    """Refresh with nothing changed."""
    start = time.perf_counter()
    refreshed = _rows(connection, "REFRESH ALL")
    report.idle(console, files_read=sum(row["files_read"] for row in refreshed), seconds=time.perf_counter() - start)


def _rows(connection: Connection, sql: str) -> list[dict[str, Any]]:
    """The result as one dictionary a row."""
    connection.execute(sql)
    names = [str(entry[0]) for entry in connection.description or ()]
    return [dict(zip(names, row, strict=True)) for row in connection.fetchall()]
