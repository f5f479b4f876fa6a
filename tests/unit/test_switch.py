"""A term at the change of a single row reads the other inputs once, and leaves what crosses a bound."""

from __future__ import annotations

import random

import mvengine
from mvengine.planner.delta.changes import all_changed
from mvengine.planner.emit.select import union
from mvengine.planner.emit.switch import before
from mvengine.planner.scalar import ColumnRef, Expr


def test_only_the_alias_of_the_row_is_renamed_in_a_predicate() -> None:
    refs = (ColumnRef(relation="clock", name="now"), ColumnRef(relation="t", name="now"))
    sql = "t.now < clock.now AND 'clock.now' <> s AND my_clock.now = clock.now"
    assert before(Expr(sql=sql, columns=refs), "clock") == (
        "t.now < clock._mv_before_now AND 'clock.now' <> s AND my_clock.now = clock._mv_before_now"
    )


def test_rows_that_stay_within_a_moving_bound_are_no_change() -> None:
    with mvengine.connect() as con:
        con.execute("CREATE TABLE t (id INT, ts TIMESTAMPTZ)")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT id FROM t WHERE ts > now() - INTERVAL 1 DAY")
        view = next(iter(con._session.database.graph.views.values()))
        stage = view.maintenance.stages[0].children[0]
        sql = union(all_changed(stage).terms(stage), weighted=True)
    assert "any_value(now) FILTER" in sql
    assert "<> ((t.ts > clock._mv_before_now" in sql


def test_predicates_switch_exactly_as_a_global_aggregate_moves() -> None:
    chance = random.Random(3)
    query = "SELECT id, x FROM r, (SELECT avg(x) AS a, max(x) AS m FROM r) AS q WHERE x > q.a OR x = q.m - 1"
    with mvengine.connect() as con:
        con.execute("CREATE TABLE r (id INT, x INT)")
        con.execute(f"CREATE MATERIALIZED VIEW v AS {query}")
        for _ in range(25):
            con.execute("BEGIN")
            con.execute(
                "INSERT INTO r VALUES (?, ?), (?, NULL)",
                [chance.randrange(9), chance.randrange(20), chance.randrange(9)],
            )
            con.execute("DELETE FROM r WHERE id = ?", [chance.randrange(9)])
            con.execute("UPDATE r SET x = x + 3 WHERE id = ?", [chance.randrange(9)])
            con.execute("COMMIT")
            rows, wanted = (sorted(map(repr, con.execute(text).fetchall())) for text in ("FROM v", query))
            assert rows == wanted
