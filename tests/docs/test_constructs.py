"""Every construct of SELECT in the documents: a view with it is its query's bag after changes, and none is missing."""

from __future__ import annotations

import duckdb
import pytest
from bags import bag, shown
from constructs import (
    EPOCHS,
    SKIPPED,
    TABLES,
    WINDOWS,
    Example,
    aggregate_call,
    aggregate_functions,
    examples,
    make_views,
)

import mvengine

UNDETERMINED = ("USING SAMPLE", "TABLESAMPLE", "random(), uuid()", "approx_top_k")
"""Their rows are drawn, or ties are left open: the view is not what the query says next time."""


@pytest.mark.parametrize("section", dict.fromkeys(example.section for example in examples()))
def test_views_of_all_constructs_follow_two_epochs_of_changes(section: str) -> None:
    chosen = [it for it in examples() if it.section == section and it.construct not in UNDETERMINED]
    if section == "Aggregate functions":
        chosen = _together([it.construct for it in chosen])
    with mvengine.connect() as connection, duckdb.connect() as plain:
        views = make_views(connection, chosen)
        plain.execute(TABLES)
        found = [_difference(connection, plain, name, example, 0) for name, example in views.items()]
        for number, changes in enumerate(EPOCHS, 1):
            connection.execute(changes)
            plain.execute(changes)
            found += [_difference(connection, plain, name, example, number) for name, example in views.items()]
        differences = [difference for difference in found if difference]
        assert not differences, "\n".join(differences)


def test_every_aggregate_function_of_duckdb_has_an_example() -> None:
    shown_ones = {example.construct for example in examples()}
    assert set(aggregate_functions()) - shown_ones - SKIPPED.keys() == set()


@pytest.mark.parametrize("name", WINDOWS)
def test_window_functions_that_are_listed_exist(name: str) -> None:
    (example,) = (it for it in examples() if it.construct == name)
    with duckdb.connect() as plain:
        plain.execute(TABLES)
        plain.execute(example.query)


def _together(names: list[str]) -> list[Example]:
    """A few views, of a dozen aggregates each, are quicker than one of each; and they must get on with each other."""
    found = []
    for start in range(0, len(names), 12):
        few = names[start : start + 12]
        calls = ", ".join(f"{aggregate_call(name)} AS {name}_" for name in few)
        query = f"SELECT g, {calls} FROM t GROUP BY g"
        found.append(Example(section="Aggregate functions", construct=", ".join(few), query=query))
    return found


def _difference(
    connection: mvengine.Connection, plain: duckdb.DuckDBPyConnection, name: str, example: Example, epoch: int
) -> str:
    """Empty where there is none."""
    found, expected = bag(connection.execute(f"FROM {name}").fetchall()), bag(plain.execute(example.query).fetchall())
    if found == expected:
        return ""
    return f"{example.construct} after epoch {epoch}: {shown(found, expected)}\n  {example.query}"
