"""TPC-H: as Parquet, and as a plain DuckDB file whose copies the sides of a case start from; and files of any size."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mvengine.demo.tpch import KEYS, generate
from mvengine.schema import literal


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """``tpch`` holds a folder of Parquet files a table; ``scratch`` is gone after the case."""

    tpch: Path
    scale: float
    scratch: Path

    @property
    def files(self) -> Path:
        """``tpch``, made unless it is there. It is only read."""
        return prepare(self.tpch, self.scale)

    def copy_of(self, name: str, original: Path) -> Path:
        """A database file of its own for one side."""
        return Path(shutil.copy(original, self.scratch / f"{name}.duckdb"))


def prepare(directory: Path, scale: float) -> Path:
    """The folder of Parquet files, generated unless all tables are there. Errors: those of ``demo.tpch.generate``."""
    if not all(any((directory / table).glob("*.parquet")) for table in KEYS):
        directory.mkdir(parents=True, exist_ok=True)
        generate(directory, scale=scale)
    return directory


def load_plain(workspace: Workspace, tables: tuple[str, ...]) -> Path:
    """A DuckDB file with these tables, rows in the order of their keys as TPC-H makes them."""
    path = workspace.scratch / "base.duckdb"
    if path.exists():
        return path
    with duckdb.connect(str(path)) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM {parquet(workspace.files / table)}")
    return path


def parquet(folder: Path) -> str:
    """A table function that reads all files of a folder, by their numbers."""
    files = sorted(folder.glob("*.parquet"), key=file_number)
    return f"read_parquet([{', '.join(literal(str(path)) for path in files)}])"


def file_number(path: Path) -> int:
    """7 of ``orders.7.parquet``."""
    return int(path.name.split(".")[-2])


COLUMNS = "id BIGINT, customer BIGINT, name VARCHAR, price DOUBLE, day DATE, code VARCHAR"
ROW_BYTES = {"csv": 88, "parquet": 50}  # of a row of generated files


def write_rows(path: Path, rows: range) -> None:
    """A generated file, CSV or Parquet by its name, whose rows have these ids and do not compress well."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            COPY (
                SELECT i AS id, i * 7919 % 1000003 AS customer, 'order number ' || i AS name,
                       i % 100000 / 100.0 AS price, DATE '2020-01-01' + (i % 2000)::INT AS day, md5(i::VARCHAR) AS code
                FROM range({rows.start}, {rows.stop}) AS r(i)
            ) TO {literal(str(path))}
            """
        )
