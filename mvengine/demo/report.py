"""What the demo shows: its progress, its findings, one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvengine.demo.change import Change

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NOTHING = "·"


@contextmanager
def steps(console: Console, *, total: int | None = None) -> Iterator[Callable[[str], None]]:
    """A progress line that goes away; what it hands out starts the next step."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), BarColumn(bar_width=24), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, completed=-1)
        yield lambda description: progress.update(task, description=description, advance=1)


def files(console: Console, directory: Path, paths: Iterable[Path], *, scale: float) -> None:
    sizes = [path.stat().st_size for path in paths]
    console.print(
        f"TPC-H at scale {scale:g}: {len(sizes)} Parquet files, {sum(sizes) / 1e6:.0f} MB, in {directory}.",
        soft_wrap=True,
    )


def loaded(console: Console, *, rows: int, tables: int, views: int, seconds: float) -> None:
    console.print(
        f"First refresh: {rows:,} rows into {tables} refreshable tables, {views} materialized views built,"
        f" in {seconds:.1f} s."
    )


def change(console: Console, made: Change) -> None:
    share = made.orders / made.orders_before
    names = " and ".join(path.name for path in made.files)
    console.print(
        f"\nThen {made.orders:,} of {made.orders_before:,} orders ({share:.2%}) are updated, deleted or inserted with"
        f" their lines: {names} are written anew. REFRESH ALL:\n"
    )


def comparison(
    console: Console,
    *,
    refreshed: list[dict[str, Any]],
    history: Mapping[str, dict[str, Any]],
    seconds: float,
    plain_seconds: Mapping[str, float],
    differences: Mapping[str, int],
) -> None:
    """One line per table and view: what changed, how, the time of both ways, and whether they agree.

    ``refreshed`` are the rows of REFRESH ALL, ``history`` those of mv_catalog.maintenance_history by name.
    A table or view that was not touched has no time of its own: the total is that of the whole statement.
    """
    table = _frame()
    loads = {row["table_name"]: row for row in refreshed}
    for name, plain in plain_seconds.items():
        load, work = loads.get(name), history.get(name)
        if load is not None:
            changed, how = _changes(load), _files(load)
        elif work is not None:
            changed, how = f"{work['output_rows']:,}", work["strategy"]
        else:
            changed, how = NOTHING, "untouched"
        mine = float(work["ms"]) / 1000 if work is not None else None
        table.add_row(name, changed, how, _ms(mine), _ms(plain), _ratio(mine, plain), _verdict(differences[name]))
        if load is not None and list(loads)[-1] == name:
            table.add_section()
    total = sum(plain_seconds.values())
    table.add_section()
    verdict = _verdict(sum(differences.values()))
    table.add_row("everything", "", "", _ms(seconds), _ms(total), _ratio(seconds, total), verdict, style="bold")
    console.print(table)


def idle(console: Console, *, files_read: int, seconds: float) -> None:
    console.print(f"\nREFRESH ALL again, with nothing changed: {files_read} files read, {seconds * 1000:.1f} ms.")


def farewell(console: Console, database: Path, *, is_kept: bool) -> None:
    rest = (
        "The Parquet files and the comparison's database lie beside it." if is_kept else "Its Parquet files are gone."
    )
    lines = [
        f"\nThe database is {database}. {rest} Try:",
        f"  mvengine {database} -c 'FROM revenue_by_nation ORDER BY revenue DESC'",
        f"  mvengine {database} -c 'EXPLAIN MATERIALIZED VIEW revenue_by_nation'",
        f"  mvengine {database} -c 'FROM mv_catalog.maintenance_history'",
    ]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)


def _frame() -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.ROUNDED)
    table.add_column("table or view", no_wrap=True)
    table.add_column("rows\nchanged", justify="right", max_width=7)
    table.add_column("how", no_wrap=True)
    table.add_column("mvengine\nms", justify="right", min_width=8)
    table.add_column("DuckDB\nms", justify="right")
    table.add_column("times\nfaster", justify="right")
    table.add_column("agree", justify="center")
    return table


def _changes(load: Mapping[str, Any]) -> str:
    """``+150 ~150 −150``, or a dot for nothing."""
    counts = ((sign, load[f"rows_{kind}"]) for sign, kind in (("+", "inserted"), ("~", "updated"), ("−", "deleted")))
    return " ".join(f"{sign}{count:,}" for sign, count in counts if count) or NOTHING


def _files(load: Mapping[str, Any]) -> str:
    return f"{load['files_read']}/{load['files_read'] + load['files_skipped']} read"


def _ms(seconds: float | None) -> str:
    """Milliseconds, so short that the table fits in 80 columns."""
    return NOTHING if seconds is None else f"{seconds * 1000:,.{0 if seconds >= 1 else 1}f}"


def _ratio(seconds: float | None, plain: float) -> str:
    return NOTHING if not seconds else f"{plain / seconds:,.1f}"


def _verdict(differences: int) -> str:
    return "[green]yes[/]" if differences == 0 else f"[red]no: {differences:,} rows[/]"
