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
    for heading in ("median", "min–max", "unit"):
        table.add_column(heading, justify="right")
    table.add_column("goal")
    for measured in measurements:
        for position, (side, values) in enumerate(measured.values.items()):
            table.add_row(
                measured.case if position == 0 else "",
                side,
                f"{measured.median(side):,.1f}",
                f"{min(values):,.1f}–{max(values):,.1f}",
                measured.unit,
                "\n".join(_told(measured, goal) for goal in measured.goals if goal.side == side),
            )
        table.add_section()
    console.print(table)


def _told(measured: Measurement, goal: Goal) -> str:
    value, unit = measured.value(goal), measured.unit
    if goal.over is None:
        text = f"{value:.1f} {unit} ≤ {goal.most:g} {unit}"
    elif goal.is_difference:
        text = f"{value:.1f} {unit} over {goal.over} ≤ {goal.most:g} {unit}"
    else:
        text = f"{value:.2f} × {goal.over} ≤ {goal.most:g}"
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
                "unit": measured.unit,
                "values": {side: list(values) for side, values in measured.values.items()},
                "median": {side: measured.median(side) for side in measured.values},
                "goals": [
                    {
                        "side": goal.side,
                        "over": goal.over,
                        "is_difference": goal.is_difference,
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
