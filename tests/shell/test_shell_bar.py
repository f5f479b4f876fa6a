"""The progress bar."""

from __future__ import annotations

import io
import os
import re
import select
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console
from shell_world import err, make_shell, out

import mvengine
from mvengine.errors import OperationalError
from mvengine.meta.progress import Phase, Progress
from mvengine.repl import bar
from mvengine.repl.shell import Shell
from mvengine.testing.faults import inject

HALF_WAY = Progress(
    kind="refresh",
    id=7,
    name="main.orders",
    phase=Phase.LOADING,
    current="",
    splits_done=8,
    splits_total=17,
    rows_done=1_234_567,
    bytes_done=600,
    bytes_total=1000,
    tasks_done=0,
    tasks_total=3,
    percentage=42.0,
    started_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    elapsed_seconds=60.0,
    eta_seconds=83.0,
)
ERASED = re.compile(r"\x1b\[2K(?:\x1b\[\?25h|\r|\s)*$")  # the line is empty again, and the cursor back


class Terminal:
    """A pseudo terminal and the console that draws on it."""

    def __init__(self) -> None:
        self._ours, theirs = os.openpty()
        self._file = os.fdopen(theirs, "w")
        self.console = Console(file=self._file, width=100)

    def read(self) -> str:
        """What was drawn since the last reading."""
        drawn = b""
        while select.select([self._ours], [], [], 0)[0]:
            drawn += os.read(self._ours, 65536)
        return drawn.decode()

    def wait_for(self, text: str) -> None:
        """Reads until the text has been drawn."""
        drawn = ""
        while text not in drawn:
            assert select.select([self._ours], [], [], 30)[0], drawn
            drawn += self.read()

    def close(self) -> None:
        self._file.close()
        os.close(self._ours)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(bar, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(bar, "REDRAW_SECONDS", 0.001)
    terminal = Terminal()
    yield terminal
    terminal.close()


class Told:
    """A database that says of itself what it is told to, and counts who asks."""

    def __init__(self, *running: Progress, share: float | None = None) -> None:
        self._running = running
        self._share = share
        self.asked_for_progress, self.asked_for_query = 0, 0
        self.is_drawn = Event()

    def progress(self) -> tuple[Progress, ...]:
        self.asked_for_progress += 1
        self._count(self.asked_for_progress)
        return self._running

    def query_progress(self) -> float | None:
        self.asked_for_query += 1
        self._count(self.asked_for_query)
        return self._share

    def _count(self, asked: int) -> None:
        if asked == 3:  # what was read twice before is on the screen
            self.is_drawn.set()


def test_a_bar_is_drawn_while_a_statement_runs_and_gone_afterwards(terminal: Terminal) -> None:
    database = Told(HALF_WAY)
    with bar.shown(terminal.console, "REFRESH TABLE orders", database):
        assert database.is_drawn.wait(30)
    drawn = terminal.read()
    assert "loading main.orders" in drawn
    assert "42 %" in drawn
    assert "1,234,567 rows" in drawn
    assert "20,600/s" in drawn
    assert "1 min left" in drawn
    assert ERASED.search(drawn)


@pytest.mark.parametrize("statement", ["SELECT 1", "-- refresh\nINSERT INTO t VALUES (1)", "EXPLAIN REFRESH TABLE t"])
def test_a_query_has_a_bar_of_its_own_and_not_that_of_others_refreshes(terminal: Terminal, statement: str) -> None:
    database = Told(HALF_WAY, share=0.25)
    with bar.shown(terminal.console, statement, database):
        assert database.is_drawn.wait(30)
    drawn = terminal.read()
    assert "running" in drawn
    assert "25 %" in drawn
    assert "left" in drawn
    assert database.asked_for_progress == 0
    assert ERASED.search(drawn)


def test_a_build_in_the_foreground_is_as_far_as_its_query(terminal: Terminal) -> None:
    build = replace(HALF_WAY, kind="job", phase=Phase.BUILDING, current="build daily", percentage=0.0)
    database = Told(build, share=0.5)
    with bar.shown(terminal.console, "CREATE MATERIALIZED VIEW daily AS FROM t", database):
        assert database.is_drawn.wait(30)
    drawn = terminal.read()
    assert "build daily" in drawn
    assert "50 %" in drawn


@pytest.mark.parametrize(
    ("rows", "size", "text"), [(1_234_567, 0, "20,600/s"), (0, 90_000_000, "1.5 MB/s"), (0, 0, ""), (30, 0, "0.5/s")]
)
def test_the_rate_is_of_rows_or_of_bytes(rows: int, size: int, text: str) -> None:
    assert bar.rate(replace(HALF_WAY, rows_done=rows, bytes_done=size)) == text


def test_a_query_of_which_nothing_is_known_shows_its_time(terminal: Terminal) -> None:
    database = Told(share=None)
    with bar.shown(terminal.console, "SELECT 1", database):
        assert database.is_drawn.wait(30)
    drawn = terminal.read()
    assert "1 s" in drawn
    assert "%" not in drawn


def test_a_refresh_in_the_shell_is_drawn_and_then_answered(
    connection: mvengine.Connection, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n2\n")
    connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY) REFRESHABLE FROM '{tmp_path}' FORMAT PLAIN ENCODE CSV")
    shell = make_shell(connection, is_terminal=False)
    shell.err = terminal.console
    with inject("refresh.after_merge", lambda: terminal.wait_for("2 rows")):
        assert shell.run("REFRESH TABLE t;")
    assert ERASED.search(terminal.read())
    assert "(1 row)" in out(shell)


@pytest.mark.parametrize(
    "statement",
    ["refresh all", "\n WAIT;", "-- all\n/* of\nthem */ Retry REFRESH 7", "RESUME REFRESH 7", "create table t"],
)
def test_statements_that_wait_have_one_behind_comments_too(terminal: Terminal, statement: str) -> None:
    database = Told(HALF_WAY)
    with bar.shown(terminal.console, statement, database):
        assert database.is_drawn.wait(30)
    assert database.asked_for_progress


def test_what_is_over_soon_shows_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar, "DELAY_SECONDS", 3600.0)
    database = Told(HALF_WAY)
    with bar.shown(terminal.console, "REFRESH ALL", database):
        pass
    assert (terminal.read(), database.asked_for_progress) == ("", 0)


def test_a_bar_is_removed_from_under_an_error(terminal: Terminal) -> None:
    database = Told(HALF_WAY)
    with pytest.raises(OperationalError, match="stopped"):
        _fail_under_a_bar(terminal, database)
    assert ERASED.search(terminal.read())


def _fail_under_a_bar(terminal: Terminal, database: Told) -> None:
    with bar.shown(terminal.console, "REFRESH ALL", database):
        raise OperationalError("stopped" if database.is_drawn.wait(30) else "never drawn")


def test_there_is_no_bar_where_standard_error_is_no_terminal(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(bar, "Thread", lambda **_: pytest.fail("nobody is to draw"))
    assert shell.run("refresh all;")
    assert err(shell) == ""


def test_bars_can_be_switched_off(shell: Shell, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar, "Thread", lambda **_: pytest.fail("nobody is to draw"))
    shell.err = terminal.console
    assert shell.run(".progress off\nrefresh all;")


def test_of_many_refreshes_some_are_drawn_and_the_others_counted() -> None:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(bar.render([HALF_WAY] * (bar.BARS_MAX + 3)))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == bar.BARS_MAX + 1
    assert lines[-1].strip() == "and 3 more"


@pytest.mark.parametrize("width", [20, 40, 79])
def test_a_bar_keeps_to_one_line_of_a_narrow_terminal(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(bar.render([HALF_WAY]))
    assert isinstance(console.file, io.StringIO)
    assert len(console.file.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "1 s"), (59.4, "59 s"), (59.6, "1 min"), (725, "12 min"), (11_100, "3 h 5 min")]
)
def test_what_is_left_is_said_in_round_figures(seconds: float, text: str) -> None:
    assert bar.duration(seconds) == text
