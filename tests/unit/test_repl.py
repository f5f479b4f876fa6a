"""The shell: pieces, result tables, errors, dot commands, the prompt."""

from __future__ import annotations

import io
import os
import re
import select
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

import mvengine
from mvengine.errors import OperationalError, ParseError, Position
from mvengine.meta.progress import Phase, Progress
from mvengine.repl import bar, plain, prompt, table
from mvengine.repl.commands import COMMANDS, Quit
from mvengine.repl.failure import describe
from mvengine.repl.result import ROWS_READ_MAX, Page, columns_of, read_page, rows_of
from mvengine.repl.script import is_ready, pieces
from mvengine.repl.shell import Shell
from mvengine.repl.values import is_number, show
from mvengine.schema import Column
from mvengine.testing.faults import inject


@pytest.fixture
def connection() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        yield connection


@pytest.fixture
def shell(connection: mvengine.Connection) -> Shell:
    return make_shell(connection, is_terminal=False)


def make_shell(connection: mvengine.Connection, *, is_terminal: bool) -> Shell:
    out = Console(file=io.StringIO(), width=80, force_terminal=is_terminal, color_system=None)
    return Shell(connection=connection, out=out, err=Console(file=io.StringIO(), width=80), is_debug=False)


def out(shell: Shell) -> str:
    assert isinstance(shell.out.file, io.StringIO)
    return shell.out.file.getvalue()


def err(shell: Shell) -> str:
    assert isinstance(shell.err.file, io.StringIO)
    return shell.err.file.getvalue()


def rendered(page: Page, *, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table.render(page, width=width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def page_from(connection: mvengine.Connection) -> Page:
    return read_page(columns_of(connection), rows_of(connection), rows_max=4)


def page_of(columns: int, rows: int, text: str = "some words") -> Page:
    names = tuple(Column(name=f"column_{index}", type="VARCHAR") for index in range(columns))
    return Page(columns=names, head=((text,) * columns,) * rows, tail=(), rows=rows, is_whole=True)


# Pieces of a script


def test_a_script_is_cut_into_statements_with_their_lines() -> None:
    found = [(piece.text, piece.line) for piece in pieces("select 1;\n\n-- why\nselect ';'\n, 2;select 3")]
    assert found == [("select 1", 1), ("select ';'\n, 2", 4), ("select 3", 5)]


def test_a_dot_line_is_a_command_only_between_statements() -> None:
    found = [(piece.text, piece.is_command) for piece in pieces(".timer on\nselect '\n.tables\n';\n.quit")]
    assert found == [(".timer on", True), ("select '\n.tables\n'", False), (".quit", True)]


def test_a_script_with_an_open_quote_is_one_piece_that_fails_with_its_position(shell: Shell) -> None:
    assert not shell.run("select 1;\nselect 'abc")
    assert "42601" in err(shell)
    assert "select 'abc" in err(shell)


@pytest.mark.parametrize(
    ("text", "ready"), [("", True), (".help", True), ("select 1", False), ("select 1;", True), ("select ';", False)]
)
def test_enter_runs_what_is_complete(text: str, ready: bool) -> None:
    assert is_ready(text) is ready


# Values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        ("NULL", "'NULL'"),
        (True, "true"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (b"\x00a", "\\x0061"),
        (datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04:00"),
        ([1, None, "a"], "[1, NULL, a]"),
        ({"a": [1]}, "{a: [1]}"),
        ("\x1b[31mred\t", "\\x1b[31mred\\t"),
    ],
)
def test_values_are_shown_without_ambiguity_or_control_characters(value: object, text: str) -> None:
    assert show(value) == text


def test_numbers_are_told_from_what_only_sounds_like_them() -> None:
    assert all(map(is_number, ["INTEGER", "HUGEINT", "UBIGINT", "DECIMAL(15,2)", "double"]))
    assert not any(map(is_number, ["INTERVAL", "INTEGER[]", "DECIMAL(4,2)[]", "STRUCT(a INTEGER)", "VARCHAR"]))


# Tables


def test_a_table_shows_types_below_names_and_numbers_to_the_right() -> None:
    columns = (Column(name="name", type="VARCHAR"), Column(name="amount", type="INTEGER"))
    page = Page(columns=columns, head=(("a", 1), (None, 1000)), tail=(), rows=2, is_whole=True)
    lines = rendered(page, width=80)
    assert lines[1] == "│ name    │  amount │"
    assert lines[2] == "│ varchar │ integer │"
    assert lines[4] == "│ a       │       1 │"
    assert lines[5] == "│ NULL    │    1000 │"
    assert lines[-1].strip() == "2 rows"


@pytest.mark.parametrize("width", [20, 40, 77, 80, 200])
@pytest.mark.parametrize("columns", [1, 2, 7, 30])
def test_a_table_never_exceeds_the_terminal(width: int, columns: int) -> None:
    for text in ("x", "some words", "long " * 50, "漢字" * 30):
        assert max(map(len, rendered(page_of(columns, 2, text), width=width))) <= width


def test_columns_that_do_not_fit_are_left_out_in_the_middle_and_counted() -> None:
    lines = rendered(page_of(30, 1), width=60)
    assert "column_0" in lines[1]
    assert "column_29"[:7] in lines[1]
    assert "│ … │" in lines[2]
    assert "30 columns" in lines[-1]


def test_a_long_result_is_cut_in_the_middle(connection: mvengine.Connection) -> None:
    connection.execute("SELECT i FROM range(1000) r(i)")
    page = page_from(connection)
    assert (page.head, page.tail) == (((0,), (1,)), ((998,), (999,)))
    assert page.footer == "1,000 rows (4 shown)"
    assert sum("·" in line for line in rendered(page, width=80)) == 1


def test_a_huge_result_is_not_fetched_for_the_screen(connection: mvengine.Connection) -> None:
    connection.execute(f"SELECT i FROM range({ROWS_READ_MAX} + 1) r(i)")
    page = page_from(connection)
    assert page.footer == "more than 10,000 rows (first 4 shown)"


def test_names_are_kept_where_contents_are_squeezed() -> None:
    columns = (Column(name="a_rather_long_name", type="VARCHAR"), Column(name="b", type="VARCHAR"))
    page = Page(columns=columns, head=(("x" * 90, "y" * 90),), tail=(), rows=1, is_whole=True)
    assert "a_rather_long_name" in rendered(page, width=40)[1]


def test_markup_in_data_is_data(connection: mvengine.Connection) -> None:
    connection.execute("SELECT '[bold]x[/bold]' AS a")
    assert "[bold]x[/bold]" in "\n".join(rendered(page_from(connection), width=80))


def test_plain_text_is_aligned_and_cuts_nothing() -> None:
    columns = (Column(name="name", type="VARCHAR"), Column(name="n", type="INTEGER"))
    long = "x" * 500
    lines = list(plain.render(columns, iter([("a", 1), ("two\nlines", 22), (long, None)])))
    assert lines[2].endswith("|    1")
    assert lines[3].startswith("two ")
    assert lines[4].startswith("lines ")
    assert lines[5] == f"{long} | NULL"
    assert lines[-1] == "(3 rows)"


def test_plain_text_has_every_row_of_a_long_result(shell: Shell) -> None:
    assert shell.run("SELECT i FROM range(20000) r(i)")
    assert len(out(shell).splitlines()) == 20_003


# Running


def test_each_statement_prints_its_result(shell: Shell) -> None:
    assert shell.run("SELECT 1 AS a; CREATE TABLE t (b INTEGER); SELECT b FROM t; SET threads = 1; SELECT 7 AS b")
    assert out(shell).splitlines() == ["a", "-", "1", "(1 row)", "b", "-", "(0 rows)", "b", "-", "7", "(1 row)"]


def test_a_terminal_hears_how_many_rows_changed(connection: mvengine.Connection) -> None:
    shell = make_shell(connection, is_terminal=True)
    assert shell.run("CREATE TABLE t (b INTEGER); CREATE MATERIALIZED VIEW v AS FROM t; INSERT INTO t VALUES (7), (8);")
    assert out(shell) == "2 rows changed\n"


def test_an_error_stops_the_script(shell: Shell) -> None:
    assert not shell.run("SELECT 1 AS a;\nSELECT nonesuch;\nSELECT 2 AS b;")
    assert "b" not in out(shell)
    assert err(shell).startswith("ERROR 42703: ")
    assert "nonesuch" in err(shell)


@pytest.mark.parametrize(
    "explain",
    ["EXPLAIN SELECT 42", "EXPLAIN (LOGICAL) CREATE MATERIALIZED VIEW w AS FROM t", "EXPLAIN MATERIALIZED VIEW v"],
)
def test_explain_is_printed_as_text(shell: Shell, explain: str) -> None:
    assert shell.run(f"CREATE TABLE t (a INTEGER); CREATE MATERIALIZED VIEW v AS FROM t; {explain}")
    assert out(shell)
    assert not {"explain", "explain_value"} & set(out(shell).split())


# Errors


def test_an_error_points_at_the_line_of_the_file() -> None:
    error = ParseError("no", position=Position(line=2, column=7), hint="do this")
    lines = describe(error, statement="SELECT\n\tfrom\tfrm t", origin="x.sql", first_line=10).splitlines()
    assert lines == ["ERROR 42601: no", "x.sql:11:  from frm t", "                ^", "HINT: do this"]


def test_a_very_long_line_is_shown_around_the_caret() -> None:
    statement = "SELECT " + "a, " * 1000 + "?" + ", b" * 1000
    column = statement.index("?") + 1
    lines = describe(ParseError("no", position=Position(line=1, column=column)), statement=statement).splitlines()
    assert lines[1][lines[2].index("^")] == "?"
    assert len(lines[1]) < 120


# Dot commands


def test_help_names_every_command(shell: Shell) -> None:
    assert shell.run(".help")
    assert all(command.help in out(shell) for command in COMMANDS)


def test_an_unknown_command_names_the_nearest(shell: Shell) -> None:
    assert not shell.run(".tabels")
    assert "HINT: did you mean '.tables'?" in err(shell)


def test_tables_lists_tables_and_views_with_how_they_are_kept(shell: Shell) -> None:
    assert shell.run("CREATE TABLE t (a INTEGER); CREATE MATERIALIZED VIEW v AS SELECT sum(a) AS s FROM t;\n.tables")
    assert [line.split(" | ")[1].strip() for line in out(shell).splitlines()[2:4]] == ["t", "v"]


def test_timer_adds_the_seconds(shell: Shell) -> None:
    assert shell.run(".timer on\nSELECT 1;\n.timer off\nSELECT 2;")
    assert sum(line.endswith(" s") for line in out(shell).splitlines()) == 1


def test_read_runs_a_file_and_errors_name_it(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text("SELECT 5 AS five;\nSELECT nonesuch;\n")
    assert not shell.run(f".read {script}")
    assert "five" in out(shell)
    assert str(script) in err(shell)


def test_a_file_that_reads_itself_ends(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text(f".read {script}\n")
    assert not shell.run(f".read {script}")
    assert "read one another" in err(shell)


def test_a_missing_file_is_an_error_of_the_world(shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(OperationalError, match="cannot read"):
        shell.run_file(tmp_path / "nonesuch.sql")


def test_quit_leaves_a_script(shell: Shell) -> None:
    with pytest.raises(Quit):
        shell.run("SELECT 1 AS a;\n.quit\nSELECT 2 AS b;")
    assert "b" not in out(shell)


# The prompt


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


CTRL_C, CTRL_D = "\x03", "\x04"


def test_the_prompt_collects_lines_until_the_semicolon(shell: Shell, keys: PipeInput) -> None:
    keys.send_text("SELECT 40 +\r2 AS answer;\r" + CTRL_D)
    prompt.interact(shell)
    assert out(shell).splitlines()[2].strip() == "42"


def test_control_c_clears_the_line(shell: Shell, keys: PipeInput) -> None:
    keys.send_text("SELECT 1 AS one" + CTRL_C + "SELECT 2 AS two;\r" + CTRL_D)
    prompt.interact(shell)
    assert "one" not in out(shell)
    assert "two" in out(shell)


def test_an_error_does_not_end_the_shell(shell: Shell, keys: PipeInput) -> None:
    keys.send_text("SELECT nonesuch;\rSELECT 2 AS two;\r.quit\r")
    prompt.interact(shell)
    assert "nonesuch" in err(shell)
    assert "two" in out(shell)


def test_the_history_is_kept_in_the_state_directory(shell: Shell, keys: PipeInput, tmp_path: Path) -> None:
    keys.send_text("SELECT 7 AS seven;\r" + CTRL_D)
    prompt.interact(shell)
    kept = FileHistory(str(tmp_path / "mvengine" / "history"))
    assert list(kept.load_history_strings()) == ["SELECT 7 AS seven;"]


def test_without_a_state_directory_the_shell_says_so_and_works(
    shell: Shell, keys: PipeInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "file"))
    keys.send_text("SELECT 7 AS seven;\r" + CTRL_D)
    prompt.interact(shell)
    assert "the history is not kept" in err(shell)
    assert "seven" in out(shell)


# The progress bar

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


def test_a_bar_is_drawn_while_a_statement_runs_and_gone_afterwards(terminal: Terminal) -> None:
    looks, is_drawn = [], Event()

    def read() -> tuple[Progress, ...]:
        looks.append(len(looks))
        if len(looks) == 3:  # what was read twice before is on the screen
            is_drawn.set()
        return (HALF_WAY,)

    with bar.shown(terminal.console, "REFRESH TABLE orders", read):
        assert is_drawn.wait(30)
    drawn = terminal.read()
    assert "loading main.orders" in drawn
    assert "42 %" in drawn
    assert "1,234,567 rows" in drawn
    assert "1 min left" in drawn
    assert ERASED.search(drawn)


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
    "statement", ["SELECT 1", "-- refresh\nINSERT INTO t VALUES (1)", "EXPLAIN REFRESH TABLE t", ""]
)
def test_statements_that_wait_for_no_refresh_have_no_bar(terminal: Terminal, statement: str) -> None:
    with bar.shown(terminal.console, statement, lambda: pytest.fail("nobody is to look")):
        pass
    assert terminal.read() == ""


@pytest.mark.parametrize(
    "statement",
    ["refresh all", "\n WAIT;", "-- all\n/* of\nthem */ Retry REFRESH 7", "RESUME REFRESH 7", "create table t"],
)
def test_statements_that_wait_have_one_behind_comments_too(terminal: Terminal, statement: str) -> None:
    is_read = Event()
    with bar.shown(terminal.console, statement, lambda: is_read.set() or ()):
        assert is_read.wait(30)


def test_what_is_over_soon_shows_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar, "DELAY_SECONDS", 3600.0)
    with bar.shown(terminal.console, "REFRESH ALL", lambda: pytest.fail("nobody is to look")):
        pass
    assert terminal.read() == ""


def test_a_bar_is_removed_from_under_an_error(terminal: Terminal) -> None:
    is_read = Event()
    with pytest.raises(OperationalError, match="stopped"):
        _fail_under_a_bar(terminal, is_read)
    assert ERASED.search(terminal.read())


def _fail_under_a_bar(terminal: Terminal, is_read: Event) -> None:
    with bar.shown(terminal.console, "REFRESH ALL", lambda: is_read.set() or (HALF_WAY,)):
        raise OperationalError("stopped" if is_read.wait(30) else "never drawn")


def test_there_is_no_bar_where_standard_error_is_no_terminal(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bar, "DELAY_SECONDS", 0.0)
    monkeypatch.setattr(bar, "Thread", lambda **_: pytest.fail("nobody is to draw"))
    assert shell.run("refresh all;")
    assert err(shell) == ""


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
