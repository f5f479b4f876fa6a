"""Explicit cases in which incremental maintenance is known to go wrong: after every epoch, view and query are one bag.

The epochs run in autocommit, and where they have several statements, also each as one transaction.
"""

from __future__ import annotations

import pytest
from trap_case import Case
from trap_cases_composed import COMPOSED
from trap_cases_graphs import ENVIRONMENT, FULL, GRAPHS
from trap_cases_grouping import GROUPING
from trap_cases_groups import AGGREGATES
from trap_cases_order import ORDERS
from trap_cases_recursion import RECURSIONS
from trap_cases_rows import BAGS, JOINS
from trap_cases_sets import SETS
from trap_cases_subqueries import SUBQUERIES
from trap_cases_tails import TAILS
from trap_cases_touched import TOUCHED

import mvengine

GROUPS = [*AGGREGATES, *GROUPING]
CASES = [
    *BAGS,
    *JOINS,
    *GROUPS,
    *ENVIRONMENT,
    *GRAPHS,
    *FULL,
    *ORDERS,
    *RECURSIONS,
    *SETS,
    *SUBQUERIES,
    *TOUCHED,
    *TAILS,
    *COMPOSED,
]


RUNS = [
    pytest.param(case, is_explicit, id=f"{case.name}{', in one transaction' * is_explicit}")
    for case in CASES
    for is_explicit in (False, True)
    if not is_explicit or any(len(epoch) > 1 for epoch in case.epochs)
]


@pytest.mark.parametrize(("case", "is_explicit"), RUNS)
def test_a_view_equals_its_query_after(case: Case, is_explicit: bool) -> None:
    with mvengine.connect() as connection:
        for statement in case.setup:
            connection.execute(statement)
        for name, query in case.views.items():
            policy = " WITH (policy = 'full')" * (name in case.asked)
            connection.execute(f"CREATE MATERIALIZED VIEW {name}{policy} AS {query}")
        _check(connection, case)
        strategies = dict(connection.execute("SELECT name, strategy FROM mv_catalog.materialized_views").fetchall())
        for name, strategy in strategies.items():
            assert (strategy == "full") == (name in case.full), f"{name} is maintained by strategy {strategy}"
        for epoch in case.epochs:
            _run(connection, epoch, is_explicit)
            _check(connection, case)


def _run(connection: mvengine.Connection, epoch: tuple[str, ...], is_explicit: bool) -> None:
    if is_explicit:
        connection.begin()
    for statement in epoch:
        connection.execute(statement)
    if is_explicit:
        connection.commit()


def _check(connection: mvengine.Connection, case: Case) -> None:
    for name, query in case.views.items():
        for left, right in ((name, f"({query})"), (f"({query})", name)):
            rows = connection.execute(f"FROM {left} EXCEPT ALL FROM {right}").fetchall()
            assert not rows, f"{left} holds more than {right}: {rows}"
        types = connection.execute(f"SELECT column_type FROM (DESCRIBE {name})").fetchall()
        assert types == connection.execute(f"SELECT column_type FROM (DESCRIBE {query})").fetchall(), name
