"""Prints measurements as a table, and writes them as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

from bench.measure import Goal, Measurement


def show(console: Console, measurements: Sequence[Measurement]) -> None:
    """A row a side, with its goals below each other in one cell."""
    table = Table(box=box.ROUNDED)
    for heading in ("case", "side"):
        table.add_column(heading)
    for heading in ("median ms", "min–max"):
        table.add_column(heading, justify="right")
    table.add_column("goal")
    for measured in measurements:
        for position, (side, seconds) in enumerate(measured.seconds.items()):
            table.add_row(
                measured.case if position == 0 else "",
                side,
                f"{measured.median_ms(side):,.1f}",
                f"{min(seconds) * 1000:,.1f}–{max(seconds) * 1000:,.1f}",
                "\n".join(_told(measured, goal) for goal in measured.goals if goal.side == side),
            )
        table.add_section()
    console.print(table)


def _told(measured: Measurement, goal: Goal) -> str:
    value = measured.value(goal)
    text = f"{value:.1f} ms ≤ {goal.most:g} ms" if goal.over is None else f"{value:.2f} × {goal.over} ≤ {goal.most:g}"
    return f"[green]{text}[/]" if measured.is_met(goal) else f"[red]{text.replace('≤', '>')}[/]"


def write_json(path: Path, measurements: Sequence[Measurement], *, scale: float) -> None:
    """All runs, so that others can compute what they like."""
    content = {
        "scale": scale,
        "duckdb": duckdb.__version__,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "cases": [
            {
                "case": measured.case,
                "seconds": {side: list(seconds) for side, seconds in measured.seconds.items()},
                "median_ms": {side: measured.median_ms(side) for side in measured.seconds},
                "goals": [
                    {
                        "side": goal.side,
                        "over": goal.over,
                        "most": goal.most,
                        "value": measured.value(goal),
                        "is_met": measured.is_met(goal),
                    }
                    for goal in measured.goals
                ],
            }
            for measured in measurements
        ],
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
