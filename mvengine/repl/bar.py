"""The progress bar on standard error while a statement takes long: of refreshes, builds and queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    from mvengine.meta.progress import Progress

DELAY_SECONDS = 0.5  # what is over sooner shows nothing
REDRAW_SECONDS = 0.1
BARS_MAX = 4  # more refreshes than these are only counted
BAR_CELLS = 24
SHARE_MIN = 0.02  # of a query, before the time that is left is guessed

# Behind spaces and comments. Other statements do not wait for what runs in the background.
_WAITING = re.compile(r"(?:\s|--[^\n]*+|(?>/\*.*?\*/))*(?:refresh|wait|retry|resume|create|alter)\b", re.I | re.S)


class Watched(Protocol):
    """What can be asked, from another thread, how far it is."""

    def progress(self) -> Sequence[Progress]: ...
    def query_progress(self) -> float | None: ...


@contextmanager
def shown(console: Console | None, statement: str, database: Watched) -> Iterator[None]:
    """Meanwhile a thread draws how far ``database`` is, from ``DELAY_SECONDS`` on; at the end the bar is removed.

    Nothing is drawn where ``console`` is no terminal. Statements that wait for refreshes and builds show these, all
    others how far DuckDB is with the query.
    """
    if console is None or not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    is_over = Event()
    is_waiting = _WAITING.match(statement) is not None
    thread = Thread(target=_draw, args=(console, database, is_waiting, is_over), name="mvengine-bar", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _draw(console: Console, database: Watched, is_waiting: bool, is_over: Event) -> None:
    began = monotonic()
    if is_over.wait(DELAY_SECONDS):
        return
    from rich.live import Live

    with Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:
        while not is_over.wait(REDRAW_SECONDS):
            running = database.progress() if is_waiting else ()
            live.update(_picture(running, database.query_progress(), monotonic() - began), refresh=True)


def _picture(running: Sequence[Progress], share: float | None, seconds: float) -> RenderableType:
    """What runs; a CREATE in the foreground knows no more of its build than DuckDB does of its query."""
    if not running:
        return query("running", share, seconds)
    first = running[0]
    if len(running) == 1 and first.kind == "job" and not first.percentage:
        return query(first.current or f"{first.phase} {first.name}", share, seconds)
    return render(running)


def render(running: Sequence[Progress]) -> RenderableType:
    """A line for each: phase, what it is at, bar, percentage, rows, their rate, time left."""
    from rich.text import Text

    table = _grid(columns=5)
    for each in running[:BARS_MAX]:
        table.add_row(
            Text(each.current or f"{each.phase} {each.name}"),
            _bar(each.percentage),
            f"{each.percentage:.0f} %",
            f"{each.rows_done:,} rows" if each.rows_done else "",
            rate(each),
            "" if each.eta_seconds is None else f"{duration(each.eta_seconds)} left",
        )
    if len(running) > BARS_MAX:
        table.add_row(Text(f"and {len(running) - BARS_MAX} more", style="dim"))
    return table


def query(label: str, share: float | None, seconds: float) -> RenderableType:
    """The line of a query that has run for ``seconds``; ``share`` of it is done, None where that is not known."""
    from rich.text import Text

    table = _grid(columns=3)
    if share is None:
        table.add_row(Text(label), "", "", duration(seconds))
        return table
    left = f"{duration(seconds / share * (1 - share))} left" if share >= SHARE_MIN else duration(seconds)
    table.add_row(Text(label), _bar(100 * share), f"{100 * share:.0f} %", left)
    return table


def rate(progress: Progress) -> str:
    """Rows in a second, in three figures; megabytes, where no file is complete yet."""
    seconds = progress.elapsed_seconds
    if seconds <= 0 or not (progress.rows_done or progress.bytes_done):
        return ""
    if progress.rows_done:
        rows = float(f"{progress.rows_done / seconds:.3g}")
        return f"{rows:,.0f}/s" if rows >= 10 else f"{rows:.1f}/s"
    return f"{progress.bytes_done / seconds / 1e6:.1f} MB/s"


def _grid(*, columns: int) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for _ in range(columns):
        table.add_column(no_wrap=True, justify="right")
    return table


def _bar(percentage: float) -> ProgressBar:
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=100.0, completed=percentage, width=BAR_CELLS)


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
