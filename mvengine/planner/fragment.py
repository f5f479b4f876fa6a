"""Fragments: the serialized, versioned, executable form of a plan, and all that an executor gets.

The text is canonical (sorted keys, indented by two), so equal plans have equal digests. Old formats are read for ever:
a document of an older format goes through ``UPGRADES`` before it is decoded, one function for each step of the format.
A newer format is refused, because what it says beyond ours would be lost in silence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mvengine.errors import FormatError, InternalError
from mvengine.planner.codec import Json, decode, encode
from mvengine.planner.logical import Root

FORMAT = 3
"""The format that is written. It grows with every change of a node's fields, together with an upgrade."""

Upgrade = Callable[[dict[str, Json]], dict[str, Json]]


def with_exact_floats(document: dict[str, Json]) -> dict[str, Json]:
    """Format 1 knew no bound of the error of a sum of DOUBLE: it derived groups again, as ``exact_floats`` does."""

    def upgraded(value: Json) -> Json:
        if isinstance(value, list):
            return [upgraded(item) for item in value]
        if not isinstance(value, dict):
            return value
        fields = {name: upgraded(item) for name, item in value.items()}
        return {"exact_floats": True, **fields} if value.get("node") in ("Materialize", "GroupStage") else fields

    return {name: upgraded(value) for name, value in document.items()}


_TWINS = {
    "Maintenance": ("twins",),
    "BagStage": ("twins",),
    "FullStage": ("twins",),
    "GroupStage": ("twins",),
    "MatchStage": ("twins", "left_twins", "right_twins"),
    "PartitionStage": ("twins",),
    "RecursiveStage": ("twins",),
    "TopStage": ("twins",),
}


def without_twins(document: dict[str, Json]) -> dict[str, Json]:
    """Format 2 took equal values for the same (1 month, 30 days), and goes on so until the view is replaced."""

    def upgraded(value: Json) -> Json:
        if isinstance(value, list):
            return [upgraded(item) for item in value]
        if not isinstance(value, dict):
            return value
        fields = {name: upgraded(item) for name, item in value.items()}
        added: dict[str, Json] = {name: [] for name in _TWINS.get(str(value.get("node")), ())}
        return {**added, **fields}

    return {name: upgraded(value) for name, value in document.items()}


UPGRADES: Mapping[int, Upgrade] = {1: with_exact_floats, 2: without_twins}
"""From the number of a format to the pure function that turns a document of it into one of the next."""


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """A table's or a view's plan, under the format that its text has."""

    format: int
    root: Root


def dumps(fragment: Fragment) -> str:
    """The canonical text of a fragment of the present format."""
    if fragment.format != FORMAT:
        raise InternalError(f"fragments are written in format {FORMAT}, not {fragment.format}")
    document = {"format": fragment.format, "root": encode(fragment.root)}
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def digest(text: str) -> str:
    """SHA-256 of the text, 64 hexadecimal digits: which plan an executor has run."""
    return hashlib.sha256(text.encode()).hexdigest()


def loads(text: str) -> Fragment:
    """The fragment that a text of this or any older format holds, in the present format.

    Error: ``FormatError`` for a newer format, or a text that is no fragment; names the place.
    """
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise FormatError(f"a fragment is not JSON: {error}") from error
    document = _upgrade(document)
    if document.keys() != {"format", "root"}:
        raise FormatError(f"a fragment has the fields format and root, this one has {', '.join(sorted(document))}")
    root = decode(document["root"], "$.root")
    if not isinstance(root, Root):
        raise FormatError(
            f"$.root: a fragment's root materializes a view or a table, or constrains one; not a {type(root).__name__}"
        )
    return Fragment(format=FORMAT, root=root)


def _upgrade(document: object) -> dict[str, Json]:
    """The document in the present format."""
    found = document.get("format") if isinstance(document, dict) else None
    if not isinstance(document, dict) or type(found) is not int or found < 1:
        raise FormatError("a fragment is a JSON object with the number of its format")
    if found > FORMAT:
        raise FormatError(
            f"the fragment has format {found}; this mvengine reads formats up to {FORMAT}",
            hint="open the database with the mvengine that wrote it, or a newer one",
        )
    for step in range(found, FORMAT):
        document = {**UPGRADES[step](document), "format": step + 1}
    return document


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """An object whose keys are all different: Python would keep the last of two."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"a fragment has field {twice!r} twice in one object")
    return found
