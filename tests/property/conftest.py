"""What random tests share."""

from __future__ import annotations

import math

import pytest

from mvengine.refresh import around, near


@pytest.fixture(autouse=True)
def ways_of_following_a_change(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the seed: from what lies around the change where that can be, which is how small tables are followed; by the
    terms of the change; by these, over reductions of all relations."""
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    way = int(parameters.get("seed", 0)) % 3
    if way:
        monkeypatch.setattr(around, "SMALL_ROWS", -1)
        monkeypatch.setattr(around, "SMALL_PART", math.inf)
    if way == 2:
        monkeypatch.setattr(near, "BIG_RELATION_ROWS", 0)
        monkeypatch.setattr(near, "SMALL_PART", 0)
