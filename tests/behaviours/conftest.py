from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from behaviour_world import Files

import mvengine


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    """A database in memory."""
    with mvengine.connect() as connection:
        yield connection


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files")
