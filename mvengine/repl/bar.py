"""The progress bar on standard error while a statement waits for a refresh or a build."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from mvengine.meta.progress import Progress

Read = Callable[[], Sequence["Progress"]]

DELAY_SECONDS = 0.5  # what is over sooner shows nothing
REDRAW_SECONDS = 0.1
BARS_MAX = 4  # more refreshes than these are only counted
BAR_CELLS = 24

# Behind spaces and comments. Other statements do not wait for what runs in the background.
_WAITING = re.compile(r"(?:\s|--[^\n]*+|(?>/\*.*?\*/))*(?:refresh|wait|retry|resume|create)\b", re.I | re.S)


@contextmanager
def shown(console: Console, statement: str, read: Read) -> Iterator[None]:
    """Meanwhile a thread draws what ``read`` tells, from ``DELAY_SECONDS`` on; at the end the bar is removed.

    Nothing is drawn where ``console`` is no terminal, nor for statements that wait for no refresh.
    """
    if not console.is_terminal or console.is_dumb_terminal or _WAITING.match(statement) is None:
        yield
        return
    is_over = Event()
    thread = Thread(target=_draw, args=(console, read, is_over), name="mvengine-bar", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _draw(console: Console, read: Read, is_over: Event) -> None:
    if is_over.wait(DELAY_SECONDS):
        return
    from rich.live import Live

    with Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:
        while not is_over.wait(REDRAW_SECONDS):
            live.update(render(read()), refresh=True)


def render(running: Sequence[Progress]) -> RenderableType:
    """A line for each: phase, what it is at, bar, percentage, rows, time left."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for _ in range(4):
        table.add_column(no_wrap=True, justify="right")
    for each in running[:BARS_MAX]:
        table.add_row(
            Text(each.current or f"{each.phase} {each.name}"),
            ProgressBar(total=100.0, completed=each.percentage, width=BAR_CELLS),
            f"{each.percentage:.0f} %",
            f"{each.rows_done:,} rows" if each.rows_done else "",
            "" if each.eta_seconds is None else f"{duration(each.eta_seconds)} left",
        )
    if len(running) > BARS_MAX:
        table.add_row(Text(f"and {len(running) - BARS_MAX} more", style="dim"))
    return table


def duration(seconds: float) -> str:
    """As a person says it: ``45 s``, ``12 min``, ``3 h 5 min``.

    >>> duration(0.2), duration(59.6), duration(725), duration(11100)
    ('1 s', '1 min', '12 min', '3 h 5 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
