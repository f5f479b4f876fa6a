"""What random tests share."""

from __future__ import annotations

import pytest

from mvengine.refresh import near


@pytest.fixture(autouse=True)
def reduced_to_what_is_near_changes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reductions are made of big relations, for small changes; in every other seed, of all relations and always."""
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    if int(parameters.get("seed", 0)) % 2:
        monkeypatch.setattr(near, "BIG_RELATION_ROWS", 0)
        monkeypatch.setattr(near, "SMALL_PART", 0)
