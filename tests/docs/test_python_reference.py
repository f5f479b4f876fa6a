"""The Python reference is that of the program, and its examples run."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from python_reference import PAGE, examples, members, page

import mvengine

_EXAMPLES = {example.name: example for example in examples()}


def test_the_reference_is_made_from_the_docstrings_as_they_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python tests/docs/python_reference.py writes it anew"


@pytest.mark.parametrize("name", _EXAMPLES)
def test_an_example_of_a_docstring_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = _EXAMPLES[name]
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    runner.run(example, out=report.append, clear_globs=False)
    if isinstance(connection := example.globs.get("con"), mvengine.Connection):
        connection.close()
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


def test_every_method_of_the_library_says_what_it_does() -> None:
    assert [name for name, member in members() if not member.__doc__] == []
