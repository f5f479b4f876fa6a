"""The conftest of tests/slt makes a test of each script."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import mvengine

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parent.parent / "slt" / "conftest.py"


def test_each_script_is_a_test_and_its_failures_are_shown(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mvengine, "connect", duckdb.connect, raising=False)
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makefile(".slt", good="statement ok\nselect 1\n", bad="query I\nselect 1\n----\n2\n")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*bad.slt:1: a different answer", "*select 1", "*- 2", "*+ 1", "0 passed, 1 failed"])
