"""The commands of the shell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from shell_world import err, make_shell, out

import mvengine
from mvengine.errors import OperationalError
from mvengine.repl.commands import COMMANDS, Quit
from mvengine.repl.shell import Shell

WORLD = """
CREATE SCHEMA s;
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR NOT NULL, amount DECIMAL(9, 2) DEFAULT 0);
CREATE TABLE s.customers (name VARCHAR);
INSERT INTO orders VALUES (1, 'ann', 10), (2, 'ben', 20);
CREATE VIEW big AS SELECT id FROM orders WHERE amount > 15;
CREATE MATERIALIZED VIEW s.revenue AS SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer;
CREATE MACRO double_it(x) AS 2 * x;
"""


@pytest.fixture
def world(shell: Shell) -> Shell:
    assert shell.run(WORLD), err(shell)
    return shell


def said(shell: Shell, script: str) -> list[list[str]]:
    """The cells of what a script prints in mode list, without the names of columns."""
    before = len(out(shell))
    assert shell.run(f".mode list\n{script}\n"), err(shell)
    return [line.split("|") for line in out(shell)[before:].splitlines()]


def test_every_command_is_named_and_explained(shell: Shell) -> None:
    assert shell.run(".help")
    lines = out(shell).splitlines()
    for command in COMMANDS:
        assert any(line.startswith(f".{command.name}") and command.help in line for line in lines)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_on_a_command_names_its_forms(shell: Shell, command: object) -> None:
    for name in command.names:  # type: ignore[attr-defined]  # a Command
        assert shell.run(f".help {name}\n.help \\{name}")
    assert command.help in out(shell)  # type: ignore[attr-defined]  # a Command


def test_no_two_commands_share_a_name() -> None:
    names = [name for command in COMMANDS for name in set(command.names)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("line", "hint"),
    [(".tabels", "did you mean '.tables'?"), ("\\lineag", "did you mean '\\lineage'?"), (".xyzzy", "try .help")],
)
def test_an_unknown_command_names_the_nearest(shell: Shell, line: str, hint: str) -> None:
    assert not shell.run(line)
    assert "ERROR 42601" in err(shell)
    assert hint in err(shell)


# What there is


def test_tables_lists_all_with_states_and_how_they_are_kept(world: Shell) -> None:
    assert said(world, ".tables")[1:] == [
        ["main", "big", "view", "", "NULL", ""],
        ["main", "orders", "table", "", "2", ""],
        ["s", "customers", "table", "", "0", ""],
        ["s", "revenue", "materialized view", "fresh", "2", "algebraic: sums and counts follow the delta"],
    ]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("\\dt", ["orders", "customers"]),
        ("\\dm", ["revenue"]),
        ("\\dv", ["big"]),
        ("\\d", ["big", "orders", "customers", "revenue"]),
        ("\\dt+ OR*", ["orders"]),
        (".tables s.*", ["customers", "revenue"]),
        (".tables *.orders;", ["orders"]),
        (".tables nothing_like_it", []),
    ],
)
def test_lists_are_of_one_kind_and_of_what_a_pattern_matches(world: Shell, command: str, names: list[str]) -> None:
    assert [row[1] for row in said(world, command)[1:]] == names


def test_temporary_tables_are_among_them(world: Shell) -> None:
    assert ["main", "mine", "temporary table", "", "0", ""] in said(world, "CREATE TEMP TABLE mine (i INTEGER);\n\\d")


@pytest.mark.parametrize(
    ("command", "first"),
    [("\\dn", ["main", "s"]), ("\\df", ["main"]), ("\\l", ["memory"]), ("\\dj", ["1"]), ("\\dr", []), ("\\dT", [])],
)
def test_other_lists(world: Shell, command: str, first: list[str]) -> None:
    assert [row[0] for row in said(world, command)[1:]] == first


def test_functions_are_the_users_or_those_like_a_pattern(world: Shell) -> None:
    assert [row[1] for row in said(world, "\\df")[1:]] == ["double_it"]
    assert {row[1] for row in said(world, "\\df list_zi*")[1:]} == {"list_zip"}


def test_indexes_and_settings(world: Shell) -> None:
    assert said(world, "CREATE INDEX by_name ON s.customers(name);\n\\di")[-1][:3] == ["s", "by_name", "customers"]
    assert [row[0] for row in said(world, ".settings thread*")[1:]] == ["threads"]


@pytest.mark.parametrize("name", ["revenue", "s.revenue", "S.REVENUE", '"revenue"'])
def test_describe_shows_columns_state_and_neighbours(world: Shell, name: str) -> None:
    rows = said(world, f"\\d {name}")
    assert rows[0] == ["s.revenue"]
    assert [row[:2] for row in rows[2:4]] == [["customer", "VARCHAR"], ["amount", "DECIMAL(38,2)"]]
    assert {row[0]: row[1] for row in rows[5:]} == {
        "kind": "materialized view",
        "state": "fresh",
        "kept by": "algebraic: sums and counts follow the delta",
        "follows": "at commit",
        "rows": "2",
        "reads": "orders",
    }


def test_describe_shows_keys_and_readers_of_a_table(world: Shell) -> None:
    rows = said(world, ".describe orders")
    assert ["read by", "s.revenue"] in rows
    assert any(row[0] == "primary key" for row in rows)


def test_describe_names_what_is_near_to_what_is_not_there(world: Shell) -> None:
    assert not world.run("\\d odrers")
    assert "ERROR 42P01: there is no table or view odrers" in err(world)
    assert "HINT: did you mean orders?" in err(world)


def test_schema_makes_the_same_database_again(world: Shell, tmp_path: Path) -> None:
    path = tmp_path / "schema.sql"
    assert world.run(f".output {path}\n.schema\n.output\n.mode list\n\\d")
    with mvengine.connect(str(tmp_path / "again.db")) as connection:
        again = make_shell(connection, is_terminal=False)
        assert again.run_file(path), err(again)
        assert again.run(".mode list\n\\d")
        assert re.sub(r"\|\d+\|", "|n|", out(again)) == re.sub(r"\|\d+\|", "|n|", out(world))


def test_sources_are_told_from_views(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    assert shell.run(f"CREATE SOURCE files FROM '{tmp_path}/*.csv'; CREATE VIEW v AS FROM files;"), err(shell)
    assert said(shell, "\\ds")[1:] == [["main", "files", "source", "", "NULL", f"{tmp_path}/*.csv"]]
    assert [row[1] for row in said(shell, "\\dv")[1:]] == ["v"]
    assert said(shell, ".schema")[0][0].lower().startswith("create source files")


def test_lineage_is_a_tree(world: Shell) -> None:
    assert world.run("\\lineage s.revenue")
    assert out(world).splitlines() == [
        "s.revenue (materialized view, fresh, algebraic)",
        "└── orders (table)",
    ]


def test_lineage_of_nothing_is_an_error(world: Shell) -> None:
    assert not world.run("\\lineage nonesuch")
    assert "ERROR 42P01" in err(world)


def test_colours_on_a_screen_say_how_views_are(connection: mvengine.Connection) -> None:
    shell = make_shell(connection, is_terminal=True, color="standard")
    assert shell.run(WORLD + "\\lineage\nEXPLAIN MATERIALIZED VIEW s.revenue; EXPLAIN SELECT 1;")
    assert "\x1b[32mfresh\x1b[0m" in out(shell)
    assert re.search(r"\x1b\[1;33mGroup\x1b\[0m", out(shell))
    assert re.search(r"\x1b\[1;33m(Projection|PROJECTION)\x1b\[0m", out(shell))


# Files


def test_read_runs_a_file_and_errors_name_it(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "a script.sql"
    script.write_text(".mode csv\nSELECT 5 AS five;\nSELECT nonesuch;\n")
    assert not shell.run(f".read '{script}'")
    assert out(shell) == "five\n5\n"
    assert f"{script}:3: SELECT nonesuch" in err(shell)


def test_a_file_that_reads_itself_ends(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text(f".read {script}\n")
    assert not shell.run(f"\\i {script}")
    assert "read one another" in err(shell)


def test_a_missing_file_is_an_error_of_the_world(shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(OperationalError, match="cannot read"):
        shell.run_file(tmp_path / "nonesuch.sql")


def test_output_goes_to_a_file_until_it_is_said_otherwise(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    assert shell.run(f".output {path}\n.mode csv\nSELECT 1 AS a;\nSELECT 2 AS b;\n.output\nSELECT 3 AS c;")
    assert path.read_text() == "a\n1\nb\n2\n"
    assert out(shell) == "c\n3\n"


def test_once_is_for_one_result(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert shell.run(f".mode csv\n.once {path}\nSELECT 1 AS a;\nSELECT 2 AS b;")
    assert path.read_text() == "a\n1\n"
    assert out(shell) == "b\n2\n"


def test_a_statement_that_fails_ends_once_too(shell: Shell, tmp_path: Path) -> None:
    assert not shell.run(f".mode csv\n.once {tmp_path / 'out.csv'}\nSELECT nonesuch;")
    assert shell.run("SELECT 2 AS b;")
    assert out(shell) == "b\n2\n"


@pytest.mark.parametrize("command", [".output /nonesuch/file", ".once /nonesuch/file", ".once", ".read", ".read a b"])
def test_files_that_cannot_be_are_errors(shell: Shell, command: str) -> None:
    assert not shell.run(command)
    assert re.match(r"ERROR (58030|42601): ", err(shell))


def test_import_makes_a_table_and_adds_to_it_by_names(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,ann\n")
    (tmp_path / "b.csv").write_text("name,id\nben,2\n")
    assert shell.run(f".import {tmp_path}/a.csv people\n.import {tmp_path}/b.csv people"), err(shell)
    assert said(shell, "FROM people ORDER BY id;")[1:] == [["1", "ann"], ["2", "ben"]]


# How results are shown


def test_mode_is_kept_and_told(shell: Shell) -> None:
    assert shell.run(".mode\n.mode csv\n.mode\nSELECT 1 AS a;\n.mode auto\n.mode")
    assert out(shell).splitlines() == ["auto", "csv", "a", "1", "auto"]


def test_expanded_results_have_a_line_for_each_value(shell: Shell) -> None:
    assert shell.run("\\x\nSELECT 1 AS a, NULL AS long_name;\n\\x off\n.mode csv\nSELECT 2 AS b;")
    assert out(shell).splitlines() == ["        a = 1", "long_name = NULL", "b", "2"]


def test_headers_and_null_are_as_the_user_has_them(shell: Shell) -> None:
    assert shell.run(".mode list\n.headers off\n.nullvalue '-- none --'\nSELECT NULL, 2;\n.nullvalue\nSELECT NULL;")
    assert out(shell).splitlines() == ["-- none --|2", "NULL"]


def test_rows_and_width_are_bounded_as_the_user_has_it(connection: mvengine.Connection) -> None:
    shell = make_shell(connection, is_terminal=True)
    assert shell.run(".maxrows 2\n.maxwidth 30\nSELECT i, repeat('x', 100) AS t FROM range(9) r(i);")
    assert "9 rows (2 shown)" in out(shell)
    assert max(map(len, out(shell).splitlines())) <= 30


def test_timer_adds_the_seconds(shell: Shell) -> None:
    assert shell.run(".timer on\nSELECT 1;\n\\timing\nSELECT 2;")
    assert sum(line.endswith(" s") for line in out(shell).splitlines()) == 1


def test_show_lists_the_settings(shell: Shell) -> None:
    assert shell.run(".mode csv\n.show")
    assert "     mode: csv" in out(shell).splitlines()


@pytest.mark.parametrize(
    "command",
    [".mode xml", ".timer maybe", "\\x 7", ".maxrows many", ".maxrows 0", ".pager often", ".keys nano", ".nullvalue 'a",
     "\\watch soon", "\\watch -1", "\\watch 1 0", "\\watch 1 2 3"],
)  # fmt: skip
def test_a_wrong_argument_says_what_is_right(shell: Shell, command: str) -> None:
    assert not shell.run(f"SELECT 1;\n{command}")
    assert "ERROR 42601: " in err(shell)
    assert "HINT: " in err(shell)


# The latest statement


def test_a_statement_may_end_in_a_command(shell: Shell) -> None:
    assert shell.run(".mode csv\nSELECT 1 AS a \\g\nSELECT 2 AS b\n, 3 AS c \\gx\n\\g")
    assert out(shell).splitlines() == ["a", "1", "b = 2", "c = 3", "b,c", "2,3"]


def test_only_some_commands_can_end_a_statement(shell: Shell) -> None:
    assert not shell.run("SELECT 1 AS a \\d orders")
    assert "cannot end a statement" in err(shell)


def test_watch_runs_it_again_and_again(shell: Shell) -> None:
    assert shell.run("CREATE SEQUENCE q;\n.mode list\n.headers off\nSELECT nextval('q') \\watch 0 3")
    assert out(shell).splitlines() == ["1", "2", "3"]


def test_watch_ends_with_an_error(shell: Shell) -> None:
    assert not shell.run("SELECT nonesuch \\watch 0 3")
    assert err(shell).count("ERROR") == 1


@pytest.mark.parametrize("command", ["\\g", "\\gx", "\\watch"])
def test_without_a_statement_there_is_nothing_to_run_again(shell: Shell, command: str) -> None:
    assert not shell.run(command)
    assert "there is no statement to run again" in err(shell)


def test_the_editor_needs_a_prompt(shell: Shell) -> None:
    assert not shell.run("\\e")
    assert "needs a prompt" in err(shell)


def test_the_draft_is_what_the_editor_saved(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ncat "$1" > "$0.seen"\necho "SELECT 2;" > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    shell.output.is_paged = True
    assert shell.run("SELECT 1;\n\\e")
    assert (tmp_path / "editor.seen").read_text() == "SELECT 1;\n"
    assert shell.draft == "SELECT 2;"


@pytest.mark.parametrize("editor", ["/nonesuch/editor", "false"])
def test_an_editor_that_fails_is_an_error(shell: Shell, monkeypatch: pytest.MonkeyPatch, editor: str) -> None:
    monkeypatch.setenv("VISUAL", editor)
    shell.output.is_paged = True
    assert not shell.run("\\e")
    assert re.match("ERROR 58", err(shell))


def test_quit_leaves_a_script(shell: Shell) -> None:
    with pytest.raises(Quit):
        shell.run("SELECT 1 AS a;\n.quit\nSELECT 2 AS b;")
    assert "b" not in out(shell)


def test_a_script_goes_on_after_errors_where_that_is_said(shell: Shell) -> None:
    assert not shell.run(".mode csv\n.bail off\nSELECT nonesuch;\n.nonesuch\nSELECT 1 AS a;")
    assert out(shell) == "a\n1\n"
    assert err(shell).count("ERROR") == 2
