"""Views that follow from what lies around a change equal their queries, and those that follow by its terms."""

from __future__ import annotations

import math

import pytest

import mvengine
from mvengine.refresh import around

TABLES = (
    "CREATE TABLE o (k INT, c INT, x INT); CREATE TABLE l (k INT, p INT, y INT); CREATE TABLE c (c INT, n VARCHAR);"
    " INSERT INTO o VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30), (NULL, 1, 40), (NULL, 1, 40), (5, NULL, 50), (3, 2, 30);"
    " INSERT INTO l VALUES (1, 1, 1), (1, 2, 2), (2, 1, 3), (3, 1, 4), (NULL, 1, 5), (7, 3, 6), (3, 1, 4);"
    " INSERT INTO c VALUES (1, 'a'), (2, 'b'), (3, 'c'), (NULL, 'd')"
)
QUERIES = {
    "a join of two": "SELECT o.k, x, y FROM o JOIN l ON o.k = l.k",
    "a join with what does not change": (
        "SELECT n, sum(x * y) s FROM o JOIN l ON o.k = l.k JOIN c ON o.c = c.c GROUP BY n"
    ),
    "a left join": "SELECT o.k, x, l.y FROM o LEFT JOIN l ON o.k = l.k AND l.y > 1",
    "a right join": "SELECT l.k, x, l.y FROM o RIGHT JOIN l ON o.k = l.k",
    "a full join": "SELECT o.k a, l.k b, x, y FROM o FULL JOIN l ON o.k = l.k",
    "a full join with what does not change": "SELECT o.c a, c.c b, x, n FROM o FULL JOIN c ON o.c = c.c",
    "EXISTS": "SELECT k, x FROM o WHERE EXISTS (SELECT 1 FROM l WHERE l.k = o.k AND l.y > o.c)",
    "NOT EXISTS": "SELECT k, x FROM o WHERE NOT EXISTS (SELECT 1 FROM l WHERE l.k = o.k AND l.y > 1)",
    "NOT IN": "SELECT k, x FROM o WHERE k NOT IN (SELECT k FROM l WHERE y > 2)",
    "a mark": "SELECT k, x FROM o WHERE x > 20 OR EXISTS (SELECT 1 FROM l WHERE l.k = o.k)",
    "a value of its only match": "SELECT k, (SELECT n FROM c WHERE c.c = o.c) n FROM o",
    "ASOF": "SELECT o.k, x, y FROM o ASOF LEFT JOIN (SELECT DISTINCT k, y FROM l) l ON o.k = l.k AND o.c >= l.y",
    "matches above matches": (
        "SELECT n, count(*) FROM o JOIN l l1 ON o.k = l1.k JOIN c ON c.c = o.c"
        " WHERE EXISTS (SELECT 1 FROM l l2 WHERE l2.k = l1.k AND l2.p <> l1.p)"
        " AND NOT EXISTS (SELECT 1 FROM l l3 WHERE l3.k = l1.k AND l3.p <> l1.p AND l3.y > 2) GROUP BY n"
    ),
    "groups by the key": (
        "SELECT o.k, x, s FROM o JOIN (SELECT k, sum(y) s FROM l GROUP BY k HAVING sum(y) > 2) g ON o.k = g.k"
    ),
    "groups that may be none": (
        "SELECT o.k, x, s FROM o LEFT JOIN (SELECT k, max(y) s FROM l GROUP BY k) g ON o.k = g.k"
    ),
    "in groups": "SELECT k, x FROM o WHERE k IN (SELECT k FROM l GROUP BY k HAVING count(*) > 1)",
    "a key used twice": "SELECT a.k, b.x, a.x z FROM o a JOIN o b ON a.k = b.c LEFT JOIN l ON l.k = a.k",
    "a union by the key": (
        "SELECT u.k, u.v, o.x FROM (SELECT k, y v FROM l UNION ALL SELECT c, c FROM c) u JOIN o ON o.k = u.k"
    ),
    "a match of a union": (
        "SELECT x FROM o WHERE k NOT IN (SELECT k FROM l WHERE k IS NOT NULL UNION ALL SELECT p FROM l)"
    ),
    "windows above a left join": (
        "SELECT o.k, x, rank() OVER (PARTITION BY o.k ORDER BY y, x) r FROM o LEFT JOIN l ON o.k = l.k"
    ),
    "the first of a left join": "SELECT o.k, x, y FROM o LEFT JOIN l ON o.k = l.k ORDER BY ALL LIMIT 3",
    "null-safe": "SELECT o.k, x, y FROM o LEFT JOIN l ON o.k IS NOT DISTINCT FROM l.k",
}
EPOCHS = (
    "INSERT INTO o VALUES (7, 2, 70), (NULL, 2, 80); INSERT INTO l VALUES (2, 5, 9), (9, 1, 1), (NULL, 7, 7)",
    "DELETE FROM l WHERE k = 1; DELETE FROM o WHERE k = 1",
    "UPDATE o SET k = 9 WHERE k = 2; UPDATE l SET y = y + 1 WHERE k = 3",
    "UPDATE l SET k = NULL WHERE k = 3; INSERT INTO o VALUES (3, 3, 31)",
    "UPDATE o SET k = 3, x = x + 1 WHERE k IS NULL; INSERT INTO l VALUES (3, 1, 4)",
    "UPDATE c SET c = c + 1; DELETE FROM o WHERE c = 1; INSERT INTO l VALUES (1, 1, 1)",
    "INSERT INTO c SELECT 100 + range, 'z' FROM range(3); UPDATE l SET p = p",
    "DELETE FROM l; UPDATE o SET x = 0",
    "DELETE FROM o; INSERT INTO l VALUES (1, 1, 1), (1, 1, 1)",
)


@pytest.mark.parametrize("is_around", [True, False], ids=["around", "by terms"])
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_view_equals_its_query_with(query: str, is_around: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_around:
        monkeypatch.setattr(around, "SMALL_ROWS", -1)
        monkeypatch.setattr(around, "SMALL_PART", math.inf)
    with mvengine.connect() as con:
        con.execute(TABLES)
        con.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
        for epoch in EPOCHS:
            con.execute(f"BEGIN; {epoch}; COMMIT")
            for left, right in (("FROM v", query), (query, "FROM v")):
                assert con.execute(f"(FROM ({left})) EXCEPT ALL (FROM ({right}))").fetchall() == [], epoch


def test_what_lies_around_a_change_is_made_once_for_all_views(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    create = around.create
    monkeypatch.setattr(
        around, "create", lambda both, *rest, **more: made.append(both.name) or create(both, *rest, **more)
    )
    with mvengine.connect() as con:
        con.execute(TABLES)
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT x, y FROM o JOIN l ON o.k = l.k")
        con.execute("CREATE MATERIALIZED VIEW w AS SELECT x FROM o WHERE EXISTS (SELECT 1 FROM l WHERE l.k = o.k)")
        con.execute("BEGIN; UPDATE o SET x = x + 1; UPDATE l SET y = y + 1 WHERE k = 1; COMMIT")
    assert sorted(made) == ["mv_both_l.k", "mv_both_o.k"]


def test_keys_that_many_rows_share_enclose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    create = around.create
    monkeypatch.setattr(
        around, "create", lambda both, *rest, **more: made.append(both.name) or create(both, *rest, **more)
    )
    with mvengine.connect() as con:
        con.execute(
            "CREATE TABLE r AS SELECT range % 2 AS k, range AS x FROM range(50_000); CREATE TABLE s AS FROM r LIMIT 5"
        )
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT s.x FROM s WHERE EXISTS (SELECT 1 FROM r WHERE r.k = s.k)")
        con.execute("INSERT INTO r VALUES (1, 1)")
        assert con.execute("SELECT count(*) FROM v").fetchone() == (5,)
    assert made == []


def test_a_row_is_never_read_without_its_matches() -> None:
    """The two views share what lies around o.k; a row of it that only the second one needs has its match in l, too."""
    query = "SELECT o.k, CAST(coalesce(l.s, 'none') AS INT) s FROM o LEFT JOIN l ON o.k = l.k"
    with mvengine.connect() as con:
        con.execute("CREATE TABLE o AS SELECT unnest([1, 5]) AS k, 0 AS x; CREATE TABLE c AS SELECT k FROM o")
        con.execute("CREATE TABLE l AS SELECT k, CAST(k AS VARCHAR) AS s FROM o")
        con.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
        con.execute("CREATE MATERIALIZED VIEW w AS SELECT o.k, o.x FROM o JOIN c ON o.k = c.k")
        con.execute(
            "BEGIN; UPDATE l SET s = '11' WHERE k = 1; UPDATE o SET x = 2 WHERE k = 1;"
            " DELETE FROM c WHERE k = 5; COMMIT"
        )
        assert con.execute("FROM v ORDER BY k").fetchall() == con.execute(f"{query} ORDER BY k").fetchall()


@pytest.mark.parametrize(
    ("left", "right", "rows", "added"),
    [
        ("DOUBLE", "BIGINT", "9007199254740992", "9007199254740993"),
        ("FLOAT", "INT", "16777216", "16777217"),
        ("TIMESTAMPTZ", "TIMESTAMP", "TIMESTAMP '2024-03-10 02:30:00'", "TIMESTAMP '2024-03-10 03:30:00'"),
        ("UNION(a INT, b INT)", "UNION(a INT, b INT)", "union_value(a := NULL)", "union_value(a := NULL)"),
    ],
    ids=["large integers", "integers", "times that a clock skips", "unions with a NULL inside"],
)
@pytest.mark.parametrize("kind", ["LEFT", "FULL", "SEMI", "ANTI"])
def test_keys_whose_equality_is_no_identity_are_matched_as_in_the_query(
    kind: str, left: str, right: str, rows: str, added: str
) -> None:
    query = f"SELECT * FROM o {kind} JOIN l ON o.k = l.k"
    with mvengine.connect() as con:
        con.execute("SET TimeZone = 'America/New_York'")
        con.execute(f"CREATE TABLE o (k {left}, x INT); CREATE TABLE l (k {right}, y INT)")
        con.execute(f"INSERT INTO o VALUES ({rows}, 1); INSERT INTO l VALUES ({rows}, 1)")
        con.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
        for change in (
            f"INSERT INTO l VALUES ({added}, 2)",
            "DELETE FROM l WHERE y = 1",
            f"INSERT INTO o VALUES ({rows}, 2); UPDATE l SET y = y + 1",
            "DELETE FROM l",
        ):
            con.execute(f"BEGIN; {change}; COMMIT")
            for one, other in (("FROM v", query), (query, "FROM v")):
                assert con.execute(f"(FROM ({one})) EXCEPT ALL (FROM ({other}))").fetchall() == [], change


def test_rows_that_match_nothing_stay_when_nothing_lies_on_the_other_side() -> None:
    """The engine's statistics take a sum above an outer join with an empty side for 0."""
    left, right = ("(SELECT k, w FROM o WHERE w > 0) l", "(SELECT k, w FROM c WHERE w > 0) r")
    query = f"SELECT l.w, r.k FROM {left} FULL JOIN {right} ON l.k = r.k"
    with mvengine.connect() as con:
        con.execute("CREATE TABLE o AS FROM (VALUES (1, 2), (3, 3), (0, NULL), (3, 3), (NULL, 0)) AS t(k, w)")
        con.execute("CREATE TABLE c AS FROM (VALUES (2, NULL), (0, 1)) AS t(k, w)")
        con.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
        con.execute(f"CREATE MATERIALIZED VIEW s AS SELECT w, count(*) AS n FROM ({query}) GROUP BY w")
        con.execute("INSERT INTO o VALUES (NULL, 1), (3, NULL)")
        assert con.execute(f"(FROM ({query})) EXCEPT ALL (FROM v)").fetchall() == []
        assert con.execute("SELECT n FROM s WHERE w = 1").fetchall() == [(1,)]
