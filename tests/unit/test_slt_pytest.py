"""The plugin makes a test of each script."""

from __future__ import annotations

import duckdb  # noqa: F401 - pytester forgets what its tests import, and DuckDB cannot be imported twice
import pytest

pytest_plugins = ["pytester"]

PLUGIN = "-pmvengine.slt.pytest_plugin"


def test_each_script_is_a_test_and_its_failures_are_shown(pytester: pytest.Pytester) -> None:
    pytester.makefile(".slt", good="statement ok\nselect 1\n", bad="query I\nselect 1\n----\n2\n")
    pytester.makefile(".test", sqlite="query R rowsort\nselect 1\n----\n1.000\n")
    pytester.makefile(".slt.part", part="onlyif nobody\nstatement ok\nselect 1\n")
    result = pytester.runpytest_inprocess(PLUGIN, "--slt-engine", "duckdb", "-rs")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*bad.slt:1: a different answer", "*select 1", "*- 2*+ 1", "0 passed, 1 failed"])
    result.stdout.fnmatch_lines(["SKIPPED*all records are for other engines"])


def test_the_ini_file_says_which_files_and_what_they_run_on(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nslt_files = *.slt\nslt_engine = duckdb\nslt_labels = fast\n")
    pytester.makefile(".slt", a="onlyif fast\nstatement ok\nselect 1\n\nonlyif mvengine\nstatement ok\nnonsense\n")
    pytester.makefile(".test", b="nonsense")
    pytester.runpytest_inprocess(PLUGIN).assert_outcomes(passed=1)


def test_update_rewrites_what_is_expected(pytester: pytest.Pytester) -> None:
    path = pytester.makefile(".slt", a="query I\nselect 1\n----\n2\n")
    pytester.runpytest_inprocess(PLUGIN, "--slt-engine", "duckdb", "--slt-update").assert_outcomes(failed=1)
    assert path.read_text() == "query I\nselect 1\n----\n1"
