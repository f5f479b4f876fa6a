"""What is told of a run: to people, to continuous integration, to programs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest
from rich.console import Console

from mvengine.errors import OperationalError
from mvengine.slt.command import Request, main
from mvengine.slt.records import Location
from mvengine.slt.report import describe
from mvengine.slt.results import Failure


def report(*paths: Path, is_terminal: bool = False, **request: object) -> tuple[int, str]:
    text = io.StringIO()
    console = Console(
        file=text,
        highlight=False,
        width=80,
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else "auto",
    )
    status = main(paths, Request(engine="duckdb", **request), console=console)  # type: ignore[arg-type]  # by name
    return status, text.getvalue()


def failure(expected: str, actual: str) -> Failure:
    location = Location(file="a.slt", line=3, included_from=None)
    return Failure(
        location=location, subtest="", sql="select 1", expected=expected, actual=actual, reason="a different answer"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.slt").write_text("statement ok\nselect 1\n\nskipif duckdb\nstatement ok\nx\n")
    (tmp_path / "sub" / "b.slt").write_text(
        "statement ok\nselect 1\n\nquery T\nselect '[red]' from range(2)\n----\n[red]\n[blue]\n"
    )
    return tmp_path


def test_the_report_has_a_line_a_file_both_sides_and_the_counts_of_folders(folder: Path) -> None:
    status, text = report(folder)
    lines = [line.rstrip() for line in text.splitlines()]
    assert status == 1
    assert lines[0].startswith(f"{folder}/a.slt  1 passed, 0 failed, 1 skipped")
    assert lines[1].startswith(f"{folder}/sub/b.slt  1 passed, 1 failed")
    assert lines[2:7] == [
        f"  {folder}/sub/b.slt:4: a different answer",
        "    select '[red]' from range(2)",
        "      expected |   actual",
        "      [red]    |   [red]",
        "    - [blue]   | + [red]",
    ]
    assert lines[7].startswith(f"{folder}      1 file  1 passed, 0 failed, 1 skipped")
    assert lines[8].startswith(f"{folder}/sub  1 file  1 passed, 1 failed")
    assert lines[9:] == ["2 passed, 1 failed, 1 skipped"]


def test_the_report_is_coloured_on_a_terminal_only(folder: Path) -> None:
    assert "\x1b[31m- [blue]" in report(folder, is_terminal=True)[1]
    assert "\x1b[32m+ [red]" in report(folder, is_terminal=True)[1]
    assert "\x1b" not in report(folder)[1]


def test_sides_that_are_too_wide_stand_below_each_other() -> None:
    lines = describe(failure("a\n" + "b" * 60, "a\n" + "c" * 60), 80).plain.splitlines()
    assert lines[2:] == ["      a", f"    - {'b' * 60}", f"    + {'c' * 60}"]


def test_lines_that_only_one_side_has_stand_alone() -> None:
    lines = describe(failure("1\n2\n3", "1\n3\n4"), 80).plain.splitlines()
    assert [line.rstrip() for line in lines[3:]] == [
        "      1        |   1",
        "    - 2        |",
        "      3        |   3",
        "               | + 4",
    ]


def test_a_long_difference_is_cut_and_quick() -> None:
    lines = describe(failure("\n".join(map(str, range(100_000))), "x"), 80).plain.splitlines()
    assert lines[-1].strip() == "… and 99,940 more lines"
    assert len(lines) < 100


def test_what_would_disturb_a_terminal_is_not_shown() -> None:
    text = describe(failure("a" * 100_000, "\x1b[31m\0\r")).plain
    assert "aaa… (100,000 characters)" in text
    assert "�[31m��" in text
    assert len(text) < 5_000


def test_reasons_of_what_is_skipped_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.slt").write_text("require nonesuch\n\nstatement ok\nselect 1\n\nstatement ok\nselect 2\n")
    status, text = report(tmp_path)
    assert status == 0
    assert "  skipped 2: require nonesuch\n" in text


def test_junit_has_a_suite_a_folder_and_a_test_a_file(folder: Path, tmp_path: Path) -> None:
    (folder / "c.slt").write_text("onlyif nobody\nstatement ok\nx\n")
    (folder / "d.slt").write_text("query T\nselect chr(1)\n----\nx\n")
    report(folder, junit=tmp_path / "junit.xml")
    root = parse(tmp_path / "junit.xml").getroot()
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        (str(folder), "3", "1"),
        (f"{folder}/sub", "1", "1"),
    ]
    (failed,) = root.findall("./testsuite[2]/testcase/failure")
    assert failed.get("message") == f"{folder}/sub/b.slt:4: a different answer"
    assert "- [blue]" in (failed.text or "")
    (skipped,) = root.findall("./testsuite/testcase/skipped")
    assert skipped.get("message") == "all records are for others"


def test_there_is_a_json_object_for_each_record(folder: Path, tmp_path: Path) -> None:
    (folder / "sub" / "b.slt").unlink()
    (folder / "b.slt").write_text("subtest s\n\nquery I\nselect x\n----\n1\n\nconnection c\nlet a\nselect 1\n")
    report(folder, json_records=tmp_path / "records.jsonl")
    records = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    assert [(record["kind"], record["line"], record["outcome"]) for record in records] == [
        ("statement", 1, "passed"),
        ("statement", 5, "skipped"),
        ("query", 3, "failed"),
        ("let", 9, "passed"),
    ]
    assert records[2]["sqlstate"] == "42703"
    assert (records[2]["subtest"], records[2]["reason"], records[3]["connection"]) == ("s", "it fails", "c")


@pytest.mark.parametrize("option", ["junit", "json_records"])
def test_a_file_that_cannot_be_written_is_an_error_before_anything_runs(folder: Path, option: str) -> None:
    with pytest.raises(OperationalError, match=r"none/x cannot be written: No such file"):
        report(folder, **{option: folder / "none" / "x"})


def test_a_script_that_cannot_be_read_is_told_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "a.slt").write_text("quary I\nselect 1\n")
    lines = report(tmp_path)[1].splitlines()
    assert lines[1:3] == [f"  {tmp_path}/a.slt:1: the script is malformed", "    unknown directive 'quary'"]
    assert "did you mean 'query'?" in lines[3]


def test_shuffling_prints_the_seed(folder: Path) -> None:
    assert report(folder, shuffle=True)[1].startswith("shuffled with --seed ")


def test_the_exit_status_is_zero_when_all_passed(folder: Path) -> None:
    assert report(folder / "a.slt")[0] == 0
