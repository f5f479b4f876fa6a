"""From text to records, and what is said of text that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvengine.slt.directives import DIRECTIVES
from mvengine.slt.flavors import COCKROACH, DUCKDB, RS, SQLITE, Flavor, flavor_of
from mvengine.slt.parser import parse_file, parse_text
from mvengine.slt.records import (
    AnyError,
    Condition,
    ErrorCode,
    ErrorPattern,
    ErrorText,
    ExpectedEither,
    ExpectedRows,
    ExpectedSuccess,
    Halt,
    Let,
    Loop,
    Query,
    Record,
    Retry,
    ScriptError,
    Source,
    Statement,
    System,
)
from mvengine.slt.settings import (
    ControlResult,
    ControlSort,
    ControlSubstitution,
    Environment,
    ErrorMessages,
    ForgetLabel,
    HashThreshold,
    Load,
    Mode,
    Nothing,
    Reopen,
    Require,
    Seed,
    Sleep,
    Sort,
    Subtest,
)

OK = ExpectedSuccess(rows=None)


def parse(text: str, flavor: Flavor = RS) -> list[Record]:
    return list(parse_text(text, Source(file="a.slt", included_from=None), flavor))


def only(text: str, flavor: Flavor = RS) -> Record:
    (record,) = parse(text, flavor)
    return record


def ok(sql: str, expected: object = OK) -> Statement:
    return Statement(sql=sql, expected=expected, retry=None)  # type: ignore[arg-type]  # of the kinds it takes


def rows(types: str, *lines: str, sort: Sort | None = None, label: str | None = None) -> ExpectedRows:
    return ExpectedRows(types=types, sort=sort, sort_columns=(), label=label, has_names=False, lines=lines)


def test_a_statement_takes_its_sql_up_to_an_empty_line() -> None:
    first, second = parse("# comment\n\nstatement ok\nselect 1,\n  2\n\nstatement count 3\ndelete from t")
    assert first.directive == ok("select 1,\n  2")
    assert second.directive == ok("delete from t", ExpectedSuccess(rows=3))
    assert (first.line, second.line) == (3, 7)


def test_windows_line_ends_are_line_ends() -> None:
    assert only("statement ok\r\nselect 1\r\n").directive == ok("select 1")


def test_a_query_has_types_sort_label_and_rows() -> None:
    record = only("query IT rowsort x\nselect 1, 'a'\n----\n1 a\n2 b\n")
    expected = rows("IT", "1 a", "2 b", sort=Sort.ROWS, label="x")
    assert record.directive == Query(sql="select 1, 'a'", expected=expected, retry=None)
    assert (record.expected_from, record.expected_to, record.has_separator) == (3, 5, True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("query I same", rows("I", "1", label="same")),
        ("query", rows("", "1")),
        ("query I sort", rows("I", "1", sort=Sort.ROWS)),
        ("query I partialsort", rows("I", "1", sort=Sort.PARTIAL)),
    ],
)
def test_sort_mode_label_and_types_may_be_missing(line: str, expected: ExpectedRows) -> None:
    assert only(f"{line}\nselect 1\n----\n1").directive == Query(sql="select 1", expected=expected, retry=None)


def test_options_of_cockroach_are_a_list() -> None:
    expected = only("query IT partialsort(1,2),colnames x\nselect 1, 2\n----\na b\n1 2").directive.expected
    assert expected == ExpectedRows(
        types="IT", sort=Sort.PARTIAL, sort_columns=(0, 1), label="x", has_names=True, lines=("a b", "1 2")
    )


@pytest.mark.parametrize(
    "text",
    [
        "statement ok retry 3 backoff 500ms\nselect 1",
        "statement count 1 retry 3 backoff 500ms\nselect 1",
        "statement error retry 3 backoff 500ms\nselect 1\n----\nx",
        "query I retry 3 backoff 500ms\nselect 1\n----\n1",
        "query I rowsort x retry 3 backoff 500ms\nselect 1\n----\n1",
        "query error retry 3 backoff 500ms\nselect 1\n----\nx",
        "system ok retry 3 backoff 500ms\ntrue",
    ],
)
def test_a_record_may_be_tried_again(text: str) -> None:
    assert only(text).directive.retry == Retry(attempts_max=3, backoff_seconds=0.5)


def test_an_expected_error_is_a_regex_a_sqlstate_or_a_text() -> None:
    regex = only("statement error no  such .*\nselect x").directive.expected
    assert isinstance(regex, ErrorPattern)
    assert regex.pattern.pattern == "no  such .*"
    assert only("query error (42P01)\nselect x").directive.expected == ErrorCode(sqlstate="42P01")
    assert only("query error\nselect x").directive.expected == AnyError()
    pgcode = only("statement error pgcode 42P01 no such\nselect x").directive.expected
    assert (pgcode.sqlstate, pgcode.pattern.pattern) == ("42P01", "no such")
    assert isinstance(only("statement error (42p01)\nselect x").directive.expected, ErrorPattern)


def test_an_expected_text_ends_at_two_empty_lines() -> None:
    first, second = parse("statement error\nselect x\n----\nDead\n\nEnd\n\n\nsystem ok\necho hi\n----\nhi\n")
    assert first.directive == ok("select x", ErrorText(text="Dead\n\nEnd", is_part=False))
    assert second.directive == System(command="echo hi", output="hi", retry=None)


def test_an_expected_text_of_duckdb_is_a_part_and_ends_at_an_empty_line() -> None:
    first, second = parse("statement error con1\nselect x\n----\nDead\nEnd\n\nstatement maybe\nselect 1\n", DUCKDB)
    assert first.directive == ok("select x", ErrorText(text="Dead\nEnd", is_part=True))
    assert first.connection == "con1"
    assert second.directive == ok("select 1", ExpectedEither(error=AnyError()))


def test_a_word_of_duckdbs_query_is_a_connection_and_a_comment_ends_its_sql() -> None:
    record = parse(
        "query I con1\nselect 1\n----\n1\n\nquery I rowsort same\nselect 1\n\nstatement ok\nselect 2\n# why", DUCKDB
    )
    assert [each.connection for each in record] == ["con1", "default", "default"]
    assert record[1].directive.expected.label == "same"
    assert record[2].directive.sql == "select 2"


def test_settings_are_read() -> None:
    text = """
subtest joins
sleep 1m1s500ms
hash-threshold 8
control sortmode rowsort
control substitution on
control resultmode valuewise
halt
"""
    assert [record.directive for record in parse(text)] == [
        Subtest(name="joins"),
        Sleep(seconds=61.5),
        HashThreshold(values_max=8),
        ControlSort(sort=Sort.ROWS),
        ControlSubstitution(is_on=True),
        ControlResult(is_valuewise=True),
        Halt(),
    ]


def test_settings_of_duckdb_are_read() -> None:
    text = """
require Parquet

require vector_size 2048

require-env HOME /x

test-env A b

mode skip

mode unskip

mode debug

load __TEST_DIR__/a.db readonly

load

restart

reconnect

sleep 2 seconds

set ignore_error_messages HTTP Error, no route

set seed 0.5

reset label x

tags slow
"""
    assert [record.directive for record in parse(text, DUCKDB)] == [
        Require(name="parquet", argument=""),
        Require(name="vector_size", argument="2048"),
        Environment(name="HOME", value="/x", is_required=True),
        Environment(name="A", value="b", is_required=False),
        Mode(skips=True),
        Mode(skips=False),
        Nothing(),
        Load(path="__TEST_DIR__/a.db", is_read_only=True),
        Load(path="", is_read_only=False),
        Reopen(is_restart=True),
        Reopen(is_restart=False),
        Sleep(seconds=2),
        ErrorMessages(messages=("HTTP Error", "no route"), is_ignored=True),
        Seed(value=0.5),
        ForgetLabel(label="x"),
        Nothing(),
    ]


def test_loops_hold_their_records_and_nest() -> None:
    text = (
        "loop i 0 2\n\nforeach a,b x,1 y,2\n\nstatement ok\nselect ${i}\n\nendloop\n\nendloop\n\nstatement ok\nselect 2"
    )
    outer, last = parse(text, DUCKDB)
    assert isinstance(outer.directive, Loop)
    assert (outer.directive.names, outer.directive.values) == (("i",), ("0", "1"))
    (inner,) = outer.directive.records
    assert (inner.directive.names, inner.directive.values) == (("a", "b"), ("x,1", "y,2"))
    assert inner.directive.records[0].directive == ok("select ${i}")
    assert last.directive == ok("select 2")


def test_foreach_knows_duckdbs_collections_of_types() -> None:
    (loop,) = parse("concurrentforeach t <signed> !bigint x\nendloop", DUCKDB)
    assert loop.directive.values == ("tinyint", "smallint", "integer", "hugeint", "x")
    assert loop.directive.is_concurrent


def test_let_names_variables() -> None:
    assert only("let a, b\nselect 1, 2").directive == Let(names=("a", "b"), sql="select 1, 2", is_literal=False)
    assert only("let $a\nselect 1").directive == Let(names=("a",), sql="select 1", is_literal=True)


def test_conditions_and_connection_hold_for_the_next_record_only() -> None:
    text = "skipif duckdb # why\nonlyif mvengine\nconnection b\nstatement ok\nbegin\n\nstatement ok\ncommit\n"
    first, second = parse(text)
    assert first.conditions == (
        Condition(label="duckdb", is_wanted=False),
        Condition(label="mvengine", is_wanted=True),
    )
    assert (first.connection, second.connection, second.conditions) == ("b", "default", ())


def test_a_condition_of_duckdb_may_be_on_a_loops_variable() -> None:
    (both,) = parse("skipif i=1&&j<3\nstatement ok\nselect 1", DUCKDB)
    assert [(each.label, each.comparison, each.value) for each in both.conditions] == [("i", "=", "1"), ("j", "<", "3")]
    assert only("onlyif i>=2\nstatement ok\nselect 1", DUCKDB).conditions == (
        Condition(label="i", is_wanted=True, comparison=">=", value="2"),
    )


def test_a_multiline_value_of_materialize_ends_at_eof() -> None:
    first, second = parse("query T multiline\nselect 1\n----\na\n\nb\nEOF\n\nstatement OK\nselect 1", COCKROACH)
    assert first.directive.expected.lines == ("a\n\nb",)
    assert second.directive == ok("select 1")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n\nstatment ok\nselect 1", 3, "unknown directive 'statment'.*did you mean 'statement'"),
        ("statement ok\nselect 1\n\nfrom t", 4, "unknown directive 'from'.*empty line ends a record"),
        ("statement ok\n\nselect 1", 1, "followed by nothing to run"),
        ("statement ok", 1, "followed by nothing to run"),
        ("statement ok\n----\n1", 1, "followed by nothing to run"),
        ("statement ok\nselect 1\n----\n1", 1, "use 'query'"),
        ("statement", 1, "takes ok, count N, error"),
        ("statement ok retry 3\nselect 1", 1, "'retry 3' is not understood"),
        ("statement ok retry 0 backoff 1s\nselect 1", 1, "is not understood"),
        ("statement count many\nselect 1", 1, "takes ok, count N, error"),
        ("statement error (\nselect 1", 1, "not a regular expression"),
        ("query error abc\nselect 1\n----\nabc", 1, "given twice"),
        ("statement error\nx\n----\nDead\n\nquery I\nselect 1\n----\n1", 1, "two empty lines"),
        ("query 1\nselect 1\n----\n1", 1, "one letter a column"),
        ("query I rowsort a b\nselect 1\n----\n1", 1, "unexpected 'b'"),
        ("query I multiline\nselect 1\n----\n1\n", 1, "no line 'EOF'"),
        ("system fail\nexit 1", 1, "takes ok"),
        ("sleep soon", 1, "not a duration"),
        ("sleep 1s soon", 1, "not a duration"),
        ("control sortmode upwards", 1, "unknown control"),
        ("hash-threshold x", 1, "not a number"),
        ("halt now", 1, "takes nothing"),
        ("let 1a\nselect 1", 1, "names of variables"),
        ("let\nselect 1", 1, "names of variables"),
        ("statement ok\nselect 1\n\nskipif duckdb\n", 4, "no record follows"),
        ("skipif\nstatement ok\nselect 1", 1, "takes one word, a label"),
        ("include nowhere/*.slt", 1, "no file matches"),
        ("\nloop i 0 3\n\nstatement ok\nselect 1", 2, "the loop has no 'endloop'"),
        ("endloop", 1, "ends no loop"),
        ("loop i 0 x\nendloop", 1, "two numbers"),
        ("loop i 0 9999999\nendloop", 1, "9999999 iterations"),
        ("foreach i\nendloop", 1, "takes a name and values"),
        ("foreach a,b x\nendloop", 1, "not as many parts"),
        ("require", 1, "takes an extension"),
        ("mode sideways", 1, "unknown mode"),
        ("load a b", 1, "readonly or readwrite"),
        ("set x y", 1, "unknown 'set x y'"),
        ("reset x", 1, "takes label NAME"),
        ("repeat many", 1, "not a number of times"),
        ("awaitstatement x", 1, "unknown directive"),
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


@pytest.mark.parametrize(
    ("flavor", "file", "text"),
    [
        (RS, "a.slt", "statement ok\nselect 1\n"),
        (RS, "a.slt.part", "query I\nselect 1\n----\n1\n"),
        (DUCKDB, "a.test", "# name: test/a.test\n# group: [a]\n\nstatement ok\nselect 1\n"),
        (DUCKDB, "a.slt", "require parquet\n\nstatement ok\nselect 1\n"),
        (DUCKDB, "a.slt", "foreach t a b\n\nstatement ok\nselect 1\n\nendloop\n"),
        (SQLITE, "a.test", "statement ok\nselect 1\n"),
        (SQLITE, "a.slt", "onlyif mysql # DIV\nquery I nosort\nselect 1\n"),
        (SQLITE, "a.slt", f"query I nosort\nselect 1\n----\n30 values hashing to {'0' * 32}\n"),
        (RS, "a.slt", f"query I\nselect 1\n----\n30 values hashing to {'0' * 32}\n"),
        (SQLITE, "test/sqlite/select/a.test", "# name: a\n\nstatement ok\nselect 1\n"),
        (COCKROACH, "a.slt", "# LogicTest: local\n\nstatement ok\nselect 1\n"),
        (COCKROACH, "a.slt", "mode cockroach\n\nstatement ok\nselect 1\n"),
        (COCKROACH, "a", "statement error pgcode 42P01 x\nselect 1\n"),
    ],
)
def test_a_flavor_is_found_by_its_marks(flavor: Flavor, file: str, text: str) -> None:
    assert flavor_of(text, file) is flavor


def test_an_include_stands_for_the_files_of_its_glob_in_order(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for name in ("b", "a"):
        (tmp_path / "parts" / f"{name}.part").write_text(f"onlyif duckdb\nstatement ok\nselect '{name}'\n")
    main = tmp_path / "main.slt"
    main.write_text("skipif slow\ninclude parts/*.part\n\nstatement ok\nselect 'end'\n")
    records = parse_file(main).records
    sql = [record.directive.sql for record in records if isinstance(record.directive, Statement)]
    assert sql == ["select 'a'", "select 'b'", "select 'end'"]
    assert [condition.label for condition in records[0].conditions] == ["slow", "duckdb"]
    assert str(records[0].location) == f"{tmp_path}/parts/a.part:2, included from {main}:2"


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.slt").write_text("include b.slt\n")
    (tmp_path / "b.slt").write_text("include a.slt\n")
    with pytest.raises(ScriptError, match="includes itself"):
        parse_file(tmp_path / "a.slt")


@pytest.mark.parametrize("contents", [None, b"statement ok\nselect '\xff\xfe'\n"])
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, contents: bytes | None) -> None:
    path = tmp_path / "broken.slt"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(ScriptError, match=r"broken\.slt cannot be read"):
        parse_file(path)
