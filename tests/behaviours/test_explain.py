"""EXPLAIN of views and of refreshes: what people read."""

from __future__ import annotations

from textwrap import dedent

import pytest
from behaviour_world import Files, declare, one

import mvengine


def text(con: mvengine.Connection, sql: str) -> str:
    return "\n".join(line for (line,) in con.execute(sql).fetchall())


@pytest.fixture(autouse=True)
def tables(con: mvengine.Connection) -> None:
    con.execute("CREATE TABLE o (id INT, cust INT, amount DECIMAL(9, 2)); CREATE TABLE c (id INT, country VARCHAR)")


def test_explain_create_shows_how_a_view_would_be_maintained_and_creates_nothing(con: mvengine.Connection) -> None:
    shown = text(
        con,
        "EXPLAIN CREATE MATERIALIZED VIEW v WITH (policy = 'strict') AS SELECT country, sum(amount) AS total "
        "FROM o JOIN c ON cust = c.id WHERE amount > 1 GROUP BY country HAVING count(*) > 1",
    )
    assert shown == dedent(
        """\
        materialized view v (country VARCHAR, total DECIMAL(38,2))
        strategy: algebraic, sums and counts follow the delta
        policy: strict

        Project groups.country, groups.total
        └─ Filter groups.count > 1
           └─ Group by c.country: sum(o.amount), count(*)  [algebraic: sums and counts follow the delta]
              │ state mv_state.v
              └─ Join o.cust = c.id AND o.amount > 1
                 ├─ Scan o (cust, amount)
                 └─ Scan c (id, country)"""
    )
    assert one(con, "SELECT count(*) FROM mv_catalog.materialized_views") == 0


def test_explain_create_says_why_a_view_cannot_be_maintained_incrementally(con: mvengine.Connection) -> None:
    shown = text(con, "EXPLAIN CREATE MATERIALIZED VIEW v AS SELECT random() AS r FROM o")
    assert "strategy: full, computed again: the volatile function random() has no delta rule" in shown
    with pytest.raises(mvengine.NotSupportedError, match="strict"):
        con.execute("EXPLAIN CREATE MATERIALIZED VIEW v WITH (policy = 'strict') AS SELECT random() AS r FROM o")


def test_explain_of_a_view_shows_its_stages_with_their_sizes_and_its_last_changes(con: mvengine.Connection) -> None:
    con.execute(
        "CREATE MATERIALIZED VIEW v AS SELECT country, max(n) AS n "
        "FROM (SELECT cust, count(*) AS n FROM o GROUP BY cust) JOIN c ON cust = id GROUP BY country"
    )
    con.execute("INSERT INTO c SELECT i, 'c' || i % 2 FROM range(10) AS r(i)")
    con.execute("INSERT INTO o SELECT i, i % 10, 1 FROM range(100) AS r(i)")
    shown = text(con, "EXPLAIN MATERIALIZED VIEW v").splitlines()
    assert shown[:5] == [
        "materialized view v (country VARCHAR, n BIGINT)",
        "strategy: affected, MIN or MAX: a group whose extremum is deleted is derived again",
        "policy: auto",
        "maintained: on_commit, on error fail",
        "state: fresh, has followed up to epoch 2",
    ]
    assert any(line.endswith("state mv_state.v: 2 rows") for line in shown)
    assert any(line.endswith('state mv_state."v#1": 10 rows') for line in shown)
    assert shown[-3] == "last changes:"
    assert shown[-2].startswith("  epoch 2: incremental, 100 rows read, 2 changed, ")


def test_explain_shows_a_stage_that_is_read_twice_once(con: mvengine.Connection) -> None:
    shown = text(
        con,
        "EXPLAIN CREATE MATERIALIZED VIEW v AS WITH x AS (SELECT cust, sum(amount) AS a FROM o GROUP BY cust) "
        "SELECT l.cust, r.a FROM x AS l JOIN x AS r ON l.cust = r.cust + 1",
    )
    assert shown.count("Scan o (cust, amount)") == 1
    assert shown.count("(as above)") == 1


def test_explain_analyze_carries_a_refresh_out_and_tells_of_its_steps(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10 2,20")
    declare(con, "t", files)
    con.execute("CREATE MATERIALIZED VIEW sums AS SELECT x % 2 AS odd, count(*) AS n FROM t GROUP BY x % 2")
    con.execute("CREATE MATERIALIZED VIEW late WITH (maintain = 'deferred') AS SELECT max(n) AS n FROM sums")
    found = con.execute("EXPLAIN ANALYZE REFRESH TABLE t VERIFY").fetchall()
    assert one(con, "SELECT sum(n)::INT FROM sums") == 2
    steps = {step: (rows, ms, detail) for step, rows, ms, detail in found}
    outer = [step.strip() for step in steps if step.startswith("  ") and not step.startswith("    ")]
    assert outer == ["load t", "merge t", "view sums", "verify sums", "list, record and commit"]
    assert steps["  load t"][0] == 2
    assert steps["  merge t"][0] == 2
    assert steps["  view sums"][2] == "incremental: 2 changed rows are few"
    assert "    stage sums" in steps
    assert all(ms >= 0 for _, ms, _ in steps.values())
    late = [row[0] for row in con.execute("EXPLAIN ANALYZE REFRESH MATERIALIZED VIEW late").fetchall()]
    assert "  view late" in late
    assert one(con, "FROM late") == 2


def test_explain_analyze_is_of_refreshes_in_the_foreground(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    with pytest.raises(mvengine.ProgrammingError, match="in the background"):
        con.execute("EXPLAIN ANALYZE REFRESH TABLE t BACKGROUND")
    assert con.execute("EXPLAIN ANALYZE SELECT 1").fetchall()  # DuckDB's own
