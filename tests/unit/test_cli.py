"""The command line: databases and subcommands, statements from everywhere, exit codes, errors."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import mvengine
from mvengine.cli import main


def run(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(main, list(arguments), input=stdin, prog_name="mvengine")


def test_help_shows_options_and_subcommands() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert all(word in result.stdout for word in ("[DATABASE]", "-c SQL", "-f FILE", "slt", "demo"))


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom mvengine.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'duckdb', 'sqlglot', 'lark', 'pyarrow', 'rich', 'prompt_toolkit', 'pygments'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version_names_mvengine_and_duckdb() -> None:
    assert run("--version").stdout.startswith(f"mvengine {mvengine.__version__} (DuckDB ")


def test_statements_run_in_order_and_the_first_error_stops_with_1() -> None:
    result = run("-c", "SELECT 1 AS a; SELECT 2 AS b", "-c", "SELECT nonesuch; SELECT 3 AS c", "-c", "SELECT 4 AS d")
    assert result.exit_code == 1
    assert [name in result.stdout for name in "abcd"] == [True, True, False, False]
    assert result.stderr.startswith("ERROR 42703: ")


@pytest.mark.parametrize("arguments", [(), ("--scheduler",)])
def test_scheduler_runs_while_the_command_does_where_it_is_asked_for(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    monkeypatch.setattr(
        "mvengine.repl.shell.Shell.run", lambda *_: seen.append({thread.name for thread in threading.enumerate()})
    )
    run(*arguments, "-c", "SELECT 1")
    assert ["mvengine-scheduler" in names for names in seen] == [bool(arguments)]
    assert "mvengine-scheduler" not in {thread.name for thread in threading.enumerate()}


def test_a_parse_error_shows_line_and_caret() -> None:
    result = run("-c", "SELECT 1;\nREFRESH TABEL t")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0].startswith("ERROR 42601: ")
    assert lines[1] == "LINE 2: REFRESH TABEL t"
    assert lines[2] == " " * len("LINE 2: REFRESH ") + "^"


def test_standard_input_is_run_when_it_is_no_terminal() -> None:
    result = run(stdin="SELECT 40 + 2 AS answer;\n")
    assert result.exit_code == 0
    assert "42" in result.stdout


def test_a_file_is_run_and_its_errors_name_line_and_file(tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text("\ufeffSELECT 1 AS one;\n\nSELECT nonesuch;\n", encoding="utf-8")
    result = run("-f", str(script))
    assert result.exit_code == 1
    assert "one" in result.stdout
    assert str(script) in result.stderr


QUERY = "SELECT 1 AS a, NULL AS b, 'x,y' AS c"


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--csv", 'a,b,c\n1,,"x,y"\n'),
        ("--json", '[{"a":1,"b":null,"c":"x,y"}]\n'),
        ("--jsonlines", '{"a":1,"b":null,"c":"x,y"}\n'),
        ("--line", "a = 1\nb = NULL\nc = x,y\n"),
        ("--list", "a|b|c\n1|NULL|x,y\n"),
        ("--tabs", "a\tb\tc\n1\t\\N\tx,y\n"),
        ("--markdown", "|   a | b    | c   |\n| --: | ---- | --- |\n|   1 | NULL | x,y |\n"),
    ],
)
def test_a_mode_prints_nothing_but_results(option: str, text: str) -> None:
    statements = f"CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (1); {QUERY}"
    for result in (run(option, "-c", statements), run(option, stdin=statements)):
        assert (result.stdout, result.stderr, result.exit_code) == (text, "", 0)


def test_headers_and_null_are_as_the_command_line_has_them() -> None:
    assert run("--csv", "--no-headers", "--nullvalue", "-", "-c", QUERY).stdout == '1,-,"x,y"\n'


def test_keep_going_runs_what_comes_after_an_error_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT nonesuch;\nSELECT 3 AS c;\n")
    result = run("--keep-going", "--csv", "-c", "SELECT nonesuch; SELECT 1 AS a", "-c", "SELECT 2 AS b", "-f",
                 str(tmp_path / "a.sql"))  # fmt: skip
    assert result.exit_code == 1
    assert result.stdout == "a\n1\nb\n2\nc\n3\n"
    assert result.stderr.count("ERROR 42703") == 2


def test_an_init_file_runs_before_all(tmp_path: Path) -> None:
    (tmp_path / "init.sql").write_text(".mode csv\nCREATE TABLE t AS SELECT 7 AS seven;\n")
    assert run("--init", str(tmp_path / "init.sql"), "-c", "FROM t").stdout == "seven\n7\n"


def test_the_users_own_init_file_does_not_touch_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "init.sql").write_text(".mode csv\n")
    monkeypatch.setenv("MVENGINE_INIT", str(tmp_path / "init.sql"))
    assert "(1 row)" in run("-c", "SELECT 1 AS a").stdout


def test_a_dialect_is_that_of_the_statements() -> None:
    assert run("--dialect", "postgres", "--csv", "-c", "SELECT 7::int4 AS a").stdout == "a\n7\n"
    assert "dialect" in run("--dialect", "cobol", "-c", "SELECT 1").stderr


def test_who_has_read_enough_ends_it_without_a_word(tmp_path: Path) -> None:
    command = f"{sys.executable} -m mvengine -c 'FROM range(1000000)' -c \"COPY (SELECT 1) TO 'after.csv'\" 2> errors"
    script = f"{command} | head -n 2; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "141"
    assert (tmp_path / "errors").read_text() == ""
    assert not (tmp_path / "after.csv").exists()


def test_quit_in_a_script_ends_well() -> None:
    result = run(stdin="SELECT 1 AS a;\n.quit\nSELECT nonesuch;\n")
    assert result.exit_code == 0


def test_what_is_written_stays_in_the_database(tmp_path: Path) -> None:
    database = str(tmp_path / "kept.db")
    assert run(database, "-c", "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (5)").exit_code == 0
    assert "5" in run("-c", "SELECT a FROM t", database).stdout


def test_a_database_may_have_the_name_of_a_subcommand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("./slt", "-c", "CREATE TABLE t (a INTEGER)").exit_code == 0
    assert (tmp_path / "slt").is_file()


@pytest.mark.parametrize("arguments", [["slt", "--help"], ["--debug", "slt", "--help"]])
def test_a_subcommand_is_found_behind_debug(arguments: list[str]) -> None:
    assert "Usage: mvengine slt [OPTIONS] PATHS..." in run(*arguments).stdout


def test_slt_runs_files_and_its_verdict_is_the_exit_code(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.slt", tmp_path / "bad.slt"
    good.write_text("query I\nSELECT 1\n----\n1\n")
    bad.write_text("query I\nSELECT 1\n----\n2\n")
    assert run("slt", str(good)).exit_code == 0
    assert run("slt", str(good), str(bad)).exit_code == 1


@pytest.mark.parametrize(
    "arguments", [["--nonesuch"], ["-f", "nonesuch.sql"], ["a.db", "b.db"], ["slt"], ["demo", "--scale", "0"]]
)
def test_a_wrong_command_line_is_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(("garbage", "byte"), [(b"SELECT 1;\xff\xfe", "0xff"), (b"SELECT\x00 1;", "0x00")])
def test_binary_input_is_refused_before_anything_runs(garbage: bytes, byte: str) -> None:
    result = run(stdin=garbage)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"ERROR 22021: standard input is not text: byte {byte}" in result.stderr


@pytest.mark.parametrize("contents", [b"not a database" * 1000, None])
def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path, contents: bytes | None) -> None:
    path = tmp_path / "broken.db"
    path.mkdir() if contents is None else path.write_bytes(contents)
    result = run(str(path), "-c", "SELECT 1")
    assert result.exit_code == 1
    assert result.stderr.startswith("ERROR ")
    assert str(path) in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in run("--debug", "-c", "SELECT nonesuch").stderr


def test_the_demo_uses_only_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    result = run("demo", "--directory", str(tmp_path))
    assert result.exit_code == 1
    assert "is not empty" in result.stderr


def test_the_demo_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("demo", "--directory", str(tmp_path / "new"))
    assert result.exit_code == 1
    assert "HINT: pip install 'mvengine[demo]'" in result.stderr


def test_the_demo_ends_in_agreement(tmp_path: Path) -> None:
    result = run("demo", "--scale", "0.01", "--directory", str(tmp_path / "new"))
    assert result.exit_code == 0, result.stderr
    assert "no:" not in result.stdout
    assert result.stdout.count("yes") == 16
    assert "0 files read" in result.stdout
