"""A load of many Parquet files: killed at the half and gone on with, against a fresh one; how soon one can be stopped.

The files are loaded four to a stage. What a killed process had staged durably is not read again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

import mvengine
from bench.data import COLUMNS, ROW_BYTES, write_rows
from bench.measure import Goal, Measurement
from bench.run import Run
from mvengine.schema import literal

FILES, FILES_A_STAGE = 64, 4
STAGES = FILES // FILES_A_STAGE
RATIO_MAX = 0.6


def resume(run: Run) -> Iterator[Measurement]:
    """A load that was killed when half of its files were staged, from opening the database until all is published."""
    files = write_files(run)
    resumed, fresh = Resumed(files), Fresh(files)
    goals = (Goal(side=resumed.name, over=fresh.name, most=RATIO_MAX),)
    case = f"{total_size(files) / 1e9:.2g} GB, killed at 50 %"
    try:
        yield run.compare(case, [resumed, fresh], goals)
    finally:
        resumed.close()
        fresh.close()
    for unit in ("CPU ms", "files", "MB"):
        values = {side.name: tuple(spent[unit] for spent in side.spent) for side in (resumed, fresh)}
        yield Measurement(case=f"{case}, spent", values=values, goals=goals, unit=unit)


def stop(run: Run) -> Iterator[Measurement]:
    """How long PAUSE and CANCEL take while it runs: a pause waits for the end of a stage, a cancel interrupts it."""
    files = write_files(run)
    for side in (Stopped(files, "PAUSE"), Stopped(files, "CANCEL")):
        try:
            yield run.compare(f"{total_size(files) / 1e9:.2g} GB, {side.name}", [side], ())
        finally:
            side.close()


def write_files(run: Run) -> Path:
    """A folder of files, ``run.size`` GB in all."""
    folder = run.workspace.scratch / "files"
    folder.mkdir()
    rows = int((run.size or 1.0) * 1e9 / ROW_BYTES["parquet"] / FILES)
    for number in range(FILES):
        write_rows(folder / f"part.{number:02}.parquet", range(number * rows, (number + 1) * rows))
    return folder


def total_size(files: Path) -> int:
    return sum(path.stat().st_size for path in files.iterdir())


class Load:
    """A database with one table, made anew for each round. With 16 MB a file, stages have their default size."""

    name: str

    def __init__(self, files: Path) -> None:
        self.files = files
        self.staging_batch_bytes = FILES_A_STAGE * max(path.stat().st_size for path in files.iterdir())
        self.path = files.parent / f"{type(self).__name__.lower()}.duckdb"
        self.connection: mvengine.Connection | None = None

    def prepare(self, number: int) -> None:
        """A database whose table has not been loaded."""
        self.close()
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()
        connection = self.open()
        source = f"REFRESHABLE FROM {literal(str(self.files))}"
        connection.execute(f"CREATE TABLE t ({COLUMNS}, PRIMARY KEY (id)) {source}")

    def open(self) -> mvengine.Connection:
        self.connection = mvengine.connect(str(self.path), staging_batch_bytes=self.staging_batch_bytes)
        return self.connection

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Fresh(Load):
    """A load from nothing."""

    name = "fresh"

    def __init__(self, files: Path) -> None:
        super().__init__(files)
        self.spent: list[dict[str, float]] = []

    def prepare(self, number: int) -> None:
        super().prepare(number)
        super().close()
        self.spent += [self.still_to_read()] if number else []  # the round 0 is to warm up

    def run(self) -> None:
        self.work("REFRESH TABLE t")

    def work(self, statement: str) -> None:
        """Opens the database and waits for the load. Processor time tells of it on a machine that does more, too."""
        started = time.process_time()
        self.open().execute(statement)
        if self.spent:
            self.spent[-1]["CPU ms"] = (time.process_time() - started) * 1000

    def still_to_read(self) -> dict[str, float]:
        """What is not staged, by what the database file says."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            staged = connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM mv_meta.staged_files").fetchall()
        return {"files": FILES - staged[0][0], "MB": (total_size(self.files) - staged[0][1]) / 1e6}

    def close(self) -> None:
        """Checks what ``run`` has led to."""
        if self.connection is not None:
            checks = {
                "SELECT count(*), count(DISTINCT file_id) FROM mv_meta.source_files": (FILES, FILES),
                "SELECT stages_done FROM mv_catalog.tasks WHERE kind = 'load'": (STAGES,),
                "SELECT count(*) FROM mv_catalog.events WHERE event = 'DISCARD'": (0,),
                f"SELECT count(*) = (SELECT count(*) FROM '{self.files}/*.parquet') FROM t": (True,),
            }
            for query, expected in checks.items():
                found = self.connection.execute(query).fetchall()
                assert found == [expected], f"{self.name}: {query} gives {found}, not {expected}"
        super().close()


class Resumed(Fresh):
    """A load that was killed when half of its stages were durable, and that opening the database goes on with."""

    name = "resumed"

    def prepare(self, number: int) -> None:
        Load.prepare(self, number)
        Load.close(self)
        settings = {
            "MVENGINE_FAULT": f"refresh.after_split:{STAGES // 2}",
            "MVENGINE_STAGING_BATCH_BYTES": str(self.staging_batch_bytes),
        }
        command = [sys.executable, "-m", "mvengine", str(self.path), "-c", "REFRESH TABLE t"]
        killed = subprocess.run(command, env=os.environ | settings, check=False)
        assert killed.returncode == -signal.SIGKILL, f"the load was not killed: {killed.returncode}"
        self.spent += [self.still_to_read()] if number else []

    def run(self) -> None:
        self.work("WAIT")


class Stopped(Load):
    """A load in the background that is told to stop within a stage."""

    def __init__(self, files: Path, verb: str) -> None:
        super().__init__(files)
        self.name = verb

    def prepare(self, number: int) -> None:
        super().prepare(number)
        assert self.connection is not None
        self.refresh_id = self.connection.execute("REFRESH TABLE t BACKGROUND").fetchall()[0][0]
        while not self.connection.execute("FROM mv_catalog.tasks WHERE stages_done > 1").fetchall():
            time.sleep(0.01)

    def run(self) -> None:
        assert self.connection is not None
        self.connection.execute(f"{self.name} REFRESH {self.refresh_id}")
