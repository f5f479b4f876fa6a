"""The command: ``python -m bench [CASE …]``. Exit code 1 where a goal is missed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from rich.console import Console

from bench import (
    big_load,
    choice,
    dml,
    many_tables,
    refresh,
    resume,
    small_refresh,
    sqllogictest,
    tpch_views,
    view_graphs,
)
from bench.data import Workspace
from bench.measure import Measurement
from bench.profile import Profile
from bench.report import show, write_json
from bench.run import Run

CASES: dict[str, Callable[[Run], Iterator[Measurement]]] = {
    "mixed-change": dml.mixed_change,
    "single-order": dml.single_order,
    "tpch-views": tpch_views.tpch_views,
    "choice": choice.choice,
    "chain": view_graphs.chain,
    "diamond": view_graphs.diamond,
    "fan": view_graphs.fan,
    "untouched": view_graphs.untouched,
    "unchanged-files": refresh.unchanged_files,
    "one-file": refresh.one_file,
    "small-refresh": small_refresh.small_refresh,
    "many-tables": many_tables.many_tables,
    "resume": resume.resume,
    "stop": resume.stop,
    "big-load": big_load.big_load,
    "big-load-without-key": big_load.big_load_without_key,
    "slt-read": sqllogictest.read_scripts,
    "slt-run": sqllogictest.run_scripts,
}
FRACTION_HELP = "Of the orders that change in a round of tpch-views, with their lineitems."


@click.command()
@click.argument("cases", nargs=-1, type=click.Choice(list(CASES)))
@click.option("--scale", default=1.0, show_default=True, help="TPC-H scale factor of the data, where it is generated.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 300), help="Measured runs of each side.")
@click.option("--tables", default=200, show_default=True, type=click.IntRange(1), help="Tables of many-tables.")
@click.option("--fraction", default=0.001, show_default=True, type=click.FloatRange(1e-6, 0.1), help=FRACTION_HELP)
@click.option("--size", type=float, help="GB that resume, stop [1] and big-load [2, of CSV] generate.")
@click.option("--directory", type=click.Path(path_type=Path), help="TPC-H as Parquet, a folder a table; made if empty.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Where databases and generated files go for a while.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write all measurements to this file.")
@click.option("--profile", "is_profiled", is_flag=True, help="Print each SQL statement of mvengine's last run.")
def main(
    cases: tuple[str, ...],
    scale: float,
    runs: int,
    tables: int,
    fraction: float,
    size: float | None,
    directory: Path | None,
    scratch: Path | None,
    output: Path | None,
    is_profiled: bool,
) -> None:
    """Measures mvengine against DuckDB used by hand, on the same data in the same run."""
    console = Console(highlight=False)
    tpch = directory or Path(tempfile.gettempdir()) / f"mvengine-bench-{scale:g}"
    measurements: list[Measurement] = []
    for name in cases or CASES:
        with tempfile.TemporaryDirectory(prefix="mvengine-bench-", dir=scratch) as folder:
            profile = Profile() if is_profiled else None
            workspace = Workspace(tpch=tpch, scale=scale, scratch=Path(folder))
            run = Run(workspace=workspace, runs=runs, tables=tables, size=size, fraction=fraction, profile=profile)
            for measured in CASES[name](run):
                measurements.append(measured)
                show(console, [measured])
                if profile is not None and profile.statements:
                    console.print("\n".join(profile.lines()), markup=False, soft_wrap=True)
    if output is not None:
        write_json(output, measurements, scale=scale)
    sys.exit(any(not measured.is_met(goal) for measured in measurements for goal in measured.goals))


if __name__ == "__main__":
    main()
