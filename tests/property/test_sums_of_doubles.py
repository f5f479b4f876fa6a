"""Sums of DOUBLE stay within their bound of the exact sum, or are what the query says; nothing poisons them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mvengine
from mvengine.planner.delta.doubles import BOUND

MAGNITUDES = st.builds(
    lambda digits, exponent: math.ldexp(digits, exponent), st.integers(-(2**53), 2**53), st.integers(-120, 60)
)
EASY = st.sampled_from([0.1, 0.2, 0.3, -0.1, 1e17, -1e17, 0.0, -0.0, 1.5])
CHANGES = st.lists(st.tuples(st.sampled_from("+++-"), st.integers(0, 1), EASY | MAGNITUDES), min_size=1, max_size=12)


def shown(connection: mvengine.Connection, view: str = "v") -> dict[int, tuple[float, float]]:
    return {k: (s, a) for k, s, a in connection.execute(f"SELECT k, s, a FROM {view}").fetchall()}


@cache
def opened() -> mvengine.Connection:
    connection = mvengine.connect()
    connection.execute("CREATE TABLE t (k INTEGER, x DOUBLE)")
    connection.execute("CREATE MATERIALIZED VIEW v AS SELECT k, sum(x) AS s, avg(x) AS a FROM t GROUP BY k")
    return connection


@contextmanager
def database() -> Iterator[mvengine.Connection]:
    """One for all examples, emptied after each."""
    try:
        yield opened()
    finally:
        opened().execute("TRUNCATE t")


def is_within(value: float, exact: Fraction) -> bool:
    """Rounding of the result of AVG adds a little to the bound of the sum."""
    return abs(Fraction(value) - exact) <= Fraction(BOUND) * Fraction("1.01") * abs(exact)


def is_as_hard_as(values: Sequence[float], exact: Fraction) -> bool:
    """Whether so much cancels that a sum in any order may be off by more than the bound."""
    return Fraction(BOUND) * abs(exact) < Fraction(2) ** -50 * (len(values) + 3) * sum(map(abs, map(Fraction, values)))


@settings(max_examples=30, deadline=None)
@given(CHANGES)
@example([("+", 0, 1e17), ("+", 0, 0.1), ("-", 0, 1e17)])
@example([("+", 0, 0.1), ("+", 0, 1e17), ("-", 0, 1e17)])
@example([("+", 0, 1e300), ("+", 0, 1.0), ("-", 0, 1e300), ("-", 0, 1.0), ("+", 0, -0.0)])
def test_a_sum_is_near_to_the_exact_one_or_as_the_query_has_it(changes: list[tuple[str, int, float]]) -> None:
    groups: dict[int, list[float]] = {0: [], 1: []}
    with database() as connection:
        for sign, k, x in changes:
            if sign == "+":
                groups[k].append(x)
                connection.execute("INSERT INTO t VALUES ($k, $x)", {"k": k, "x": x})
            elif groups[k]:
                gone = groups[k].pop(0)
                groups[k] = [value for value in groups[k] if value != gone]
                connection.execute("DELETE FROM t WHERE k = $k AND x = $x", {"k": k, "x": gone})
            found = shown(connection)
            assert found.keys() == {k for k, values in groups.items() if values}
            for group, (total, average) in found.items():
                exact = sum(map(Fraction, groups[group]), Fraction())
                assert is_within(total, exact) or is_as_hard_as(groups[group], exact), (total, float(exact))
                assert is_within(average, Fraction(total) / len(groups[group]))


@pytest.mark.parametrize("options", ["", "WITH (exact_floats = true)"], ids=["within a bound", "exact"])
def test_nothing_poisons_a_sum_for_ever(options: str) -> None:
    query = "SELECT k, sum(x) AS s, avg(x) AS a FROM t GROUP BY k"
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (id INTEGER, k INTEGER, x DOUBLE)")
        connection.execute("INSERT INTO t VALUES (0, 1, 0.5), (1, 2, 0.25), (2, 2, NULL), (3, 3, -0.0)")
        connection.execute(f"CREATE MATERIALIZED VIEW v {options} AS {query}")
        for statement in (
            "INSERT INTO t VALUES (10, 1, 1e17)",
            "DELETE FROM t WHERE id = 10",
            "INSERT INTO t VALUES (11, 1, 'NaN'), (12, 2, 'Infinity'), (13, 4, '-Infinity')",
            "INSERT INTO t VALUES (14, 2, '-Infinity'), (15, 4, 1.5)",
            "DELETE FROM t WHERE id IN (11, 12, 13)",
            "DELETE FROM t WHERE id = 14",
            "INSERT INTO t VALUES (16, 1, 1.7e308), (17, 1, 1.7e308)",
            "DELETE FROM t WHERE id IN (16, 1)",
            "UPDATE t SET x = NULL WHERE k = 2",
            "UPDATE t SET x = -0.0 WHERE k = 1",
        ):
            connection.execute(statement)
            rows = [connection.execute(f"FROM ({text}) ORDER BY ALL").fetchall() for text in ("FROM v", query)]
            assert list(map(repr, rows[0])) == list(map(repr, rows[1])), statement


def test_exact_floats_are_the_query_to_the_last_digit() -> None:
    """Where the bound allows the last digits to differ: 0.1 + 0.2 + 0.3, in any order."""
    query = "SELECT k, sum(x) AS s, avg(x) AS a FROM t GROUP BY k"
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (k INTEGER, x DOUBLE)")
        connection.execute(f"CREATE MATERIALIZED VIEW v WITH (exact_floats = true) AS {query}")
        for value in range(1, 30):
            connection.execute(f"INSERT INTO t VALUES ({value % 2}, {value} / 10)")
            assert shown(connection) == shown(connection, f"({query})")
        (reason,) = connection.execute("SELECT reason FROM mv_catalog.materialized_views").fetchone() or ("",)
        assert reason == "exact sums of DOUBLE cannot be retracted: touched groups are derived again"


def test_a_sum_follows_without_reading_its_group_again() -> None:
    """Its state is changed from under it: a group that is derived again would not show that."""
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (k INTEGER, x DOUBLE)")
        connection.execute("INSERT INTO t SELECT 1, 0.1 FROM range(1000)")
        connection.execute("CREATE MATERIALIZED VIEW v AS SELECT k, sum(x) AS s, avg(x) AS a FROM t GROUP BY k")
        connection._session.engine.query("UPDATE mv_state.v SET _mv_sum_1 = 1000")
        connection.execute("INSERT INTO t VALUES (1, 0.25)")
        assert shown(connection)[1][0] == 1000.25
