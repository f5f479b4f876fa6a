"""Random tables, views and epochs: after each, every view is its query's bag. ``scenario_run`` says what is compared.

``MVENGINE_DIFFERENTIAL_EXAMPLES`` sets how many scenarios are run, ``MVENGINE_DIFFERENTIAL_SEED`` the first seed; each
scenario follows from its seed, which a failure prints with the smallest script that still fails.
"""

from __future__ import annotations

import os
from random import Random

import duckdb
import pytest
from scenario import Scenario, TableStep, ViewStep
from scenario_run import Mismatch, Unfit, run
from scenario_shrink import shrink
from scenario_tables import Relation, filling, random_epoch, random_table
from scenario_views import random_view

EXAMPLES = int(os.environ.get("MVENGINE_DIFFERENTIAL_EXAMPLES", "15"))
FIRST_SEED = int(os.environ.get("MVENGINE_DIFFERENTIAL_SEED", "1"))


def random_scenario(seed: int) -> Scenario:
    """Two to four tables, up to five views, up to four epochs."""
    random = Random(seed)
    made = [random_table(random, f"t{number}") for number in range(random.randint(2, 4))]
    tables = [relation for _, relation in made]
    first = filling(random, tables)
    steps: tuple[TableStep, ...] = tuple(step for step, _ in made)
    views: list[ViewStep] = []
    relations: list[Relation] = list(tables)
    with duckdb.connect() as plain:
        for step in steps:
            plain.execute(step.sql)
        for number in range(random.randint(2, 5)):
            view, relation = random_view(random, number, relations, plain)
            views.append(view)
            relations.append(relation)
    epochs = tuple(random_epoch(random, tables, 5) for _ in range(random.randint(2, 4)))
    return Scenario(seed=seed, tables=steps, filling=first, views=tuple(views), epochs=epochs)


def _fails(scenario: Scenario) -> bool:
    try:
        run(scenario)
    except Mismatch:
        return True
    except Unfit:
        return False
    return False


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + EXAMPLES))
def test_every_view_equals_its_query_after_every_epoch(seed: int) -> None:
    scenario = random_scenario(seed)
    try:
        run(scenario)
    except Unfit:
        pytest.skip("the scenario's own queries fail in DuckDB")
    except Mismatch:
        smallest = shrink(scenario, _fails)
        try:
            run(smallest)
        except Mismatch as mismatch:
            pytest.fail(f"{mismatch}\n\n{smallest.script()}", pytrace=False)
        raise
