"""The benchmarks run, and check that all their sides agree. Whether goals are met at this size does not matter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = (
    "mixed-change",
    "single-order",
    "unchanged-files",
    "one-file",
    "tpch-views",
    "chain",
    "diamond",
    "small-refresh",
    "many-tables",
    "resume",
    "stop",
    "big-load",
    "slt-read",
    "slt-run",
)


def test_every_case_runs_and_writes_what_it_measured(tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    options = [
        "--scale",
        "0.01",
        "--runs",
        "1",
        "--tables",
        "3",
        "--size",
        "0.005",
        "--scratch",
        str(tmp_path),
        "--directory",
        str(tmp_path / "tpch"),
        "--json",
        str(output),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *CASES, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert not done.stderr
    cases = json.loads(output.read_text())["cases"]
    assert len(cases) == 24
    assert all(values for case in cases for values in case["values"].values())
