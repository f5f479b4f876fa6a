"""How much memory a large load needs: ``python -m bench.big_load``. Exit code 1 where it is more than is allowed.

Makes one large file, loads it in a process of its own under ``memory_limit``, and reports that process's peak of
resident memory: of the first load, and of a second one that reads the file anew and compares every row.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

ROW_BYTES = 88  # of the CSV
_SELECT = """
    select i as id, i * 7919 % 1000003 as customer, 'order number ' || i as name, i % 100000 / 100.0 as price,
           date '2020-01-01' + (i % 2000)::int as day, md5(i::varchar) as code
    from range({rows}) as r(i)"""
_COLUMNS = "id BIGINT{key}, customer BIGINT, name VARCHAR, price DOUBLE, day DATE, code VARCHAR"


@click.group(invoke_without_command=True)
@click.option("--rows", type=click.IntRange(1), help="Rows of the file; instead of --size.")
@click.option("--size", default=2.0, show_default=True, help="Size of the CSV in GB (the Parquet file is half of it).")
@click.option("--format", "format_", default="csv", show_default=True, type=click.Choice(["csv", "parquet"]))
@click.option("--key/--no-key", "has_key", default=True, show_default=True, help="Whether the table has a primary key.")
@click.option("--memory-limit", default="400MB", show_default=True, help="Of DuckDB.")
@click.option("--allowed", default=600, show_default=True, help="MB of resident memory.")
@click.option("--directory", type=click.Path(path_type=Path), help="Where the file and the database go for a while.")
@click.pass_context
def main(
    context: click.Context,
    rows: int | None,
    size: float,
    format_: str,
    has_key: bool,
    memory_limit: str,
    allowed: int,
    directory: Path | None,
) -> None:
    """Loads a large file under a memory limit and reports the peak of resident memory."""
    if context.invoked_subcommand is not None:
        return
    rows = rows or int(size * 1e9 / ROW_BYTES)
    with tempfile.TemporaryDirectory(prefix="mvengine-bench-", dir=directory) as folder:
        file = Path(folder) / f"big.{format_}"
        for arguments in (["make", str(file), str(rows)], ["load", str(file), memory_limit, str(int(has_key))]):
            # Processes of their own: making the file must not count, and a child counts from its parent's size on.
            done = subprocess.run(
                [sys.executable, "-m", "bench.big_load", *arguments], check=True, stdout=subprocess.PIPE, text=True
            )
            click.echo(done.stdout, nl=False)
    peak = int(done.stdout.rsplit(maxsplit=2)[-2])
    click.echo(f"peak {peak} MB, allowed {allowed} MB")
    sys.exit(peak > allowed)


@main.command(hidden=True)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("rows", type=int)
def make(file: Path, rows: int) -> None:
    """Writes the file."""
    import duckdb

    duckdb.execute(f"copy ({_SELECT.format(rows=rows)}) to '{file}'")
    click.echo(f"{rows} rows, {file.stat().st_size / 1e9:.2f} GB of {file.suffix[1:]}")


@main.command(hidden=True)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("memory_limit")
@click.argument("has_key", type=int)
def load(file: Path, memory_limit: str, has_key: int) -> None:
    """Loads the file twice."""
    import mvengine

    with mvengine.connect(str(file.with_suffix(".db")), memory_limit=memory_limit) as con:
        columns = _COLUMNS.format(key=" PRIMARY KEY" if has_key else "")
        con.execute(f"CREATE TABLE t ({columns}) REFRESHABLE FROM '{file}'")
        _watch("first load", lambda: con.execute("REFRESH TABLE t"))
        _watch("loaded again and compared", lambda: con.execute("REFRESH TABLE t FULL"))


def _watch(what: str, work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    click.echo(f"{what}: {time.perf_counter() - started:.1f} s, peak so far {peak // 1_000_000} MB")


if __name__ == "__main__":
    main()
