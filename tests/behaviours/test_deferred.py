"""Deferred views: what a refresh of them does, at which epoch, and what stands in the logs before and after."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from behaviour_world import check_views, epoch, one, rows

import mvengine
from mvengine.errors import ProgrammingError, SerializationFailure

DEFERRED = "WITH (maintain = 'deferred')"


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    with mvengine.connect(":memory:") as con:
        con.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
        con.execute("CREATE TABLE u (a INTEGER, c VARCHAR)")
        yield con


def view(con: mvengine.Connection, name: str, query: str, options: str = DEFERRED) -> None:
    con.execute(f"CREATE MATERIALIZED VIEW {name} {options} AS {query}")


def refresh(con: mvengine.Connection, *names: str) -> dict[str, object]:
    """Refreshes views; the rows that each touched."""
    con.execute(f"REFRESH MATERIALIZED VIEW {', '.join(names)}")
    return {row[0]: sum(row[4:7]) for row in con.fetchall()}


def logs(con: mvengine.Connection) -> set[object]:
    found = con.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '%$log'").fetchall()
    return {name for (name,) in found}


def state(con: mvengine.Connection, name: str) -> tuple[object, ...]:
    sql = f"SELECT state, followed_epoch FROM mv_catalog.materialized_views WHERE name = '{name}'"
    return con.execute(sql).fetchall()[0]


def test_a_deferred_view_shows_its_epoch_until_it_is_refreshed(con: mvengine.Connection) -> None:
    con.execute("INSERT INTO t VALUES (1, 1)")
    view(con, "v", "SELECT a, sum(b) AS total FROM t GROUP BY a")
    assert rows(con, "v") == [(1, 1)]
    assert state(con, "v") == ("fresh", 0)
    con.execute("INSERT INTO t VALUES (1, 2)")
    con.execute("DELETE FROM t WHERE b = 1")
    assert rows(con, "v") == [(1, 1)]
    assert state(con, "v") == ("stale", 0)
    refresh(con, "v")
    assert rows(con, "v") == [(1, 2)]
    assert state(con, "v") == ("fresh", epoch(con))


def test_all_deferred_views_of_one_refresh_are_at_one_epoch(con: mvengine.Connection) -> None:
    view(con, "v", "SELECT a, sum(b) AS total FROM t GROUP BY a")
    con.execute("INSERT INTO t VALUES (1, 1)")
    view(con, "w", "SELECT count(*) AS n FROM t")
    view(con, "x", "SELECT t.a, c FROM t JOIN u USING (a)")
    con.execute("INSERT INTO t VALUES (2, 2)")
    con.execute("INSERT INTO u VALUES (1, 'one'), (2, 'two')")
    before = epoch(con)
    refresh(con, "w", "x", "v")
    check_views(con)
    assert epoch(con) == before + 1  # type: ignore[operator]
    assert rows(con, "SELECT DISTINCT epoch, state, followed_epoch FROM mv_catalog.materialized_views") == [
        (epoch(con), "fresh", epoch(con))
    ]


def test_a_deferred_view_over_another_is_refreshed_with_it(con: mvengine.Connection) -> None:
    view(con, "v", "SELECT a, sum(b) AS total FROM t GROUP BY a")
    view(con, "middle", "SELECT total, count(*) AS n FROM v GROUP BY total", "")
    view(con, "w", "SELECT m.total, n, t.b FROM middle AS m JOIN t ON t.a = m.n")
    con.execute("INSERT INTO t VALUES (1, 1), (2, 1), (3, 5)")
    assert state(con, "middle")[0] == "stale"
    assert list(refresh(con, "w")) == ["v", "w"]
    check_views(con)
    con.execute("UPDATE t SET b = 5 WHERE a = 1")
    refresh(con, "v")
    assert state(con, "middle")[0] == "fresh"
    assert state(con, "w")[0] == "stale"
    refresh(con, "w")
    check_views(con)


def test_a_view_that_follows_at_commit_follows_a_deferred_one_with_it(con: mvengine.Connection) -> None:
    view(con, "v", "SELECT a, sum(b) AS total FROM t GROUP BY a")
    view(con, "w", "SELECT v.a, total, c FROM v JOIN u USING (a)", "")
    con.execute("INSERT INTO t VALUES (1, 1)")
    con.execute("INSERT INTO u VALUES (1, 'one')")
    assert rows(con, "w") == []
    refresh(con, "w")
    assert rows(con, "w") == [(1, 1, "one")]


def test_refresh_all_is_of_deferred_views_and_refresh_table_is_not(con: mvengine.Connection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x\n1,10\n")
    con.execute(f"CREATE TABLE s (id INTEGER, x INTEGER) REFRESHABLE FROM '{tmp_path}' FORMAT PLAIN ENCODE CSV")
    view(con, "v", "SELECT sum(x) AS total FROM s")
    con.execute("REFRESH TABLE s")
    assert rows(con, "v") == [(None,)]
    assert state(con, "v")[0] == "stale"
    assert rows(con, "SELECT name FROM mv_catalog.tasks WHERE kind = 'maintain'") == []
    con.execute("REFRESH ALL")
    assert rows(con, "v") == [(10,)]
    assert state(con, "v")[0] == "fresh"


def test_logs_are_kept_for_the_slowest_consumer_and_no_longer(con: mvengine.Connection) -> None:
    view(con, "v", "SELECT sum(b) AS total FROM t")
    view(con, "w", "SELECT count(a) AS n FROM t")
    con.execute("INSERT INTO t VALUES (1, 1)")
    con.execute("INSERT INTO t VALUES (2, 2)")
    refresh(con, "v")
    assert one(con, 'SELECT count(*) FROM mv_state."t$log"') == 2
    refresh(con, "w")
    assert one(con, 'SELECT count(*) FROM mv_state."t$log"') == 0
    assert one(con, "SELECT count(*) FROM mv_meta.logged_changes") == 0
    con.execute("INSERT INTO t VALUES (3, 3)")
    con.execute("DROP MATERIALIZED VIEW w")
    assert one(con, 'SELECT count(*) FROM mv_state."t$log"') == 1
    con.execute("DROP MATERIALIZED VIEW v")
    assert logs(con) == set()
    assert rows(con, "mv_catalog.consumers") == []
    assert one(con, "SELECT count(*) FROM mv_meta.logged_changes") == 0


def test_what_comes_and_goes_between_two_refreshes_touches_nothing(con: mvengine.Connection) -> None:
    view(con, "v", "SELECT a, sum(b) AS total FROM t GROUP BY a")
    con.execute("INSERT INTO t VALUES (1, 1)")
    con.execute("DELETE FROM t")
    before = epoch(con)
    assert refresh(con, "v") == {"v": 0}
    assert epoch(con) == before
    assert state(con, "v")[0] == "fresh"


def test_setting_maintain_back_and_forth_keeps_the_view_equal_to_its_query(con: mvengine.Connection) -> None:
    view(con, "v", "SELECT a, sum(b) AS total FROM t GROUP BY a", "")
    con.execute("INSERT INTO t VALUES (1, 1)")
    con.execute("ALTER MATERIALIZED VIEW v SET (maintain = 'deferred')")
    con.execute("INSERT INTO t VALUES (1, 2)")
    assert rows(con, "v") == [(1, 1)]
    con.execute("ALTER MATERIALIZED VIEW v SET (maintain = 'on_commit')")
    check_views(con)
    assert logs(con) == set()
    con.execute("INSERT INTO t VALUES (1, 4)")
    check_views(con)


def test_a_view_built_in_the_background_is_deferred_from_then_on(con: mvengine.Connection) -> None:
    con.execute("INSERT INTO t VALUES (1, 1)")
    con.execute(f"CREATE MATERIALIZED VIEW v BACKGROUND {DEFERRED} AS SELECT sum(b) AS total FROM t")
    con.execute("INSERT INTO t VALUES (1, 2)")
    con.execute("WAIT")
    con.execute("INSERT INTO t VALUES (1, 4)")
    assert rows(con, "v") == [(3,)]
    assert state(con, "v")[0] == "stale"
    refresh(con, "v")
    check_views(con)


def test_in_a_transaction_a_view_becomes_deferred_only_before_anything_is_changed(con: mvengine.Connection) -> None:
    view(con, "v", "SELECT sum(b) AS total FROM t")
    con.execute("BEGIN")
    view(con, "w", "SELECT sum(a) AS total FROM t")
    con.execute("INSERT INTO t VALUES (1, 2)")
    con.execute("COMMIT")
    refresh(con, "v", "w")
    check_views(con)
    con.execute("BEGIN")
    con.execute("INSERT INTO t VALUES (3, 4)")
    with pytest.raises(ProgrammingError, match="has changed something"):
        view(con, "x", "SELECT max(a) AS most FROM t")
    con.execute("ROLLBACK")


def test_a_transaction_that_began_before_a_view_was_deferred_is_told_to_run_again(tmp_path: Path) -> None:
    path = str(tmp_path / "d.db")
    with mvengine.connect(path) as con, mvengine.connect(path) as other:
        con.execute("CREATE TABLE t (a INTEGER)")
        view(con, "v", "SELECT sum(a) AS total FROM t", "")
        other.execute("BEGIN")
        other.execute("SELECT * FROM t")
        con.execute("ALTER MATERIALIZED VIEW v SET (maintain = 'deferred')")
        with pytest.raises(SerializationFailure):
            other.execute("INSERT INTO t VALUES (1)")
        other.execute("ROLLBACK")
        other.execute("INSERT INTO t VALUES (1)")
        refresh(con, "v")
        check_views(con)


def test_a_transaction_goes_through_although_a_deferred_view_was_refreshed_meanwhile(tmp_path: Path) -> None:
    path = str(tmp_path / "d.db")
    with mvengine.connect(path) as con, mvengine.connect(path) as other:
        con.execute("CREATE TABLE t (a INTEGER)")
        view(con, "v", "SELECT sum(a) AS total FROM t")
        con.execute("INSERT INTO t VALUES (1)")
        other.execute("BEGIN")
        other.execute("SELECT * FROM t")
        refresh(con, "v")
        other.execute("INSERT INTO t VALUES (2)")
        other.execute("COMMIT")
        assert rows(con, "v") == [(1,)]
        refresh(con, "v")
        check_views(con)


def test_cursors_and_logs_are_kept_over_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "d.db")
    with mvengine.connect(path) as con:
        con.execute("CREATE TABLE t (a INTEGER)")
        view(con, "v", "SELECT sum(a) AS total FROM t")
        con.execute("INSERT INTO t VALUES (1)")
    with mvengine.connect(path) as con:
        con.execute("INSERT INTO t VALUES (2)")
        assert state(con, "v") == ("stale", 0)
        refresh(con, "v")
        check_views(con)


QUERIES = {
    "totals": "SELECT a, sum(b) AS total, count(*) AS n FROM t GROUP BY a",
    "pairs": "SELECT t.a, b, c FROM t JOIN u USING (a)",
    "self": "SELECT l.a, count(*) AS n FROM t AS l JOIN t AS r ON l.b = r.a GROUP BY l.a",
    "extremes": "SELECT c, min(b) AS least, max(b) AS most FROM pairs GROUP BY c",
    "again": "SELECT a, string_agg(b, ',' ORDER BY b) AS bs FROM t GROUP BY a",
    "above": "SELECT n, count(*) AS groups FROM totals GROUP BY n",
    "diamond": "SELECT x.a, x.total, p.c FROM totals AS x JOIN pairs AS p USING (a)",
}


@pytest.mark.parametrize("seed", range(3))
def test_a_view_equals_its_query_at_the_epoch_up_to_which_it_has_followed(con: mvengine.Connection, seed: int) -> None:
    """Of views over tables the contents at every epoch are known: those of their queries after each write."""
    chance = random.Random(seed)
    for name, query in QUERIES.items():
        view(con, name, query, DEFERRED if chance.random() < 0.7 else "")
    over_tables = ("totals", "pairs", "self", "again")
    known: dict[tuple[str, object], Counter[object]] = {}
    for _ in range(25):
        _write(con, chance)
        if chance.random() < 0.3:
            refresh(con, *chance.sample(sorted(QUERIES), 2))
        if chance.random() < 0.1:
            how = chance.choice(["on_commit", "deferred"])
            con.execute(f"ALTER MATERIALIZED VIEW {chance.choice(sorted(QUERIES))} SET (maintain = '{how}')")
        for name in over_tables:
            known[name, epoch(con)] = Counter(map(repr, rows(con, QUERIES[name])))
            followed = state(con, name)[1]
            if (name, followed) in known:
                assert Counter(map(repr, rows(con, name))) == known[name, followed], (seed, name, followed)
    con.execute("REFRESH ALL")
    check_views(con)
    assert rows(con, "SELECT DISTINCT state FROM mv_catalog.materialized_views") == [("fresh",)]


def _write(con: mvengine.Connection, chance: random.Random) -> None:
    def number() -> int:
        return chance.randrange(5)

    statements = [
        f"INSERT INTO t VALUES ({number()}, {number()}), ({number()}, {number()})",
        f"INSERT INTO u VALUES ({number()}, 'x{number()}')",
        f"UPDATE t SET b = {number()} WHERE a = {number()}",
        f"UPDATE u SET a = {number()} WHERE a = {number()}",
        f"DELETE FROM t WHERE b = {number()}",
        f"DELETE FROM u WHERE a = {number()}",
    ]
    if chance.random() < 0.5:
        con.execute(chance.choice(statements))
        return
    con.execute("BEGIN")
    for statement in chance.sample(statements, 3):
        con.execute(statement)
    con.execute("COMMIT")
