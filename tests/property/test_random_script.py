"""Random files in SQLite's manner pass, and each of their queries is exact as a materialized view."""

from __future__ import annotations

from pathlib import Path

import pytest
from random_script import write_script

import mvengine.slt


@pytest.mark.parametrize("seed", [3, 11])
def test_queries_of_a_random_file_are_exact_as_views(tmp_path: Path, seed: int) -> None:
    path = tmp_path / f"{seed}.test"
    write_script(path, seed, queries=8)
    summary = mvengine.slt.run(path, as_views=True)
    assert summary.failures == ()
    assert summary.views is not None
    assert summary.views.exact_count == summary.views.queries >= 8
