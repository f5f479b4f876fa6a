"""Each ``*.slt`` file below this folder is a test: it runs on a fresh mvengine database in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import mvengine
from mvengine.slt import LABELS, run_file
from mvengine.slt.report import counts, describe


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    return SltFile.from_parent(parent, path=file_path) if file_path.suffix == ".slt" else None


class SltFile(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        yield SltItem.from_parent(self, name=self.path.name)


class SltItem(pytest.Item):
    def runtest(self) -> None:
        result = run_file(self.path, mvengine.connect, labels=LABELS)
        if result.failures:
            described = [describe(failure).plain for failure in result.failures]
            summary = counts(result.passed, result.failed, result.skipped)
            pytest.fail("\n".join([*described, summary]), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name
