"""Parameters of statements whose clauses are used apart: each clause gets just those that it names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mvengine.engines.base import Parameters

_STRINGS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.S)
_NAMES = re.compile(r"\$([A-Za-z_0-9]+)")


def named(parameters: Parameters) -> dict[str, Any]:
    """Positional parameters under their numbers, named ones as they are."""
    if parameters is None:
        return {}
    if isinstance(parameters, Mapping):
        return {str(key).removeprefix("$"): value for key, value in parameters.items()}
    assert isinstance(parameters, Sequence)
    return {str(number): value for number, value in enumerate(parameters, 1)}


def used_by(sql: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters that stand in ``sql``; None where it has none."""
    if not parameters:
        return None
    found = names_in(sql)
    return {name: value for name, value in parameters.items() if name in found} or None


def names_in(sql: str) -> set[str]:
    """The names and numbers of the parameters that stand in ``sql``."""
    return set(_NAMES.findall(_STRINGS.sub("''", sql)))
