"""``--update`` and ``--format``: what is rewritten, and what stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from slt_scripts import Scripts

from mvengine.slt.command import Request, main
from mvengine.slt.flavors import DUCKDB, RS
from mvengine.slt.parser import parse_text
from mvengine.slt.records import Source
from mvengine.slt.tidy import tidied


@pytest.fixture
def run(tmp_path: Path) -> Scripts:
    return Scripts(tmp_path)


@pytest.mark.parametrize(
    ("flavor", "before", "after"),
    [
        # rows, in the form that stands there
        ("rs", "query I\nselect 1\n----\n2\n", "query I\nselect 1\n----\n1\n"),
        ("rs", "query I\nselect 1\n", "query I\nselect 1\n----\n1\n"),
        ("rs", "query I\nselect 1\n----\n", "query I\nselect 1\n----\n1\n"),
        ("rs", "query I\nselect 1 where false\n----\n2\n", "query I\nselect 1 where false\n----\n"),
        ("rs", "query IT\nselect 1, 'a b'\n----\n2 x\n", "query IT\nselect 1, 'a b'\n----\n1 a b\n"),
        ("rs", "query IT\nselect 1, 'a'\n----\n2\tx\n", "query IT\nselect 1, 'a'\n----\n1\ta\n"),
        ("duckdb", "query II\nselect 1, 2\n----\n", "query II\nselect 1, 2\n----\n1\t2\n"),
        ("duckdb", "query II\nselect 1, 2\n----\n5\n6\n", "query II\nselect 1, 2\n----\n1\n2\n"),
        ("sqlite", "query IR nosort\nselect 1, 2\n----\n", "query IR nosort\nselect 1, 2\n----\n1\n2.000\n"),
        ("rs", "query I rowsort\nvalues (2), (1)\n----\n3\n", "query I rowsort\nvalues (2), (1)\n----\n1\n2\n"),
        (
            "sqlite",
            "query I nosort\nvalues (1), (2), (3)\n----\n3 values hashing to 00000000000000000000000000000000\n",
            "query I nosort\nvalues (1), (2), (3)\n----\n3 values hashing to c0710d6b4f15dfa88f600b0e6b624077\n",
        ),
        (
            "sqlite",
            "hash-threshold 2\n\nquery I nosort\nvalues (1), (2), (3)\n----\n5\n",
            "hash-threshold 2\n\nquery I nosort\nvalues (1), (2), (3)\n----\n"
            "3 values hashing to c0710d6b4f15dfa88f600b0e6b624077\n",
        ),
        ("duckdb", "query II\nselect 1\n----\n1\n", "query I\nselect 1\n----\n1\n"),
        (
            "cockroach",
            "query I colnames\nselect 1 as a\n----\na\n2\n",
            "query I colnames\nselect 1 as a\n----\na\n1\n",
        ),
        # counts
        ("rs", "statement count 3\nselect 1\n", "statement count 1\nselect 1\n"),
        (
            "rs",
            "statement count 3 retry 2 backoff 1ms\nselect 1\n",
            "statement count 1 retry 2 backoff 1ms\nselect 1\n",
        ),
        # errors
        ("rs", "statement ok\nselect x\n", 'statement error Binder Error: Referenced column "x" was not found'),
        ("rs", "query I\nselect x\n----\n1\n", 'query error Binder Error: Referenced column "x" was not found'),
        ("rs", "statement error\nselect 1\n", "statement ok\nselect 1\n"),
        ("rs", "statement error\nselect 1\n----\nboom\n\n\n", "statement ok\nselect 1\n\n\n"),
        ("rs", "query error x\nselect 1, 'a'\n", "query IT\nselect 1, 'a'\n----\n1 a\n"),
        ("rs", "statement error (42P01)\nselect x\n", "statement error (42703)\nselect x\n"),
        ("rs", "statement error boom\nselect error('a (b)')\n", "statement error Invalid Input Error: a \\(b\\)\n"),
        (
            "rs",
            "statement error\nselect error('boom')\n----\nbang\n\n\nstatement ok\nselect 1\n",
            "statement error\nselect error('boom')\n----\nInvalid Input Error: boom\n\n\nstatement ok\nselect 1\n",
        ),
        (
            "duckdb",
            "statement error con1\nselect error('boom')\n----\nbang\n\nstatement ok\nselect 1\n",
            "statement error con1\nselect error('boom')\n----\nInvalid Input Error: boom\n\nstatement ok\nselect 1\n",
        ),
        (
            "duckdb",
            "statement ok\nselect error('boom')\n",
            "statement error\nselect error('boom')\n----\nInvalid Input Error: boom\n",
        ),
        # commands
        ("rs", "system ok\necho a; echo b\n----\nx\n\n\n# end\n", "system ok\necho a; echo b\n----\na\nb\n\n\n# end\n"),
    ],
)
def test_an_expectation_is_rewritten_in_its_form(run: Scripts, flavor: str, before: str, after: str) -> None:
    assert run.updated(before, flavor=flavor).startswith(after)


def test_all_else_stays_as_it_is(run: Scripts) -> None:
    before = (
        "\r\n# a comment\r\n\r\n\r\nskipif  mvengine\r\nquery   I   rowsort\r\nselect 1\r\n----\r\n5\r\n\r\n\r\n"
        "statement ok\r\nselect 1\r\n\r\nquery I\r\nselect 2\r\n----\r\n2"
    )
    run(before.replace("\r\n", "\n"))
    run.path.write_bytes(before.encode())
    main([run.path], Request(engine="duckdb", update=True))
    assert run.path.read_bytes() == before.replace("----\r\n5", "----\r\n1").encode()


def test_what_stands_in_a_loop_is_left_alone(run: Scripts) -> None:
    before = "loop i 0 2\n\nquery I\nselect ${i}\n----\n7\n\nendloop\n"
    assert run(before, flavor="duckdb", is_update=True).failed == 2
    assert run.path.read_text() == before


def test_an_included_file_is_rewritten_where_it_stands(tmp_path: Path) -> None:
    part, script = tmp_path / "a.slt.part", tmp_path / "a.slt"
    part.write_text("query I\nselect 1\n----\n2\n")
    script.write_text("include a.slt.part\n\nquery I\nselect 2\n----\n3\n")
    main([script], Request(engine="duckdb", update=True))
    assert part.read_text() == "query I\nselect 1\n----\n1\n"
    assert script.read_text() == "include a.slt.part\n\nquery I\nselect 2\n----\n2\n"


UNTIDY = """


#  first
skipif   a
statement   ok
select 1,
   2

query  I  rowsort
select 1
----
1


# a comment

statement error  two  blanks
x


statement error
y
----
one

two


loop  i 0   2

statement ok
select ${i}

endloop


"""
TIDY = """#  first
skipif a
statement ok
select 1,
   2

query I rowsort
select 1
----
1

# a comment

statement error  two  blanks
x

statement error
y
----
one

two


loop i 0 2

statement ok
select ${i}

endloop
"""


def test_format_changes_the_form_and_not_what_is_said() -> None:
    source = Source(file="a.slt", included_from=None)
    assert tidied(UNTIDY, source, RS) == TIDY
    assert tidied(TIDY, source, RS) == TIDY
    assert [record.directive for record in parse_text(TIDY, source, RS)][:3] == [
        record.directive for record in parse_text(UNTIDY, source, RS)
    ][:3]
    assert tidied("", source, DUCKDB) == ""


def test_format_tells_which_files_it_has_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("a", "statement  ok\nselect 1"), ("b", "statement ok\nselect 1\n"), ("c", "nonsense")):
        (tmp_path / f"{name}.slt").write_text(text)
    assert main([tmp_path], Request(format=True)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"{tmp_path}/a.slt  formatted", f"{tmp_path}/b.slt  unchanged"]
    assert "c.slt:1: unknown directive 'nonsense'" in lines[2]
    assert (tmp_path / "a.slt").read_text() == (tmp_path / "b.slt").read_text()
