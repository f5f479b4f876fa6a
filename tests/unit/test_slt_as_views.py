"""Scripts whose queries run as materialized views, too: what is a view from when to when, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

import mvengine.slt
from mvengine.errors import ProgrammingError
from mvengine.slt import Answer, Connection, Engine, Options, run_file
from mvengine.slt.answers import Columns
from mvengine.slt.as_views_compare import same_bag
from mvengine.slt.as_views_determined import left_open_by
from mvengine.slt.as_views_plan import IN_TRANSACTION, NO_TABLE, NOT_A_SELECT, Plan, in_runs, plan_views
from mvengine.slt.as_views_statements import Kind, look_at
from mvengine.slt.as_views_trace import Trace
from mvengine.slt.engines import MEMORY, duckdb_engine, mvengine_engine
from mvengine.slt.results import FileResult

SCRIPT = """
statement ok
CREATE TABLE t (i INT, s VARCHAR)

statement count 3
INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'b')

query TI rowsort
SELECT s, sum(i) FROM t GROUP BY s
----
a 1
b 5

statement ok
DELETE FROM t WHERE i = 3

query TI rowsort
SELECT s, sum(i) FROM t GROUP BY s
----
a 1
b 2

query I
SELECT 1
----
1
"""


class Nothing:
    """A session that answers everything with nothing, and fails where it reads ``broken``."""

    def run(self, sql: str) -> Answer:
        if "broken" in sql:
            raise ValueError(sql)
        return Answer(source=Columns(description=()), rows=())

    def fork(self) -> Connection:
        return self

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


def planned(texts: Iterable[str]) -> Plan:
    """The plan for a script of one session; what begins with ``?`` is a query of it."""
    trace = Trace()
    session = trace.opened(Nothing())
    for line, text in enumerate(texts):
        with suppress(ValueError):
            answer = trace.run(session, text.removeprefix("?"))
        if text.startswith("?"):
            trace.answered(line, answer, is_once=True)
    return plan_views(trace.events, trace.asked)


def spans(*texts: str) -> list[tuple[str, int, tuple[int, ...]]]:
    return [(view.name, view.begin, view.reads) for view in planned(texts).views]


def run(path: Path, text: str, engine: Engine | None = None) -> FileResult:
    path.write_text(text)
    return run_file(path, engine or mvengine_engine(), Options(has_views=True, has_records=True))


# -- from when to when -------------------------------------------------------------------------------------------------


def test_a_view_begins_after_the_tables_it_reads_and_one_text_is_one_view() -> None:
    texts = ("CREATE TABLE t (i INT)", "INSERT INTO t VALUES (1)", "CREATE TABLE u (i INT)", "INSERT INTO u FROM t")
    assert spans(*texts, "?FROM t", "?FROM u", "DELETE FROM t", "?FROM t") == [("q_4", 1, (4, 7)), ("q_5", 3, (5,))]


def test_a_definition_ends_a_view_and_the_same_text_is_another_one_behind_it() -> None:
    texts = ("CREATE TABLE t (i INT)", "?FROM t", "ALTER TABLE t ADD j INT", "INSERT INTO t VALUES (1, 2)", "?FROM t")
    assert spans(*texts) == [("q_1", 1, (1,)), ("q_4", 3, (4,))]


def test_what_defines_another_table_ends_no_view() -> None:
    texts = ("CREATE TABLE t (i INT)", "INSERT INTO t VALUES (1)", "CREATE TABLE u (j INT)", "DROP TABLE u", "?FROM t")
    assert spans(*texts) == [("q_4", 1, (4,))]


def test_a_view_over_a_view_begins_after_what_that_one_reads() -> None:
    texts = ("CREATE TABLE t (i INT)", "CREATE VIEW v AS FROM t", "ALTER TABLE t RENAME i TO j", "?SELECT 1 FROM v")
    assert spans(*texts) == [("q_3", 3, (3,))]


def test_a_renamed_table_is_known_by_its_new_name() -> None:
    texts = ("CREATE TABLE t (i INT)", 'ALTER TABLE t RENAME TO "The T"', "DELETE FROM x", '?FROM "The T"')
    assert spans(*texts) == [("q_3", 2, (3,))]


def test_no_view_is_made_within_a_transaction() -> None:
    texts = ("BEGIN", "CREATE TABLE t (i INT)", "?FROM t", "COMMIT", "INSERT INTO t VALUES (1)", "?FROM t")
    assert spans(*texts) == [("q_5", 4, (5,))]
    assert list(planned(texts).refused.items()) == [(2, IN_TRANSACTION)]


def test_definitions_that_are_rolled_back_end_views() -> None:
    texts = ("CREATE TABLE t (i INT)", "BEGIN", "DROP TABLE t", "ROLLBACK", "DELETE FROM t", "?FROM t")
    assert spans(*texts) == [("q_5", 4, (5,))]


def test_a_create_that_fails_ends_no_view() -> None:
    assert spans("CREATE TABLE t (i INT)", "CREATE TABLE t (broken)", "?FROM t") == [("q_2", 1, (2,))]


def test_settings_that_change_meanings_end_views_and_others_do_not() -> None:
    assert spans("CREATE TABLE t (i INT)", "SET threads = 1", "DELETE FROM t", "?FROM t")[0][1] == 1
    assert spans("CREATE TABLE t (i INT)", "SET TimeZone = 'UTC'", "DELETE FROM t", "?FROM t")[0][1] == 2


def test_what_is_no_view_has_a_reason() -> None:
    refused = planned(
        ("CREATE TABLE t (i INT)", "?SHOW TABLES", "?SELECT 't' FROM duckdb_tables()", "?SELECT 1")
    ).refused
    assert list(refused.values()) == [NOT_A_SELECT, NO_TABLE, NO_TABLE]


def test_no_run_has_more_views_at_a_time_than_allowed_and_ended_ones_make_room() -> None:
    texts = ("CREATE TABLE t (i INT)", "?SELECT 1 FROM t", "?SELECT 2 FROM t", "?SELECT 3 FROM t")
    assert [[view.name for view in views] for views in in_runs(planned(texts).views, 2)] == [["q_1", "q_2"], ["q_3"]]
    texts += ("CREATE TABLE u (i INT)", "?SELECT 4 FROM u")
    assert [len(views) for views in in_runs(planned(texts).views, 2)] == [3, 1]


@pytest.mark.parametrize(
    ("text", "kind", "touches"),
    [
        ("  -- a\n(SELECT 1)", Kind.READ, set()),
        ("WITH x AS (SELECT 1) INSERT INTO t FROM x", Kind.WRITE, set()),
        ("CREATE OR REPLACE TEMP TABLE IF NOT EXISTS a.b.c AS SELECT 1", Kind.DEFINE, {"c"}),
        ("CREATE MATERIALIZED VIEW \"my view\" AS SELECT ';' FROM t", Kind.DEFINE, {"my view"}),
        ("CREATE INDEX i ON t (x)", Kind.DEFINE, set()),
        ("DROP TABLE a, b CASCADE;", Kind.DEFINE, {"a", "b"}),
        ("CREATE SCHEMA s", Kind.DEFINE, None),
        ("USE s", Kind.DEFINE, None),
        ("PRAGMA enable_verification", Kind.IDLE, set()),
        ("BEGIN; CREATE TABLE t (i INT); COMMIT;", Kind.COMMIT, {"t"}),
        ("", Kind.IDLE, set()),
    ],
)
def test_a_statement_is_known_by_its_words(text: str, kind: Kind, touches: set[str] | None) -> None:
    sent = look_at(text)
    assert (sent.kind, sent.touches if sent.touches is None else set(sent.touches)) == (kind, touches)


# -- what is compared --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        ([(1, "a"), (1, "a"), (None, "b")], [(None, "b"), (1, "a"), (1, "a")], True),
        ([(1,), (1,), (2,)], [(1,), (2,), (2,)], False),
        ([(0.1 + 0.2,), (1e300,)], [(1e300,), (0.3,)], True),
        ([(0.3,)], [(0.30001,)], False),
        ([([1.0, float("nan")],)], [([1.0 + 1e-12, float("nan")],)], True),
        ([(None,)], [(0,)], False),
        ([(1,)], [], False),
    ],
)
def test_rows_are_compared_as_bags_with_a_tolerance_for_doubles(left: list, right: list, is_same: bool) -> None:
    assert same_bag(left, right, 1e-9) is is_same


@pytest.mark.parametrize(
    ("query", "open_by"),
    [
        ("SELECT s FROM t ORDER BY i LIMIT 1", "LIMIT, where rows tie in its order"),
        ("SELECT s FROM t ORDER BY i, s LIMIT 1", None),
        ("SELECT i FROM t ORDER BY i LIMIT 2", None),
        ("SELECT first(s) FROM t", "first() without ORDER BY"),
        ("SELECT count(*) FROM t", None),
    ],
)
def test_a_query_leaves_open_what_depends_on_the_order_of_rows_in_tables(query: str, open_by: str | None) -> None:
    connection = duckdb_engine().open(MEMORY, is_read_only=False)
    connection.run("CREATE TABLE t (i INT, s VARCHAR)")
    connection.run("INSERT INTO t VALUES (1, 'b'), (1, 'a'), (2, 'c')")
    assert left_open_by(connection, query, connection.run(query), [("main", "t")]) == open_by
    connection.close()


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_a_file_says_how_many_queries_were_exact_and_why_others_are_no_views(tmp_path: Path) -> None:
    result = run(tmp_path / "a.slt", SCRIPT)
    assert (result.passed, result.failures) == (6, ())
    assert result.views is not None
    assert result.views.lines() == [
        "as views: 3 queries, 2 exact (algebraic 2), 0 different, 0 undetermined, 1 not views",
        "  not a view 1: it reads no table of the file",
    ]
    views = [json.loads(line).get("view") for line in result.records]
    exact = {"outcome": "exact", "strategy": "algebraic"}
    assert views == [None, None, exact, None, exact, {"outcome": "not a view", "reason": NO_TABLE}]


class Spoilt:
    """A session of mvengine in which what is deleted stays in the views of ``--as-views``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, sql: str) -> Answer:
        answer = self._connection.run(sql)
        is_view = sql.startswith("SELECT * FROM as_views.") and len(answer.rows) == 2
        rows = [(*row[:-1], 5 if row[-1] == 2 else row[-1]) for row in answer.rows] if is_view else answer.rows
        return Answer(source=answer.source, rows=rows)

    def fork(self) -> Connection:
        return Spoilt(self._connection.fork())

    def interrupt(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()


class SpoiltEngine:
    labels = ("mvengine",)
    is_duckdb = True

    def open(self, path: str, *, is_read_only: bool) -> Connection:
        return Spoilt(mvengine_engine().open(path, is_read_only=is_read_only))


def test_a_view_that_does_not_follow_is_a_failure_with_both_sides(tmp_path: Path) -> None:
    result = run(tmp_path / "a.slt", SCRIPT, SpoiltEngine())
    (failure,) = result.failures
    assert failure.reason == "as a view (algebraic, fresh): a different answer"
    assert (failure.location.line, failure.expected, failure.actual) == (17, "a 1\nb 2", "a 1\nb 5")
    assert result.views is not None
    assert (result.views.different, result.views.exact_count) == (1, 1)


def test_a_statement_that_is_refused_beside_views_takes_those_that_there_are_and_goes_through(tmp_path: Path) -> None:
    script = """
statement ok
CREATE TABLE t (i INT)

statement ok
EXPLAIN ANALYZE INSERT INTO t VALUES (1)

query I
SELECT i FROM t
----
1

statement ok
CREATE TABLE u (i INT)

statement ok
INSERT INTO u FROM t

query I
SELECT sum(u.i) FROM t, u
----
1
"""
    result = run(tmp_path / "a.slt", script)
    assert (result.passed, result.failures) == (6, ())
    assert result.views is not None
    assert (result.views.exact, len(result.views.refused)) == ((("algebraic", 1),), 1)
    assert result.views.refused[0][0].startswith("beside it a statement is refused: EXPLAIN ANALYZE would")


def test_a_query_whose_columns_depend_on_the_data_is_no_view(tmp_path: Path) -> None:
    script = """
statement ok
CREATE TABLE t (k INT, g VARCHAR, i INT)

statement ok
INSERT INTO t VALUES (0, 'a', 1), (0, 'b', 2)

query III
PIVOT t ON g USING sum(i) GROUP BY k
----
0 1 2
"""
    result = run(tmp_path / "a.slt", script)
    assert result.failures == ()
    assert result.views is not None
    assert result.views.refused == (("its columns depend on the data", 1),)


def test_a_query_that_is_tried_again_is_compared_at_each_answer_and_never_left_out(tmp_path: Path) -> None:
    script = SCRIPT.replace("query TI rowsort", "query TI rowsort retry 3 backoff 1ms")
    result = run(tmp_path / "a.slt", script.replace("b 2\n", "b 3\n"))
    assert [failure.reason for failure in result.failures] == ["a different answer"]
    assert result.views is not None
    assert (result.views.queries, result.views.exact_count) == (5, 4)


def test_rows_that_tie_are_undetermined_where_duckdb_leaves_them_open_and_only_there(tmp_path: Path) -> None:
    script = """
statement ok
CREATE TABLE t (i INT, s VARCHAR)

statement ok
INSERT INTO t VALUES (1, 'b'), (1, 'a'), (2, 'c')

query T
SELECT s FROM t ORDER BY i LIMIT 1
----
b
"""
    views = run(tmp_path / "a.slt", script).views
    assert views is not None
    assert views.lines()[0] == "as views: 1 queries, 0 exact, 0 different, 1 undetermined, 0 not views"


def test_the_files_of_each_manner_are_exact_as_views() -> None:
    summary = mvengine.slt.run(Path(__file__).parent.parent / "slt" / "as_views", as_views=True)
    assert summary.failures == ()
    assert summary.views is not None
    assert (summary.views.queries, summary.views.exact_count, summary.views.unwritten) == (33, 28, 3)
    assert dict(summary.views.exact) == {"algebraic": 19, "affected": 8, "auxiliary": 1}
    assert {reason for reason, _ in summary.views.refused} == {
        NO_TABLE,
        NOT_A_SELECT,
        IN_TRANSACTION,
        "not deterministic: the volatile function random()",
        "not deterministic: it reads the clock",
    }


def test_views_are_no_business_of_other_engines_of_one_database_or_of_update(tmp_path: Path) -> None:
    path = tmp_path / "a.slt"
    path.write_text(SCRIPT)
    with pytest.raises(ProgrammingError, match="without materialized views"):
        mvengine.slt.run(path, engine="duckdb", as_views=True)
    with pytest.raises(ProgrammingError, match="one database"):
        mvengine.slt.run(path, database=str(tmp_path / "a.db"), as_views=True)
    with pytest.raises(ProgrammingError, match="update"):
        mvengine.slt.run(path, update=True, as_views=True)
