"""All rules of the optimizer, all but each, and none: views follow the same random changes to what their queries give.

A rule without a query that it changes is no covered rule: add one to ``QUERIES`` with it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

import mvengine
from mvengine.planner import compile as compiler
from mvengine.planner.node import Node
from mvengine.planner.rules import PIPELINE, Rule, optimize
from mvengine.planner.rules.distinct_to_aggregate import distinct_to_aggregate

NECESSARY: tuple[Rule, ...] = (distinct_to_aggregate,)  # without these there are queries without a stage

SCHEMA = (
    "CREATE TABLE d (k INTEGER PRIMARY KEY, name VARCHAR)",
    "CREATE TABLE r (k INTEGER, v INTEGER, unread INTEGER)",
    "CREATE TABLE s (k INTEGER, v INTEGER)",
    "CREATE TABLE f (k INTEGER REFERENCES d (k), required INTEGER NOT NULL REFERENCES d (k), v INTEGER)",
    "CREATE VIEW twice AS SELECT r.k, r.v, s.v AS w FROM r LEFT JOIN s ON r.k = s.k",
    "INSERT INTO d SELECT i, 'd' || i FROM range(4) t(i)",
)

QUERIES = {
    "filters": "SELECT k FROM (SELECT * FROM (SELECT * FROM r WHERE v > 0) WHERE k > 0) WHERE v < 3",
    "constant_filter": "SELECT k FROM (SELECT k FROM r WHERE v > 0) WHERE 1 < 2",
    "joins": "SELECT r.k, q.v FROM r JOIN (SELECT s.k, s.v FROM s JOIN r x ON s.k = x.k WHERE x.v > 0) q ON r.k = q.k",
    "filtered_join": "SELECT r.v FROM r JOIN s ON r.k = s.k WHERE r.v + s.v > 1",
    "names": "SELECT DISTINCT k, v FROM r",
    "matches": "SELECT r.k, s.v FROM r LEFT JOIN s ON r.k = s.k WHERE s.v > 0",
    "padded": "SELECT r.k, s.v FROM r LEFT JOIN s ON r.k = s.k WHERE coalesce(s.v, 1) > 0",
    "no_match": "SELECT r.k FROM r LEFT JOIN s ON r.k = s.k WHERE s.k IS NULL",
    "left_of_full": "SELECT r.k, r.v, s.v AS w FROM r FULL JOIN s ON r.k = s.k WHERE r.v IS NOT NULL",
    "right_of_full": "SELECT r.k, s.k AS l, s.v FROM r FULL JOIN s ON r.k = s.k WHERE NOT s.v = 0",
    "both_of_full": "SELECT r.k, s.v FROM r FULL JOIN s ON r.k = s.k WHERE s.v > 0 AND r.v > 0",
    "joined_after": "SELECT r.k, x.v FROM r LEFT JOIN s ON r.k = s.k JOIN s x ON x.k = s.v",
    "left_side": "SELECT r.k, s.v FROM r LEFT JOIN s ON r.k = s.k AND s.v > r.v WHERE r.v > 0",
    "unmatched": "SELECT q.k FROM (SELECT * FROM r ANTI JOIN s ON r.k = s.k) q WHERE q.v > 0",
    "partition": "SELECT * FROM (SELECT k, v, rank() OVER (PARTITION BY k ORDER BY v) AS n FROM r) "
    "WHERE k > 0 AND n = 1",
    "groups": "SELECT k, sum(v) AS s FROM r GROUP BY k HAVING k > 0 AND count(*) > 1",
    "general": "SELECT * FROM (SELECT k, median(v) AS m, max(v) AS x FROM r GROUP BY k) WHERE k > 0",
    "legs": "SELECT v FROM (SELECT k, v FROM r UNION ALL SELECT v, k FROM s) WHERE k > 0",
    "unread_call": "SELECT k FROM (SELECT k, row_number() OVER (PARTITION BY v) AS n FROM r)",
    "unread_sum": "SELECT q.k, s.v FROM (SELECT k, sum(v) AS t FROM r GROUP BY k) q LEFT JOIN s ON s.k = q.k",
    "distinct_argument": "SELECT k, count(DISTINCT v) AS d, count(*) AS n FROM r GROUP BY k",
    "no_columns": "SELECT r.v FROM r LEFT JOIN s ON true",
    "no_column_at_all": "SELECT count(*) AS n FROM r LEFT JOIN s ON true",
    "only_keys": "SELECT 1 AS one FROM r FULL JOIN s ON r.k = s.k",
    "unread_copies": "SELECT k FROM r INTERSECT ALL SELECT k FROM s",
    "three_uses": "WITH g AS (SELECT k, count(*) AS n, sum(v) AS t FROM r GROUP BY k) "
    "SELECT a.k, b.t, c.n FROM g a JOIN g b ON a.k = b.k LEFT JOIN g c ON c.k = b.n WHERE a.n > 1",
    "view_twice": "SELECT a.k, b.w FROM twice a JOIN twice b ON a.k = b.v WHERE a.v > 0",
    "two_matches": "WITH m AS (SELECT r.k, r.v, s.v AS w FROM r LEFT JOIN s ON r.k = s.k) "
    "SELECT a.k, b.w FROM m a JOIN m b ON a.k = b.v WHERE a.v > 0",
}


@pytest.fixture(scope="module")
def changed_by() -> dict[str, set[str]]:
    """The queries whose plan each rule changes."""
    found: dict[str, set[str]] = {}
    with pytest.MonkeyPatch.context() as patch, mvengine.connect() as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        for name, query in QUERIES.items():
            _create(connection, patch, PIPELINE, {name: query}, partial(_note, found, name))
    return found


def _note(found: dict[str, set[str]], name: str, rule: str) -> None:
    found.setdefault(rule, set()).add(name)


def test_every_rule_changes_a_query(changed_by: dict[str, set[str]]) -> None:
    assert {rule.__name__ for rule in PIPELINE} == set(changed_by)


@pytest.mark.parametrize("pipeline", [pytest.param(PIPELINE, id="all"), pytest.param(NECESSARY, id="none")])
def test_all_views_follow_their_queries(pipeline: tuple[Rule, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    _follow(monkeypatch, pipeline, QUERIES)


@pytest.mark.parametrize("rule", [rule for rule in PIPELINE if rule not in NECESSARY])
def test_views_follow_their_queries_without(
    rule: Rule, changed_by: dict[str, set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tuple(other for other in PIPELINE if other is not rule)
    _follow(monkeypatch, others, {name: QUERIES[name] for name in sorted(changed_by[rule.__name__])[:4]})


def _create(
    connection: mvengine.Connection,
    patch: pytest.MonkeyPatch,
    pipeline: tuple[Rule, ...],
    queries: dict[str, str],
    on_rule: Callable[[str], object] = lambda rule: None,
) -> None:
    def some(root: Node) -> Node:
        return optimize(root, lambda rule, _before, _after: on_rule(rule), pipeline)

    patch.setattr(compiler, "optimize", some)
    for name, query in queries.items():
        connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")


def _follow(patch: pytest.MonkeyPatch, pipeline: tuple[Rule, ...], queries: dict[str, str]) -> None:
    generator = random.Random(4)
    with mvengine.connect() as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        _create(connection, patch, pipeline, queries)
        for _ in range(4):
            connection.execute("BEGIN")
            for _ in range(3):
                connection.execute(_change(generator))
            connection.execute("COMMIT")
            for name, query in queries.items():
                _agree(connection, name, query)


def _change(generator: random.Random) -> str:
    def value() -> str:
        return generator.choice(["NULL", "0", "1", "2", "3"])

    table = generator.choice(["r", "s", "f"])
    kind = generator.choice(["insert", "insert", "insert", "delete", "update"])
    if kind == "delete":
        return f"DELETE FROM {table} WHERE v = {generator.randint(0, 3)}"
    if kind == "update":
        return f"UPDATE {table} SET k = {value()} WHERE v = {generator.randint(0, 3)}"
    more = {"r": f", {value()}", "s": "", "f": ""}[table]
    middle = f"{generator.randint(0, 3)}, " if table == "f" else ""
    rows = ", ".join(f"({value()}, {middle}{value()}{more})" for _ in range(3))
    return f"INSERT INTO {table} VALUES {rows}"


def _agree(connection: mvengine.Connection, name: str, query: str) -> None:
    seen, expected = (
        Counter(map(repr, connection.execute(sql).fetchall())) for sql in (f"SELECT * FROM {name}", query)
    )
    assert seen == expected, f"{name}: {seen - expected} too many, {expected - seen} missing"
