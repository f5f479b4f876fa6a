"""Fragments: canonical text, formats that are read for ever, newer ones refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mvengine.errors import FormatError, InternalError
from mvengine.planner import fragment
from mvengine.planner.fragment import FORMAT, UPGRADES, Fragment, digest, dumps, loads
from mvengine.planner.logical import Materialize
from mvengine.planner.node import REGISTRY, walk

EXAMPLES = sorted((Path(__file__).parent.parent / "data" / "fragments").glob("v*/*.json"))
PRESENT = [path for path in EXAMPLES if path.parent.name == f"v{FORMAT}"]
CUT_OUT = {"Aggregate", "Distinct", "Opaque", "Window"}  # logical only: a maintenance plan has stages in their place


def text_of(name: str) -> str:
    return next(path for path in PRESENT if path.stem == name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_of_any_format_is_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["format"] == int(path.parent.name.removeprefix("v"))
    assert loads(text).format == FORMAT


@pytest.mark.parametrize("path", PRESENT, ids=lambda path: path.stem)
def test_an_example_of_the_present_format_encodes_to_itself(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert dumps(loads(text)) == text


def test_the_examples_hold_every_node_class_that_a_fragment_can_hold() -> None:
    found = {type(node).__name__ for path in PRESENT for node in walk(loads(path.read_text(encoding="utf-8")).root)}
    expected = {name for name, cls in REGISTRY.items() if cls.__module__.startswith("mvengine.")}
    assert found == expected - CUT_OUT, "add an example to make_fragments.py"


def test_every_older_format_has_an_upgrade_and_examples() -> None:
    assert set(UPGRADES) == set(range(1, FORMAT))
    assert {path.parent.name for path in EXAMPLES} == {f"v{number}" for number in range(1, FORMAT + 1)}


def test_an_old_fragment_goes_through_every_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(document: dict[str, Any]) -> dict[str, Any]:
        root = dict(document["root"])
        return {**document, "root": {**root, "explanation": root.pop("reason")} if "reason" in root else root}

    def rename_back(document: dict[str, Any]) -> dict[str, Any]:
        root = dict(document["root"])
        reason = root.pop("explanation")
        return {**document, "root": {**root, "reason": reason.upper()}}

    text = text_of("union_view")
    before = loads(text).root
    monkeypatch.setattr(fragment, "FORMAT", FORMAT + 2)
    monkeypatch.setattr(fragment, "UPGRADES", {FORMAT: rename, FORMAT + 1: rename_back})
    upgraded = loads(text)
    assert upgraded.format == FORMAT + 2
    assert isinstance(upgraded.root, Materialize)
    assert isinstance(before, Materialize)
    assert before.reason
    assert upgraded.root.reason == before.reason.upper()


def test_a_newer_format_is_refused_with_what_to_do() -> None:
    document = {**json.loads(text_of("table")), "format": FORMAT + 1}
    with pytest.raises(FormatError, match=rf"has format {FORMAT + 1}; .* up to {FORMAT}") as caught:
        loads(json.dumps(document))
    assert "newer" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "a JSON object with the number of its format"),
        ("{}", "a JSON object with the number of its format"),
        ('{"format": true, "root": {}}', "a JSON object with the number of its format"),
        ('{"format": 0, "root": {}}', "a JSON object with the number of its format"),
        ('{"format": 1}', "has the fields format and root, this one has format"),
        ('{"format": 1, "root": {}, "more": 1}', "this one has format, more, root"),
        ('{"format": 1, "format": 1, "root": {}}', "has field 'format' twice"),
        ('{"format": 1, "root": {}}', r"\$\.root: a node without its class"),
        (
            '{"format": 1, "root": {"node": "BagRead", "storage": "s", "columns": [], "alias": "v"}}',
            r"\$\.root: a fragment's root materializes a view or a table, or constrains one; not a BagRead",
        ),
    ],
)
def test_a_text_that_is_no_fragment_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        loads(text)


def test_a_fragment_of_another_format_is_not_written() -> None:
    with pytest.raises(InternalError, match="fragments are written in format"):
        dumps(Fragment(format=FORMAT + 1, root=loads(text_of("table")).root))


def test_the_order_of_keys_in_a_text_does_not_matter_to_its_digest() -> None:
    text = text_of("group_view")
    shuffled = json.dumps(dict(reversed(json.loads(text).items())))
    assert digest(shuffled) != digest(text)
    assert digest(dumps(loads(shuffled))) == digest(text)
    assert len(digest(text)) == 64
