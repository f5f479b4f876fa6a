"""Scripts in pieces: statements and commands."""

from __future__ import annotations

import pytest
from shell_world import err

from mvengine.repl.script import is_ready, pieces
from mvengine.repl.shell import Shell


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
