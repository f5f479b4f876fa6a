"""How much memory a large load needs: the first one, and a second one that reads the file anew and compares every row.

Loads one large CSV file in a process of its own, which reports its peak of resident memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import mvengine
from bench.data import COLUMNS, ROW_BYTES, write_rows
from bench.measure import Goal, Measurement
from bench.run import Run
from mvengine.schema import literal

MEMORY_LIMIT = "400MB"  # of DuckDB
PEAK_MB = 600
LOADS = {"first load": "REFRESH TABLE t", "loaded again": "REFRESH TABLE t FULL"}


def big_load(run: Run) -> Iterator[Measurement]:
    """A table with a primary key: rows are compared by it."""
    yield from _measure(run, has_key=True)


def big_load_without_key(run: Run) -> Iterator[Measurement]:
    """A table without one: it is compared as a bag."""
    yield from _measure(run, has_key=False)


def _measure(run: Run, *, has_key: bool) -> Iterator[Measurement]:
    """Once, whatever ``run.runs`` says: the peak does not scatter."""
    size = run.size or 2.0
    file = run.workspace.scratch / "big.csv"
    write_rows(file, range(int(size * 1e9 / ROW_BYTES["csv"])))
    what = f"{file.stat().st_size / 1e9:.2g} GB of CSV {'with' if has_key else 'without'} key"
    command = [sys.executable, "-m", "bench.big_load", str(file), str(int(has_key))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    yield Measurement(case=what, values={load: (it["ms"],) for load, it in found.items()}, goals=())
    goals = tuple(Goal(side=load, most=PEAK_MB) for load in found)
    yield Measurement(
        case=f"{what}, peak", values={load: (it["peak"],) for load, it in found.items()}, goals=goals, unit="MB"
    )


def _load(file: Path, *, has_key: bool) -> dict[str, dict[str, float]]:
    """Of each load its milliseconds, and the peak of the process until then in MB."""
    found = {}
    with mvengine.connect(str(file.with_suffix(".db")), memory_limit=MEMORY_LIMIT) as connection:
        key = ", PRIMARY KEY (id)" if has_key else ""
        connection.execute(f"CREATE TABLE t ({COLUMNS}{key}) REFRESHABLE FROM {literal(str(file))}")
        for load, statement in LOADS.items():
            started = perf_counter()
            connection.execute(statement)
            found[load] = {"ms": (perf_counter() - started) * 1000, "peak": _peak_bytes() / 1e6}
    return found


def _peak_bytes() -> int:
    """Of this process. Linux says it of the program alone; what ``getrusage`` says includes what its parent held."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(json.dumps(_load(Path(sys.argv[1]), has_key=sys.argv[2] == "1")))
