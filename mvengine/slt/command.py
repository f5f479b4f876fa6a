"""``mvengine slt FILES…``: run, print, and an exit status."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mvengine.slt.report import print_file, print_summary
from mvengine.slt.results import ConnectionLike
from mvengine.slt.runner import run_paths

if TYPE_CHECKING:
    from rich.console import Console

# mvengine runs on DuckDB: what holds for DuckDB's dialect holds here too.
LABELS = ("mvengine", "duckdb")


def main(
    paths: Sequence[Path | str],
    *,
    labels: Iterable[str] = LABELS,
    is_durable: bool = False,
    connect: Callable[[str], ConnectionLike] | None = None,
    console: Console | None = None,
) -> int:
    """Run scripts on mvengine (or what ``connect`` opens for a path) and print how it went; 0 if all passed, else 1.

    Errors: ``OperationalError`` if a path matches no file.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    results = []
    for result in run_paths(paths, connect or _connect, labels=labels, is_durable=is_durable):
        print_file(console, result)
        results.append(result)
    print_summary(console, results)
    return 1 if any(result.failures for result in results) else 0


def _connect(database: str) -> ConnectionLike:
    import mvengine

    return mvengine.connect(database)
