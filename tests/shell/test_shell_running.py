"""Statements in the shell: results, errors, where they go."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell_world import err, make_shell, out

import mvengine
from mvengine.errors import ParseError, Position
from mvengine.repl.failure import describe
from mvengine.repl.shell import Shell


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


def test_a_query_may_have_a_column_by_the_name_of_an_answer(shell: Shell) -> None:
    assert shell.run('.mode csv\nSELECT 7 AS "Count"; SELECT true AS "Success";')
    assert out(shell) == "Count\n7\nSuccess\ntrue\n"


@pytest.mark.parametrize("statement", ["CREATE TABLE t AS FROM range(3)", "COPY (FROM range(3)) TO '{}/a.csv'"])
def test_what_was_only_counted_is_said_on_a_terminal_and_is_no_result(
    connection: mvengine.Connection, tmp_path: Path, statement: str
) -> None:
    in_a_pipe, on_a_screen = (make_shell(connection, is_terminal=is_terminal) for is_terminal in (False, True))
    assert in_a_pipe.run(statement.format(tmp_path) + "; DROP TABLE IF EXISTS t")
    assert on_a_screen.run(statement.format(tmp_path))
    assert (out(in_a_pipe), out(on_a_screen)) == ("", "3 rows\n")
