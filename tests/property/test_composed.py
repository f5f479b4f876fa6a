"""Queries composed of all constructs: after every epoch each view is its query's bag, and so is one built from nothing.

``MVENGINE_COMPOSED_EXAMPLES`` sets how many scenarios are run, ``MVENGINE_COMPOSED_SEED`` the first seed;
``python tests/property/long_run.py`` runs them for hours.
"""

from __future__ import annotations

import os

import pytest
from compose_check import check, smallest
from compose_scenario import composed_scenario
from scenario_run import Unfit

EXAMPLES = int(os.environ.get("MVENGINE_COMPOSED_EXAMPLES", "20"))
FIRST_SEED = int(os.environ.get("MVENGINE_COMPOSED_SEED", "1"))
SHRINK_SECONDS = 30.0


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + EXAMPLES))
def test_every_composed_view_equals_its_query_after_every_epoch(seed: int) -> None:
    try:
        failure, _ = check(composed_scenario(seed))
    except Unfit as unfit:
        pytest.skip(f"the scenario proves nothing: {unfit}")
    if failure is not None:
        small = smallest(failure, seconds_max=SHRINK_SECONDS)
        pytest.fail(f"{small.message}\n\n{small.scenario.script()}", pytrace=False)
