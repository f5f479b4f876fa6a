"""Results as DataFrames and Arrow, data of the caller in queries, and what con.sql() takes for what."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pandas
import polars
import pyarrow
import pytest

import mvengine


@pytest.fixture
def connection() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (n INTEGER, text VARCHAR)")
        connection.execute("INSERT INTO t VALUES (1, 'one'), (2, NULL)")
        connection.execute("CREATE MATERIALIZED VIEW v AS SELECT n, text FROM t")
        yield connection


def test_libraries_that_know_arrows_c_stream_take_a_relation(connection: mvengine.Connection) -> None:
    relation = connection.sql("FROM v ORDER BY n")
    expected = [{"n": 1, "text": "one"}, {"n": 2, "text": None}]
    assert pyarrow.table(relation).to_pylist() == expected
    assert polars.DataFrame(relation).to_dicts() == expected
    assert pandas.DataFrame.from_arrow(relation)["n"].tolist() == [1, 2]
    connection.execute("INSERT INTO t VALUES (3, 'three')")
    assert pyarrow.table(relation).num_rows == 3  # it runs anew


@pytest.mark.filterwarnings("error")
def test_a_relation_becomes_arrow_by_the_way_that_copies_nothing_twice(connection: mvengine.Connection) -> None:
    connection.begin().execute("INSERT INTO t VALUES (3, 'three')")
    relation = connection.sql("FROM v").filter("n > 1").order("n")
    assert relation.arrow()["n"].to_pylist() == [2, 3]  # what the transaction itself has done is in it
    assert relation.pl()["n"].to_list() == [2, 3]
    connection.rollback()
    assert relation.arrow()["n"].to_pylist() == [2]
    assert connection.execute("SELECT 5").fetchall() == [(5,)]  # no result is in the way


def test_an_error_in_a_relation_that_becomes_arrow_is_ours(connection: mvengine.Connection) -> None:
    relation = connection.sql("SELECT CAST(text AS INTEGER) AS n FROM t")
    with pytest.raises(mvengine.DataError, match="'one'"):
        relation.arrow()
    assert connection.sql("FROM t").arrow().num_rows == 2


def test_large_results_are_read_as_a_stream_of_batches(connection: mvengine.Connection) -> None:
    connection.execute("SELECT range AS n FROM range(10_000)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = list(connection.arrow_reader(3000))
    assert sum(batch.num_rows for batch in batches) == 10_000
    assert len(batches) > 1


def test_frames_of_the_caller_are_read_by_relations_later(connection: mvengine.Connection) -> None:
    numbers = polars.DataFrame({"n": [1, 2, 3]})
    relation = connection.sql("SELECT sum(n) AS total FROM numbers")
    assert relation.arrow().to_pylist() == [{"total": 6}]
    assert len(numbers) == 3


def test_a_relation_reads_as_a_table_in_prompts_and_notebooks(connection: mvengine.Connection) -> None:
    assert repr(connection.sql("FROM v ORDER BY n")) == "n  text\n-  ----\n1  one\n2  NULL"
    html = connection.sql("SELECT '<b>' AS \"a & b\", NULL AS nothing, 1.5 AS n")._repr_html_()
    assert "<th>a &amp; b</th>" in html
    assert "&lt;b&gt;</td>" in html
    assert ">NULL</td>" in html
    many = connection.sql("SELECT range AS n FROM range(1000)")
    assert repr(many).splitlines()[-1] == "… more than 20 rows"
    assert many._repr_html_().endswith("<p>… more than 20 rows</p>")


SELECTS = [
    "SELECT 7 AS n -- all",
    "SELECT 7 AS n; -- all\n;",
    "-- first\nSELECT 7 AS n /* last */ ;",
    "/* x */ WITH a AS (SELECT 7 AS n) FROM a -- b\n-- c",
    "(SELECT 7 AS n) UNION ALL (SELECT 0) -- x",
    "CREATE TEMP TABLE s AS SELECT 7 AS n; FROM s -- of several",
    "WITH x AS (SELECT 7 AS n) INSERT INTO t (n) FROM x RETURNING n",
]


@pytest.mark.parametrize("text", SELECTS)
def test_comments_and_several_statements_do_not_hinder_composing(text: str, connection: mvengine.Connection) -> None:
    relation = connection.sql(text)
    assert relation.filter("n > 1").project("n + 1 AS m").fetchall() == [(8,)]
    assert relation.union(connection.sql("SELECT 9 -- z")).filter("n > 1").order("n").fetchall() == [(7,), (9,)]


def test_a_write_behind_with_runs_once_and_views_follow(connection: mvengine.Connection) -> None:
    relation = connection.sql("WITH x AS (SELECT 3 AS n) INSERT INTO t (n) FROM x -- last")
    assert (relation.fetchall(), relation.fetchall()) == ([(1,)], [(1,)])
    assert connection.execute("SELECT count(*) FROM v").fetchall() == [(3,)]


@pytest.mark.parametrize("text", ["", " ; ", "-- nothing"])
def test_a_text_without_a_statement_is_no_relation(text: str, connection: mvengine.Connection) -> None:
    with pytest.raises(mvengine.ProgrammingError, match="no statement"):
        connection.sql(text)
