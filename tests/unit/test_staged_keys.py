"""Whether a key stands twice among staged rows, told by their order or by a hash table: the same answer."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.refresh.merge.staged import staged_keys


@dataclass(frozen=True)
class Plan:
    """What of a table's plan is looked at."""

    primary_key: tuple[str, ...]
    staging: str = "staging"
    shadow: str = "shadow"


@pytest.fixture(scope="module")
def engine() -> DuckDbEngine:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE shadow (x INTEGER)")
    connection.execute('CREATE TABLE staging (a DOUBLE, "B b" VARCHAR)')
    return DuckDbEngine(connection)


KEYS = st.tuples(st.sampled_from([-1.0, 0.0, 1.0, float("nan")]), st.sampled_from(["", "a", "A", "ä", "b"]))


@given(keys=st.one_of(st.lists(KEYS, max_size=8), st.lists(KEYS, max_size=8).map(sorted)), width=st.integers(1, 2))
@settings(max_examples=100, deadline=None)
def test_a_key_stands_twice_in_whichever_order_the_rows_are(
    engine: DuckDbEngine, keys: list[tuple[float, str]], width: int
) -> None:
    engine.query("DELETE FROM staging")
    for key in keys:
        engine.query("INSERT INTO staging VALUES (?, ?)", key)
    plan = Plan(("a", "B b")[:width])
    is_twice = len({repr(key[:width]) for key in keys}) < len(keys)
    assert staged_keys(engine, plan, is_whole=True).has_twice == is_twice  # type: ignore[arg-type]
    assert staged_keys(engine, plan, is_whole=False).has_twice == is_twice  # type: ignore[arg-type]


@pytest.mark.parametrize("twice", [0, 1, 99_998])
def test_one_key_that_stands_twice_is_found_at_the_end_of_many_that_ascend(engine: DuckDbEngine, twice: int) -> None:
    engine.query("DELETE FROM staging")
    engine.query("INSERT INTO staging SELECT i, 'x' FROM range(100000) AS r(i)")
    assert not staged_keys(engine, Plan(("a",)), is_whole=True).has_twice  # type: ignore[arg-type]
    engine.query("INSERT INTO staging VALUES (?, 'x')", (twice,))
    assert staged_keys(engine, Plan(("a",)), is_whole=True).has_twice  # type: ignore[arg-type]
