"""From text to records, and what is said of text that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvengine.slt.directives import DIRECTIVES
from mvengine.slt.parser import parse_file, parse_text
from mvengine.slt.records import (
    Condition,
    ControlSort,
    ControlSubstitution,
    ErrorCode,
    ErrorPattern,
    ErrorText,
    ExpectedRows,
    ExpectedSuccess,
    Halt,
    HashThreshold,
    Query,
    Record,
    ScriptError,
    Sleep,
    Sort,
    Statement,
    Subtest,
    System,
)


def parse(text: str) -> list[Record]:
    return list(parse_text(text, file="a.slt"))


def only(text: str) -> Record:
    (record,) = parse(text)
    return record


def test_a_statement_takes_its_sql_up_to_an_empty_line() -> None:
    first, second = parse("# comment\n\nstatement ok\nselect 1,\n  2\n\nstatement count 3\ndelete from t")
    assert first.directive == Statement(sql="select 1,\n  2", expected=ExpectedSuccess(rows=None))
    assert second.directive == Statement(sql="delete from t", expected=ExpectedSuccess(rows=3))
    assert (first.location.line, second.location.line) == (3, 7)


def test_windows_line_ends_are_line_ends() -> None:
    assert only("statement ok\r\nselect 1\r\n").directive == Statement(
        sql="select 1", expected=ExpectedSuccess(rows=None)
    )


def test_a_query_has_types_sort_label_and_rows() -> None:
    record = only("query IT rowsort x\nselect 1, 'a'\n----\n1 a\n2 b\n")
    rows = ExpectedRows(types="IT", sort=Sort.ROWS, label="x", lines=("1 a", "2 b"))
    assert record.directive == Query(sql="select 1, 'a'", expected=rows)


def test_a_label_may_stand_without_a_sort_mode_and_types_may_be_missing() -> None:
    assert only("query I same\nselect 1\n----\n1").directive == Query(
        sql="select 1", expected=ExpectedRows(types="I", sort=None, label="same", lines=("1",))
    )
    assert only("query\nselect 1\n----\n1").directive == Query(
        sql="select 1", expected=ExpectedRows(types="", sort=None, label=None, lines=("1",))
    )


def test_an_expected_error_is_a_regex_a_sqlstate_or_a_text() -> None:
    regex = only("statement error no  such .*\nselect x").directive
    assert isinstance(regex, Statement)
    assert isinstance(regex.expected, ErrorPattern)
    assert regex.expected.pattern.pattern == "no  such .*"
    assert only("query error (42P01)\nselect x").directive == Query(
        sql="select x", expected=ErrorCode(sqlstate="42P01")
    )


def test_an_expected_text_ends_at_two_empty_lines() -> None:
    first, second = parse("statement error\nselect x\n----\nDead\n\nEnd\n\n\nsystem ok\necho hi\n----\nhi\n")
    assert first.directive == Statement(sql="select x", expected=ErrorText(text="Dead\n\nEnd"))
    assert second.directive == System(command="echo hi", output="hi")


def test_settings_are_read() -> None:
    text = """
subtest joins
sleep 1m1s500ms
hash-threshold 8
control sortmode rowsort
control substitution on
halt
"""
    assert [record.directive for record in parse(text)] == [
        Subtest(name="joins"),
        Sleep(seconds=61.5),
        HashThreshold(values_max=8),
        ControlSort(sort=Sort.ROWS),
        ControlSubstitution(is_on=True),
        Halt(),
    ]


def test_conditions_and_connection_hold_for_the_next_record_only() -> None:
    text = "skipif duckdb\nonlyif mvengine\nconnection b\nstatement ok\nbegin\n\nstatement ok\ncommit\n"
    first, second = parse(text)
    assert first.conditions == (
        Condition(label="duckdb", is_wanted=False),
        Condition(label="mvengine", is_wanted=True),
    )
    assert (first.connection, second.connection, second.conditions) == ("b", "default", ())


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n\nstatment ok\nselect 1", 3, "unknown directive 'statment'.*did you mean 'statement'"),
        ("statement ok\nselect 1\n\nfrom t", 4, "unknown directive 'from'.*empty line ends a record"),
        ("statement ok\n\nselect 1", 1, "followed by nothing to run"),
        ("statement ok", 1, "followed by nothing to run"),
        ("statement ok\n----\n1", 1, "followed by nothing to run"),
        ("statement ok\nselect 1\n----\n1", 1, "use 'query'"),
        ("statement", 1, "takes ok, count N or error"),
        ("statement ok retry 3\nselect 1", 1, "takes ok, count N or error"),
        ("statement count many\nselect 1", 1, "takes ok, count N or error"),
        ("statement error (\nselect 1", 1, "not a regular expression"),
        ("query error abc\nselect 1\n----\nabc", 1, "given twice"),
        ("statement error\nx\n----\nDead\n\nquery I\nselect 1\n----\n1", 1, "two empty lines"),
        ("query 1\nselect 1\n----\n1", 1, "one letter a column"),
        ("query I rowsort a b\nselect 1\n----\n1", 1, "unexpected 'b'"),
        ("system fail\nexit 1", 1, "takes ok"),
        ("sleep soon", 1, "not a duration"),
        ("sleep 1s soon", 1, "takes one word"),
        ("control sortmode upwards", 1, "unknown control"),
        ("hash-threshold x", 1, "not a number"),
        ("halt now", 1, "takes nothing"),
        ("statement ok\nselect 1\n\nskipif duckdb\n", 4, "no record follows"),
        ("include nowhere/*.slt", 1, "no file matches"),
        ("loop i 0 3", 1, "unknown directive 'loop'"),
    ],
)
def test_what_is_not_in_the_format_is_an_error_with_file_and_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ScriptError, match=rf"(?s)^a\.slt:{line}: .*{message}") as caught:
        parse(text)
    assert caught.value.location.line == line


def test_every_directive_of_the_table_is_named_where_one_is_unknown() -> None:
    with pytest.raises(ScriptError, match="hash-threshold") as caught:
        parse("nonsense")
    assert all(name in str(caught.value) for name in DIRECTIVES)


def test_an_include_stands_for_the_files_of_its_glob_in_order(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for name in ("b", "a"):
        (tmp_path / "parts" / f"{name}.part").write_text(f"onlyif duckdb\nstatement ok\nselect '{name}'\n")
    main = tmp_path / "main.slt"
    main.write_text("skipif slow\ninclude parts/*.part\n\nstatement ok\nselect 'end'\n")
    records = parse_file(main)
    sql = [record.directive.sql for record in records if isinstance(record.directive, Statement)]
    assert sql == ["select 'a'", "select 'b'", "select 'end'"]
    assert [condition.label for condition in records[0].conditions] == ["slow", "duckdb"]
    assert str(records[0].location) == f"{tmp_path}/parts/a.part:2, included from {main}:2"


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.slt").write_text("include b.slt\n")
    (tmp_path / "b.slt").write_text("include a.slt\n")
    with pytest.raises(ScriptError, match="includes itself"):
        parse_file(tmp_path / "a.slt")


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="cannot be read"):
        parse_file(tmp_path / "none.slt")
