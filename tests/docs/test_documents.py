"""What the documents say is so: their examples run, their results are the program's, what they name is there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from documents import DOCUMENTS, ROOT, written_anew

import mvengine
from mvengine.config import SETTINGS, Config

_TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
README = _TEXTS["README.md"]
_WITH_RESULTS = [name for name, text in _TEXTS.items() if re.search("```(sql|console)", text) or "<!-- states" in text]


@pytest.mark.parametrize("name", _WITH_RESULTS)
def test_results_in_a_document_are_those_of_the_program(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert written_anew(_TEXTS[name]) == _TEXTS[name], "python tests/docs/documents.py writes the results anew"


@pytest.mark.parametrize("name", ["README.md", "docs/quickstart.md"])
def test_the_python_of_a_document_goes_on_from_its_sql(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written_anew(_TEXTS[name])
    (session,) = re.findall(r"^```python\n(.*?)^```", _TEXTS[name], re.M | re.S)
    example = doctest.DocTestParser().get_doctest(session, {}, name, name, 0)
    runner = doctest.DocTestRunner(verbose=False)
    report: list[str] = []
    runner.run(example, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


def test_the_python_of_the_page_on_other_libraries_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = "\n".join(re.findall(r"^```python\n(.*?)^```", _TEXTS["docs/interoperability.md"], re.M | re.S))
    example = doctest.DocTestParser().get_doctest(session, {}, "interoperability.md", "interoperability.md", 0)
    runner = doctest.DocTestRunner(verbose=False)
    report: list[str] = []
    runner.run(example, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


_QUERIES = re.findall(r"^\| `(SELECT [^`]+)` \| (\w+) \| (.+?) \|$", README, re.M)
_TABLES = """
CREATE TABLE orders (id INTEGER, customer VARCHAR, day DATE, amount DECIMAL(9, 2), kg DOUBLE);
CREATE TABLE customers (name VARCHAR, country VARCHAR)
"""


def test_the_readme_says_of_many_queries_how_they_are_maintained() -> None:
    assert {strategy for _, strategy, _ in _QUERIES} == {"algebraic", "auxiliary", "affected", "full"}


@pytest.mark.parametrize(("query", "strategy", "reason"), _QUERIES)
def test_a_query_of_the_readme_is_maintained_by_the_strategy_that_it_says(
    query: str, strategy: str, reason: str
) -> None:
    with mvengine.connect() as connection:
        connection.execute(_TABLES)
        connection.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
        connection.execute("SELECT strategy, reason FROM mv_catalog.materialized_views")
        assert connection.fetchall() == [(strategy, reason)]


def test_the_readme_lists_every_setting_with_its_default() -> None:
    listed = re.findall(r"^\| `(\w+)` \| `?([^|`]+?)`? \|", README, re.M)
    settings = {name: value for name, value in vars(Config()).items() if name in SETTINGS}
    assert {name: default for name, default in listed if name in settings} == {
        name: "–" if value is None else str(value) for name, value in settings.items()
    }


@pytest.mark.parametrize("name", _TEXTS)
def test_files_that_a_document_names_are_there(name: str) -> None:
    document = _TEXTS[name]
    named = re.findall(r"`((?:mvengine|tests|docs|bench|\.ci)/[\w./*-]*)`", document)
    missing = [path for path in named if not list(ROOT.glob(path.rstrip("/")))]
    linked = [link for link in re.findall(r"\]\(([^)#]+)", document) if "://" not in link]
    missing += [link for link in linked if not (ROOT / name).parent.joinpath(link).exists()]
    assert missing == []


def test_every_folder_of_the_package_is_on_the_map() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("mvengine/*/__init__.py")}
    assert {folder for folder in folders if f"`{folder}/`" not in _TEXTS["docs/architecture.md"]} == set()
