"""Views that share reductions to what is near a change, made of tables of any size: each equals its query."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

import mvengine
from mvengine.refresh import around, near

NUMBERS_AND_TEXTS = (
    "CREATE TABLE a (k INT); CREATE TABLE b (k VARCHAR); CREATE TABLE r (k VARCHAR, v INT);"
    " INSERT INTO b VALUES ('1'), ('2'); INSERT INTO r VALUES ('01', 1), ('1', 2), ('2', 3), ('none', 4)"
)
CASES = {
    "a group of NULL is derived again": (
        "CREATE TABLE r (k INT, x INT); INSERT INTO r VALUES (1, 1), (1, 2), (NULL, 3), (NULL, 4)",
        (
            "SELECT k, median(x) m, count(DISTINCT x) c FROM r GROUP BY k",
            "SELECT k, max(x) m, sum(x) s FROM r GROUP BY k",
        ),
        ("INSERT INTO r VALUES (NULL, 5), (2, 1)", "DELETE FROM r WHERE x = 5"),
    ),
    "a partition of NULL is derived again": (
        "CREATE TABLE r (k INT, x INT); INSERT INTO r VALUES (1, 1), (1, 2), (NULL, 3), (NULL, 4)",
        ("SELECT x, sum(x) OVER (PARTITION BY k) s FROM r", "SELECT x, max(x) OVER (PARTITION BY k) s FROM r"),
        ("INSERT INTO r VALUES (NULL, 5), (2, 1)", "UPDATE r SET k = NULL WHERE k = 1", "DELETE FROM r WHERE x = 5"),
    ),
    "a text is near a number and near a text": (
        NUMBERS_AND_TEXTS,
        ("SELECT a.k, r.v FROM a JOIN r ON a.k = r.k", "SELECT b.k, r.v FROM b JOIN r ON b.k = r.k"),
        (
            "DELETE FROM r WHERE v = 4",
            "INSERT INTO a VALUES (1); INSERT INTO b VALUES ('2')",
            "INSERT INTO b VALUES ('x')",
        ),
    ),
    "a key of texts changes with numbers": (
        NUMBERS_AND_TEXTS,
        (
            "SELECT r.k, list(v ORDER BY v) l FROM a JOIN r ON a.k = r.k GROUP BY r.k",
            "SELECT r.k, max(v) m FROM a JOIN r ON a.k = r.k GROUP BY r.k",
        ),
        ("DELETE FROM r WHERE v = 4", "INSERT INTO a VALUES (1); INSERT INTO r VALUES ('3', 9)", "DELETE FROM a"),
    ),
    "what is equal to an equal text need not be a number": (
        NUMBERS_AND_TEXTS,
        ("SELECT a.k, list(v ORDER BY v) l FROM a JOIN b ON a.k = b.k JOIN r ON b.k = r.k GROUP BY a.k",),
        ("INSERT INTO a VALUES (2)", "INSERT INTO a VALUES (1)", "DELETE FROM a", "INSERT INTO a VALUES (1), (2)"),
    ),
    "two large integers are equal to one double": (
        "CREATE TABLE o (k BIGINT); CREATE TABLE l (k DOUBLE); CREATE TABLE m (k BIGINT, v INT);"
        " INSERT INTO l VALUES (9007199254740992); INSERT INTO m VALUES (9007199254740992, 1), (9007199254740993, 2)",
        ("SELECT o.k, list(v ORDER BY v) l FROM o JOIN l ON o.k = l.k JOIN m ON l.k = m.k GROUP BY o.k",),
        ("INSERT INTO o VALUES (9007199254740993)", "INSERT INTO o VALUES (9007199254740992)"),
    ),
}


@pytest.fixture(autouse=True)
def by_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(around, "SMALL_ROWS", -1)
    monkeypatch.setattr(around, "SMALL_PART", math.inf)


@pytest.fixture
def con(monkeypatch: pytest.MonkeyPatch) -> Iterator[mvengine.Connection]:
    monkeypatch.setattr(near, "BIG_RELATION_ROWS", 0)
    monkeypatch.setattr(near, "SMALL_PART", 0)
    with mvengine.connect() as connection:
        yield connection


@pytest.mark.parametrize(("setup", "queries", "epochs"), CASES.values(), ids=CASES)
def test_views_near_a_change_are_exact_where(
    con: mvengine.Connection, setup: str, queries: tuple[str, ...], epochs: tuple[str, ...]
) -> None:
    con.execute(setup)
    for number, query in enumerate(queries):
        con.execute(f"CREATE MATERIALIZED VIEW v{number} AS {query}")
    for epoch in epochs:
        con.execute(f"BEGIN; {epoch}; COMMIT")
        for number, query in enumerate(queries):
            for left, right in ((f"FROM v{number}", query), (query, f"FROM v{number}")):
                assert con.execute(f"(FROM ({left})) EXCEPT ALL (FROM ({right}))").fetchall() == []
