"""The scripts in docs/sqllogictest.md pass, and its table of options is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mvengine.cli import slt
from mvengine.slt import run_file
from mvengine.slt.engines import mvengine_engine

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sqllogictest.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```slt\n(.*?)^```$", DOCUMENT, re.M | re.S)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_of_the_document_passes(tmp_path: Path, script: str) -> None:
    path = tmp_path / "script.slt"
    path.write_text(script)
    result = run_file(path, mvengine_engine())
    assert result.failures == ()
    assert result.passed > 3


def test_the_document_has_every_option_of_the_command() -> None:
    options = {option for parameter in slt.params for option in parameter.opts if option.startswith("--")}
    missing = {option for option in options - {"--debug", "--jobs"} if f"`{option}" not in DOCUMENT}
    assert missing == set()
