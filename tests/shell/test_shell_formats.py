"""Results as text: boxes that fit the screen, and what other programs read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from shell_world import out

import mvengine
from mvengine.repl import result
from mvengine.repl.formats import FORMATS, Look, aligned, duckbox
from mvengine.repl.result import Page, columns_of, read_page, rows_of
from mvengine.repl.shell import Shell
from mvengine.schema import Column


def rendered(page: Page, *, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(*duckbox.drawn(page, width=width), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def page_from(connection: mvengine.Connection) -> Page:
    return read_page(columns_of(connection), rows_of(connection), rows_max=4)


def page_of(columns: int, rows: int, text: str = "some words") -> Page:
    names = tuple(Column(name=f"column_{index}", type="VARCHAR") for index in range(columns))
    return Page(columns=names, head=((text,) * columns,) * rows, tail=(), rows=rows, is_whole=True)


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


def test_a_long_result_is_cut_in_the_middle_and_counted(connection: mvengine.Connection) -> None:
    connection.execute("SELECT i FROM range(100_000) r(i)")
    page = page_from(connection)
    assert (page.head, page.tail) == (((0,), (1,)), ((99_998,), (99_999,)))
    assert page.footer == "100,000 rows (4 shown)"
    assert sum("·" in line for line in rendered(page, width=80)) == duckbox.DOTS


@pytest.mark.parametrize("rows", [4, 5, 6, 1000, 1001])
def test_no_row_is_shown_twice_and_none_more_than_may(connection: mvengine.Connection, rows: int) -> None:
    connection.execute(f"SELECT i FROM range({rows}) r(i)")
    page = page_from(connection)
    shown = [row[0] for row in (*page.head, *page.tail)]
    assert shown == ([0, 1, 2, 3] if rows == 4 else [0, 1, rows - 2, rows - 1])
    assert page.rows == rows


def test_a_huge_result_is_not_counted_to_its_end(
    connection: mvengine.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result, "ROWS_COUNTED_MAX", 10_000)
    connection.execute("SELECT i FROM range(1_000_000_000_000) r(i)")
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
    lines = list(aligned.render(columns, iter([("a", 1), ("two\nlines", 22), (long, None)])))
    assert lines[2].endswith("|    1")
    assert lines[3].startswith("two ")
    assert lines[4].startswith("lines ")
    assert lines[5] == f"{long} | NULL"
    assert lines[-1] == "(3 rows)"


def test_plain_text_has_every_row_of_a_long_result(shell: Shell) -> None:
    assert shell.run("SELECT i FROM range(20000) r(i)")
    assert len(out(shell).splitlines()) == 20_003


# What other programs read

CASES = (
    "SELECT 1 AS n, 'a,b|c' AS t, NULL AS nothing, '' AS e UNION ALL SELECT 22, 'two\nlines', 'x', ' \"q\" ' ORDER BY n"
)


def written(connection: mvengine.Connection, mode: str, query: str = CASES, **look: object) -> str:
    connection.execute(query)
    lines = FORMATS[mode].render(columns_of(connection), rows_of(connection), Look(**look))  # type: ignore[arg-type]  # its fields
    return "\n".join(lines)


def test_csv_is_read_back_as_it_was(connection: mvengine.Connection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(written(connection, "csv") + "\n")
    rows = connection.execute(CASES).fetchall()
    read = f"FROM read_csv('{tmp_path}/a.csv', allow_quoted_nulls = false)"
    assert connection.execute(read).fetchall() == rows


def test_json_is_read_back_as_it_was(connection: mvengine.Connection) -> None:
    text = written(
        connection, "json", "SELECT 1.50 AS d, [1, NULL] AS l, {'a': true} AS s, MAP {'k': 2} AS m, 'ä\"' AS t"
    )
    assert json.loads(text) == [{"d": 1.5, "l": [1, None], "s": {"a": True}, "m": {"k": 2}, "t": 'ä"'}]
    assert json.loads(written(connection, "json", "SELECT 1 AS a WHERE false")) == []


def test_json_has_texts_for_what_json_has_no_numbers_for(connection: mvengine.Connection) -> None:
    text = written(
        connection, "jsonlines", "SELECT 'nan'::DOUBLE AS a, DATE '2026-01-02' AS b, 12345678901234567890 AS c"
    )
    assert text == '{"a":"nan","b":"2026-01-02","c":12345678901234567890}'


def test_inserts_are_read_back_as_they_were(connection: mvengine.Connection) -> None:
    connection.execute("CREATE TABLE result (n INTEGER, t VARCHAR, nothing VARCHAR, e VARCHAR)")
    connection.execute(written(connection, "insert"))
    assert sorted(connection.execute("FROM result").fetchall()) == connection.execute(CASES).fetchall()


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("csv", 'n,t\n1,"a,b|c"\n'),
        ("tabs", "n\tt\n1\ta,b|c\n"),
        ("list", "n|t\n1|a,b|c\n"),
        ("line", "n = 1\nt = a,b|c\n"),
        ("markdown", "|   n | t      |\n| --: | ------ |\n|   1 | a,b\\|c |\n"),
        ("box", "┌───┬───────┐\n│ n │ t     │\n├───┼───────┤\n│ 1 │ a,b|c │\n└───┴───────┘\n"),
        ("table", "+---+-------+\n| n | t     |\n+---+-------+\n| 1 | a,b|c |\n+---+-------+\n"),
        ("trash", "\n"),
    ],
)
def test_each_mode_has_its_form(connection: mvengine.Connection, mode: str, text: str) -> None:
    assert written(connection, mode, "SELECT 1 AS n, 'a,b|c' AS t") + "\n" == text


@pytest.mark.parametrize(("mode", "null"), [("csv", ""), ("tabs", "\\N"), ("list", "NULL"), ("aligned", "NULL")])
def test_null_is_what_the_mode_or_the_user_has_for_it(connection: mvengine.Connection, mode: str, null: str) -> None:
    query = "SELECT NULL AS a, 1 AS b"
    assert written(connection, mode, query, has_header=False).split("\n")[0][: len(null)] == null
    assert "nothing" in written(connection, mode, query, null="nothing")


@pytest.mark.parametrize("mode", FORMATS)
@pytest.mark.parametrize("query", ["SELECT 1 AS a WHERE false", 'SELECT NULL AS "a\nb", \'漢字\' AS "  "'])
def test_every_mode_takes_results_without_rows_and_odd_names(
    connection: mvengine.Connection, mode: str, query: str
) -> None:
    written(connection, mode, query)
    written(connection, mode, query, has_header=False, null="∅")
