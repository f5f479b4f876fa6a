"""%load_ext mvengine in an IPython shell of this process; what notebooks show of refreshes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import mvengine


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "mvengine")
    yield shell
    shell.run_line_magic("unload_ext", "mvengine")


def test_a_line_is_run_and_its_result_shows_itself(shell: InteractiveShell) -> None:
    relation = shell.run_line_magic("mv", "SELECT 1 AS n UNION ALL SELECT 2 ORDER BY n")
    assert relation.fetchall() == [(1,), (2,)]
    shown, _ = shell.display_formatter.format(relation)
    assert shown["text/html"].startswith("<table>")
    assert shown["text/plain"] == "n\n-\n1\n2"


def test_cells_share_a_connection_and_give_their_result_a_name(shell: InteractiveShell) -> None:
    assert shell.run_cell_magic("mv", "", "CREATE TABLE t (n INTEGER);\nINSERT INTO t VALUES (1)").fetchall() == [(1,)]
    assert shell.run_line_magic("mv", "CREATE MATERIALIZED VIEW v AS SELECT sum(n) AS total FROM t") is None
    shell.run_cell_magic("mv", "totals", "FROM v -- all of it\n")
    shell.run_line_magic("mv", "INSERT INTO t VALUES (2)")
    assert shell.user_ns["totals"].fetchall() == [(3,)]


def test_variables_of_the_notebook_are_tables(shell: InteractiveShell) -> None:
    shell.user_ns["frame"] = polars.DataFrame({"n": [4, 5]})
    assert shell.run_line_magic("mv", "SELECT sum(n) FROM frame").fetchall() == [(9,)]


def test_a_file_can_be_opened_and_is_closed_again(shell: InteractiveShell, tmp_path: Path) -> None:
    path = tmp_path / "my sales.db"
    assert shell.run_line_magic("mv", f"--connect '{path}'") is None
    shell.run_cell_magic("mv", "", "CREATE TABLE t AS SELECT 7 AS n")
    shell.run_line_magic("mv", "--connect :memory:")
    with mvengine.connect(str(path)) as connection:
        assert connection.execute("FROM t").fetchall() == [(7,)]
        shell.user_ns["con"] = connection
        assert shell.run_cell_magic("mv", "--use con seven", "FROM t").fetchall() == [(7,)]
        assert shell.user_ns["seven"].columns == ["n"]
        shell.run_line_magic("mv", "--connect :memory:")
        assert connection.execute("SELECT 1").fetchall() == [(1,)]  # a connection of the notebook is left open


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("SELECT nothing", 'column "nothing"'),
        ("--use nothing", "nothing is no connection"),
        ("--connect", "write %mv --connect PATH"),
        ("--verbose 1", "write %mv --connect PATH"),
    ],
)
def test_errors_are_told_without_a_traceback(shell: InteractiveShell, line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shell.run_line_magic("mv", line)


def test_the_magic_is_gone_when_the_extension_is(shell: InteractiveShell) -> None:
    shell.run_line_magic("unload_ext", "mvengine")
    with pytest.raises(UsageError, match="mv` not found"):
        shell.run_line_magic("mv", "SELECT 1")
    shell.run_line_magic("load_ext", "mvengine")


def test_a_refresh_shows_its_tasks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    with mvengine.connect() as connection:
        connection.create_table_from_files("t", tmp_path / "*.csv", refresh=False)
        connection.create_view("v", "SELECT sum(n) AS total FROM t")
        refresh = connection.refresh("t")
        html = refresh._repr_html_()
        assert html.startswith(f"<p>Refresh {refresh.id}: COMPLETED</p><table>")
        assert ">load t</td>" in html
        assert ">maintain v</td>" in html
        assert connection.refresh("t")._repr_html_() == "<p>Nothing had changed</p>"


def test_a_refresh_that_failed_shows_why(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    with mvengine.connect() as connection:
        connection.create_table_from_files("t", tmp_path / "*.csv", columns={"n": "INTEGER"})
        (tmp_path / "b.csv").write_text("n\n<x>\n")
        with pytest.raises(mvengine.Error):
            connection.refresh("t")
        html = connection.refreshes()[-1]._repr_html_()
        assert "FAILED" in html
        assert "&lt;x&gt;" in html
