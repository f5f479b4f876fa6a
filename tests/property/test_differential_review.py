"""Ways to lose a change that were found by reading the engine for them: each once made a view differ from its query."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mvengine
from mvengine.errors import NotSupportedError, SerializationFailure


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        yield connection


def check(con: mvengine.Connection, view: str, query: str) -> None:
    """The view equals its query as a bag, both ways."""
    for left, right in ((view, query), (query, view)):
        assert con.execute(f"(FROM ({left})) EXCEPT ALL (FROM ({right}))").fetchall() == []


def test_a_later_write_of_a_transaction_checks_its_snapshot_too(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE r (id INT); CREATE TABLE s (id INT, z INT); CREATE TABLE u (id INT)")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT r.id, z FROM r JOIN s USING (id)")
    con.execute("BEGIN; SELECT count(*) FROM r")
    with con.cursor() as other:
        other.execute("INSERT INTO s VALUES (1, 5)")
    con.execute("INSERT INTO u VALUES (1)")
    with pytest.raises(SerializationFailure):
        con.execute("INSERT INTO r VALUES (1)")


def test_a_view_keeps_its_settings_whichever_session_writes(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t (id INT, z TIMESTAMPTZ); SET TimeZone = 'America/New_York'")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT id, z::DATE AS day FROM t")
    with con.cursor() as other:
        other.execute("INSERT INTO t VALUES (1, '2024-01-01 02:00+00')")
    assert con.execute("SELECT day::VARCHAR FROM v").fetchall() == [("2023-12-31",)]


@pytest.mark.parametrize(
    "query",
    ["SELECT x'AB' AS q, a FROM t", "SUMMARIZE t", "FROM (UNPIVOT t ON a INTO NAME n VALUE w)", "SELECT p FROM pv"],
)
def test_a_query_that_is_not_taken_apart_still_follows_its_tables(con: mvengine.Connection, query: str) -> None:
    con.execute("CREATE TABLE t (id INT, a INT); INSERT INTO t VALUES (1, 10)")
    con.execute("CREATE VIEW pv (p, q) AS SELECT id, a FROM t")
    con.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
    con.execute("INSERT INTO t VALUES (2, 20)")
    check(con, "FROM v", query)
    with pytest.raises(mvengine.ProgrammingError, match="needed by v"):
        con.execute("DROP TABLE t")


@pytest.mark.parametrize(
    "query",
    [
        "FROM query('FROM t')",
        "FROM query_table('t')",
        "SELECT rowid AS r, a FROM t",
    ],
)
def test_a_query_whose_tables_or_rows_cannot_be_told_is_refused(con: mvengine.Connection, query: str) -> None:
    con.execute("CREATE TABLE t (id INT, a INT)")
    with pytest.raises(NotSupportedError):
        con.execute(f"CREATE MATERIALIZED VIEW v AS {query}")


@pytest.mark.parametrize(
    ("view", "write"),
    [
        ("SELECT id, to_json(t)::VARCHAR AS j FROM t", "UPDATE t SET b = 'z' WHERE id = 1"),
        ("FROM t", "INSERT INTO t VALUES (1, 99, 'c') ON CONFLICT (id) DO UPDATE SET a = excluded.a"),
        ("FROM t", "MERGE INTO t USING (SELECT 1 AS id) s USING (id) WHEN NOT MATCHED BY\nSOURCE THEN DELETE"),
        (
            "FROM t",
            "MERGE INTO t USING (FROM t AS x USING SAMPLE 1 ROWS) s USING (id) WHEN MATCHED THEN UPDATE SET a = 7",
        ),
        ("SELECT count(*) AS n, sum(id) AS s FROM t", "UPDATE t SET a = 1"),
        ("SELECT count(*) AS n FROM t GROUP BY ()", "DELETE FROM t"),
        ("SELECT log2(a) AS l FROM t", "UPDATE t SET a = a + 5"),
        ("SELECT max(a, 2) AS m FROM t", "DELETE FROM t WHERE id = 1"),
    ],
)
def test_a_view_follows(con: mvengine.Connection, view: str, write: str) -> None:
    con.execute("CREATE TABLE t (id INT, a INT, b VARCHAR); CREATE UNIQUE INDEX i ON t (id)")
    con.execute("INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y'), (3, NULL, 'x')")
    con.execute(f"CREATE MATERIALIZED VIEW v AS {view}")
    con.execute(write)
    check(con, "FROM v", view)


@pytest.mark.parametrize("kind", ["MAP(VARCHAR, DECIMAL(9, 2))", "UNION(n DECIMAL(9, 2), s VARCHAR)"])
def test_an_update_of_a_nested_column_moves_no_row_out_of_a_view(con: mvengine.Connection, kind: str) -> None:
    value, changed = ("map {'a': 1}", "map {'b': 2}") if kind.startswith("MAP") else ("1", "2")
    con.execute(f"CREATE TABLE n (id INT, s {kind}); INSERT INTO n SELECT i, {value} FROM range(5) AS r (i)")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS c, sum(id) AS t FROM n")
    con.execute(f"UPDATE n SET s = {changed} WHERE id < 3")
    check(con, "FROM v", "SELECT count(*), sum(id) FROM n")


def test_names_that_read_alike_are_kept_apart(con: mvengine.Connection) -> None:
    con.execute('CREATE SCHEMA s2; CREATE TABLE s2.t (a INT); CREATE TABLE "s2.t" (a INT)')
    con.execute('CREATE MATERIALIZED VIEW v1 AS FROM s2.t; CREATE MATERIALIZED VIEW v2 AS FROM "s2.t"')
    con.execute('BEGIN; INSERT INTO s2.t VALUES (1); INSERT INTO "s2.t" VALUES (2); COMMIT')
    assert con.execute("SELECT (FROM v1), (FROM v2)").fetchall() == [(1, 2)]


_MADE_OF = """
CREATE SCHEMA s; CREATE TABLE s.t (a INT); CREATE VIEW s.pv AS FROM s.t; CREATE MACRO plus(x) AS x + 1;
CREATE MATERIALIZED VIEW v AS SELECT plus(a) AS a FROM s.pv; INSERT INTO s.t VALUES (1), (5);
"""


@pytest.mark.parametrize(
    "statement",
    ["CREATE OR REPLACE VIEW s.pv AS SELECT 2 * a AS a FROM s.t", "CREATE OR REPLACE MACRO plus(x) AS x + 7"],
)
def test_a_view_follows_what_it_is_made_of(con: mvengine.Connection, statement: str) -> None:
    con.execute(_MADE_OF)
    con.execute(statement)
    check(con, "FROM v", "SELECT plus(a) AS a FROM s.pv")
    con.execute("INSERT INTO s.t VALUES (9)")
    check(con, "FROM v", "SELECT plus(a) AS a FROM s.pv")


@pytest.mark.parametrize("statement", ["DROP SCHEMA s", "DROP VIEW s.pv", "DROP TABLE s.t", "DROP MACRO plus"])
def test_what_a_view_is_made_of_stays_as_it_is(con: mvengine.Connection, statement: str) -> None:
    con.execute(_MADE_OF)
    with pytest.raises(mvengine.ProgrammingError) as caught:
        con.execute(statement)
    assert caught.value.code == "2BP01"


def test_a_write_that_touches_nothing_leaves_nothing_behind(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t (a INT, b INT); CREATE MATERIALIZED VIEW v AS SELECT a FROM t")
    con.execute(
        "DELETE FROM t WHERE false; CREATE MATERIALIZED VIEW w AS SELECT a, b FROM t; INSERT INTO t VALUES (1, 2)"
    )
    check(con, "FROM w", "FROM t")


@pytest.mark.parametrize(
    "create",
    ["CREATE TABLE c (a VARCHAR COLLATE NOCASE)", "CREATE TABLE c (a INT); CREATE TRIGGER g AFTER INSERT ON c FOR EACH "
     "STATEMENT INSERT INTO d VALUES (1)"],
)  # fmt: skip
def test_views_beside_collations_and_triggers_are_refused(con: mvengine.Connection, create: str) -> None:
    con.execute("CREATE TABLE d (a INT)")
    con.execute(create)
    with pytest.raises(NotSupportedError):
        con.execute("CREATE MATERIALIZED VIEW v AS FROM c")


def test_a_read_only_transaction_writes_nothing(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE t (a INT); BEGIN TRANSACTION READ ONLY")
    with pytest.raises(mvengine.ProgrammingError, match="READ ONLY"):
        con.execute("INSERT INTO t VALUES (1)")


@pytest.mark.parametrize("name", ["affected", "p", "P", "left", "left_now"])
def test_a_table_may_have_the_name_of_a_part_of_the_maintaining_statements(con: mvengine.Connection, name: str) -> None:
    con.execute(f'CREATE TABLE "{name}" (k INT, x INT); CREATE TABLE s (k INT, y INT); INSERT INTO s VALUES (1, 1)')
    queries = {
        "m": f'SELECT "{name}".x, s.y FROM "{name}" LEFT JOIN s ON "{name}".k = s.k',
        "w": f'SELECT x, sum(x) OVER (PARTITION BY k) AS total FROM "{name}"',
    }
    for view, query in queries.items():
        con.execute(f"CREATE MATERIALIZED VIEW {view} AS {query}")
    for epoch in (f'INSERT INTO "{name}" VALUES (1, 1), (1, 2), (NULL, 3)', f'UPDATE "{name}" SET k = 2 WHERE x = 2'):
        con.execute(epoch)
        for view, query in queries.items():
            check(con, f"FROM {view}", query)


def test_a_limited_lateral_query_with_a_window_function_is_computed_again(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE r (k INT); CREATE TABLE s (k INT, y INT); INSERT INTO r VALUES (1), (3)")
    numbered = (
        "SELECT row_number() OVER (PARTITION BY k ORDER BY y) AS n, y FROM s WHERE s.k < r.k ORDER BY n, y LIMIT 1"
    )
    query = f"SELECT r.k, q.n, q.y FROM r, LATERAL ({numbered}) AS q"
    con.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
    for epoch in (
        "INSERT INTO s VALUES (1, 5), (2, 4), (0, NULL)",
        "DELETE FROM s WHERE k = 0",
        "INSERT INTO r VALUES (2)",
    ):
        con.execute(epoch)
        check(con, "FROM v", query)
