"""pytest's tests of scripts: each ``*.slt``, ``*.slt.part`` and ``*.test`` file below the test paths is one.

The plugin is there where mvengine is installed. Options of the command line, and of the ini file:

    --slt-engine, slt_engine   what they run on [mvengine]
    --slt-label, slt_labels    for skipif and onlyif
    slt_files                  patterns of file names [*.slt *.slt.part *.test]; empty: none
    --slt-update               rewrite what is expected to what came
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mvengine.slt.engines import Engine

_WIDTH = 100


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sqllogictest")
    group.addoption("--slt-engine", metavar="ENGINE", help="mvengine, duckdb or python:module:factory")
    group.addoption("--slt-label", action="append", default=[], metavar="LABEL", help="for skipif and onlyif")
    group.addoption("--slt-update", action="store_true", help="rewrite what sqllogictest files expect to what came")
    parser.addini("slt_engine", "what sqllogictest files run on", default="mvengine")
    parser.addini("slt_labels", "labels of sqllogictest files, for skipif and onlyif", type="args", default=[])
    parser.addini("slt_files", "names of sqllogictest files", type="args", default=["*.slt", "*.slt.part", "*.test"])


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    if any(fnmatch(file_path.name, pattern) for pattern in parent.config.getini("slt_files")):
        return SltFile.from_parent(parent, path=file_path)
    return None


class SltFile(pytest.File):
    """A script, which is one test: its records depend on each other."""

    def collect(self) -> Iterator[pytest.Item]:
        yield SltItem.from_parent(self, name=self.path.name)


class SltItem(pytest.Item):
    def runtest(self) -> None:
        from mvengine.slt.report import describe
        from mvengine.slt.results import Counts
        from mvengine.slt.runner import Options, run_file

        config = self.config
        labels = frozenset((*config.getini("slt_labels"), *config.getoption("--slt-label")))
        options = Options(labels=labels, is_update=config.getoption("--slt-update"))
        result = run_file(self.path, self._engine(), options)
        if result.failures:
            described = [describe(failure, _WIDTH).plain for failure in result.failures]
            pytest.fail("\n".join([*described, str(Counts.of([result]))]), pytrace=False)
        if result.skipped and not result.passed:
            reasons = "; ".join(reason for reason, _ in result.skip_reasons)
            pytest.skip(reasons or "all records are for other engines")

    def _engine(self) -> Engine:
        from mvengine.slt.engines import engine_of

        return engine_of(self.config.getoption("--slt-engine") or self.config.getini("slt_engine"))

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name
