"""The shell as somebody sees it who sits before it: mvengine on a pseudo-terminal."""

from __future__ import annotations

from pathlib import Path

from terminal import CTRL_C, CTRL_D, CTRL_R, ENTER, ESCAPE, TAB, UP, Terminal

PROMPT = "mvengine>"


def script(home: Path, name: str, text: str) -> str:
    path = home / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_session_from_greeting_to_end(tmp_path: Path) -> None:
    with Terminal(tmp_path, "sales.db") as terminal:
        terminal.see("Statements end with a semicolon")
        terminal.run("CREATE TABLE orders (id INTEGER, customer VARCHAR);", "INSERT INTO orders VALUES (1, 'ann'),")
        terminal.see("...>")
        terminal.run("(2, 'ben;')", ";")
        terminal.see("2 rows changed")
        terminal.run("FROM orders ORDER BY id;")
        shown = terminal.see("2 rows\nmvengine>")
        assert "│       1 │ ann      │" in shown
        terminal.type(CTRL_D)
        assert terminal.ended() == 0
    with Terminal(tmp_path, "sales.db") as terminal:  # the history is there again
        terminal.see(PROMPT)
        terminal.type(UP, ENTER)
        terminal.see("ben;")
        terminal.type(CTRL_R, "INSERT")
        terminal.see("I-search backward: INSERT")
        terminal.type(CTRL_C)
        terminal.run(".quit")
        assert terminal.ended() == 0
    assert "INSERT INTO orders" in (tmp_path / ".local/state/mvengine/history").read_text()


def test_control_c_stops_the_statement_and_not_the_shell(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.see(PROMPT)
        terminal.run("SELECT count(*) FROM range(10_000_000) a, range(10_000_000) b WHERE a.range % 7 = b.range % 9;")
        terminal.see("running")  # the bar
        terminal.type(CTRL_C)
        terminal.see("ERROR 57014")
        terminal.run("SELECT 40 + 2 AS answer \\watch 0.1")
        terminal.see("42", times=2)
        terminal.type(CTRL_C)
        terminal.run("", "SELECT 'still ' || 'here' AS s;")
        terminal.see("still here")
        terminal.run("exit")
        assert terminal.ended() == 0


def test_tab_completes_tables_and_columns(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.see(PROMPT)
        terminal.run("CREATE TABLE measurements (temperature INTEGER);", "INSERT INTO measurements VALUES (451);")
        terminal.see("1 row changed")
        terminal.type("SELECT  FROM meas", TAB)
        terminal.see("FROM measurements")
        terminal.type("\x01", *["\x1b[C"] * 7, "tempera", TAB)  # back to the beginning, and behind SELECT
        terminal.see("SELECT temperature FROM measurements")
        terminal.type("\x05")
        terminal.run(";")
        terminal.see("451")


def test_an_error_shows_line_caret_code_and_hint(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.see(PROMPT)
        terminal.run("CREATE TABLE orders (id INTEGER);", "SELECT *", "FROM odrers;")
        shown = terminal.see("HINT").splitlines()
        at = next(index for index, line in enumerate(shown) if line.startswith("ERROR 42P01: "))
        assert shown[at + 1] == "LINE 2: FROM odrers"
        assert shown[at + 2] == "             ^"
        assert shown[at + 3].startswith("HINT: ")


def test_long_results_go_through_the_pager(tmp_path: Path) -> None:
    pager = script(tmp_path, "pager", 'echo "PAGED $(wc -l) lines"')
    with Terminal(tmp_path, PAGER=pager) as terminal:
        terminal.see(PROMPT)
        terminal.run("FROM range(1000);")
        assert "PAGED" not in terminal.see("1,000 rows (12 shown)")  # a box fits
        terminal.run(".mode csv", "FROM range(1000);")
        terminal.see("PAGED 1001 lines")
        terminal.run(".mode auto", ".pager on", "FROM range(100);")
        terminal.see("PAGED 106 lines")  # whole: a box of 100 rows
        terminal.run(".pager off", ".mode list", "FROM range(50);")
        terminal.see("\n49\n")


def test_a_pager_that_is_left_early_stops_the_result(tmp_path: Path) -> None:
    pager = script(tmp_path, "pager", "head -n 2 | tail -n 1; echo LEFT")
    with Terminal(tmp_path, MVENGINE_PAGER=pager) as terminal:
        terminal.see(PROMPT)
        terminal.run(".mode csv", "SELECT i + 5 AS i FROM range(1_000_000_000_000) r(i);")
        terminal.see("\n5\nLEFT")
        terminal.run("SELECT 'still ' || 'here' AS s;")
        terminal.see("still here")


def test_the_start_up_file_has_statements_and_commands(tmp_path: Path) -> None:
    config = tmp_path / ".config" / "mvengine"
    config.mkdir(parents=True)
    (config / "init.sql").write_text(".mode csv\n.keys vi\nCREATE TEMP TABLE mine AS SELECT 7 AS seven;\n")
    with Terminal(tmp_path) as terminal:
        terminal.see(PROMPT)
        terminal.run("FROM mine;")
        terminal.see("seven\n7\n")
        terminal.type("FROM nine;", ESCAPE, "0", "w", "c", "w", "mine", ENTER)  # vi's commands
        terminal.see("seven\n7\n", times=2)
    (tmp_path / "other.sql").write_text("SELECT nonesuch;\n.mode list\n")
    with Terminal(tmp_path, MVENGINE_INIT=str(tmp_path / "other.sql")) as terminal:
        terminal.see("LINE 1: SELECT nonesuch")  # an error does not keep the shell from opening
        terminal.run("SELECT 40 + 2 AS a, 1 AS b;")
        terminal.see("42 │ ")


def test_the_editor_gets_the_latest_statement_and_gives_the_next(tmp_path: Path) -> None:
    editor = script(tmp_path, "editor", "sed -i s/before/after/ $1")
    with Terminal(tmp_path, EDITOR=editor) as terminal:
        terminal.see(PROMPT)
        terminal.run("SELECT 'before' AS word;")
        terminal.see("│ before")
        terminal.run("\\e")
        terminal.see("SELECT 'after' AS word;")
        terminal.type(ENTER)
        terminal.see("│ after")


def test_a_narrow_and_a_wide_screen_show_what_fits(tmp_path: Path) -> None:
    query = (
        "SELECT '漢字かな' AS wide, repeat('x', 300) AS long, {'a': [1, NULL], 'b': MAP {'k': 1.5}} AS nested, "
        + ", ".join(f"{n} AS c{n}" for n in range(100))
        + ";"
    )
    (tmp_path / "query.sql").write_text(query)
    for width, least in ((40, 2), (200, 10)):
        with Terminal(tmp_path, width=width) as terminal:
            terminal.see(PROMPT)
            terminal.run(".read query.sql")
            shown = terminal.see("103 columns (")
            assert int(shown.split("103 columns (")[1].split()[0]) >= least
            assert "漢" in shown


def test_many_rows_are_counted_and_a_few_shown(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.see(PROMPT)
        terminal.run("SELECT i, i * 2 AS j FROM range(1_000_000) r(i);")
        shown = terminal.see("1,000,000 rows (12 shown)")
        assert "999999" in shown
