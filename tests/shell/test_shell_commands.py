"""The commands of the shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell_world import err, out

from mvengine.errors import OperationalError
from mvengine.repl.commands import COMMANDS, Quit
from mvengine.repl.shell import Shell


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
