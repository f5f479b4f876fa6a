"""What refreshable tables must hold after a refresh, said in Python: R02 and R04 of the behaviours of refreshes.

Three tables over one folder: ``bag`` without a key, ``keyed`` in which the last row of a key wins (files in path order,
rows in file order), and ``first`` with ON CONFLICT DO NOTHING, in which a stored row stays while any file has its key.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[int, int | None, str]
TABLES = ("bag", "keyed", "first")
_SCHEMA = pa.schema([("id", pa.int32()), ("x", pa.int32()), ("s", pa.string())])


@dataclass
class Folder:
    """Files on disk, and what is in them. Every write gives a file a new time."""

    root: Path
    is_parquet: bool
    files: dict[str, tuple[int, list[Row]]] = field(default_factory=dict)  # name -> (version, rows)
    version: int = 0

    def path(self, name: str) -> Path:
        return self.root / f"{name}.{'parquet' if self.is_parquet else 'csv'}"

    def write(self, name: str, rows: list[Row]) -> None:
        path = self.path(name)
        if self.is_parquet:
            pq.write_table(
                pa.Table.from_pylist([dict(zip(("id", "x", "s"), r, strict=True)) for r in rows], _SCHEMA), path
            )
        else:
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([("id", "x", "s"), *rows])
        self.version += 1
        os.utime(path, ns=(0, 1_700_000_000_000_000_000 + self.version * 1_000_000_000))
        self.files[name] = (self.version, rows)

    def remove(self, name: str) -> None:
        self.path(name).unlink()
        del self.files[name]

    def rename(self, name: str, other: str) -> None:
        self.path(name).rename(self.path(other))
        self.files[other] = self.files.pop(name)

    def rows(self) -> list[Row]:
        """All rows, in the order of paths and of files."""
        return [row for name in sorted(self.files) for row in self.files[name][1]]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What REFRESH TABLE answers, and the table afterwards."""

    contents: Counter[Row]
    files_read: int
    files_skipped: int
    rows_inserted: int
    rows_updated: int
    rows_deleted: int


@dataclass
class TableModel:
    """One table: the versions of the files at its last refresh, and whether DML has touched it since."""

    name: str
    loaded: dict[str, int] = field(default_factory=dict)
    is_dirty: bool = False

    def refresh(self, folder: Folder, before: Counter[Row], *, is_full: bool) -> Expected:
        """``before``: what the table holds now."""
        versions = {name: version for name, (version, _) in folder.files.items()}
        read = versions if is_full or self.is_dirty else {n: v for n, v in versions.items() if self.loaded.get(n) != v}
        after = self._contents(folder, before)
        if self.name == "bag":
            counts = ((after - before).total(), 0, (before - after).total())
        else:
            old, new = {row[0]: row for row in before}, {row[0]: row for row in after}
            updated = sum(old[key] != new[key] for key in old.keys() & new.keys())
            counts = (len(new.keys() - old.keys()), updated, len(old.keys() - new.keys()))
        self.loaded, self.is_dirty = versions, False
        return Expected(
            contents=after,
            files_read=len(read),
            files_skipped=len(versions) - len(read),
            rows_inserted=counts[0],
            rows_updated=counts[1],
            rows_deleted=counts[2],
        )

    def _contents(self, folder: Folder, before: Counter[Row]) -> Counter[Row]:
        rows = folder.rows()
        if self.name == "bag":
            return Counter(rows)
        if self.name == "keyed":
            return Counter({row[0]: row for row in rows}.values())
        stored = {row[0]: row for row in before}
        return Counter({row[0]: stored.get(row[0], row) for row in reversed(rows)}.values())
