"""Tables and views from Python: create_table_from_files(), create_view(), register()."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import ibis
import pandas
import polars
import pyarrow
import pytest

import mvengine


@pytest.fixture
def connection() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, customer VARCHAR, amount DECIMAL(9, 2))")
        connection.execute("INSERT INTO orders VALUES (1, 'ann', 2.50), (2, 'ben', 3.00), (3, 'ann', 1.00)")
        yield connection


def test_a_table_from_files_is_loaded_and_follows_the_files(tmp_path: Path, connection: mvengine.Connection) -> None:
    (tmp_path / "a.csv").write_text("id;name\n1;ann\n2;O'Hara\n")
    connection.create_table_from_files(
        'main."my people"', tmp_path / "*.csv", primary_key="id", options={"delimiter": ";", "header": True}
    )
    assert connection.execute('SELECT * FROM "my people" ORDER BY id').fetchall() == [(1, "ann"), (2, "O'Hara")]
    (tmp_path / "b.csv").write_text("id;name\n2;ben\n")
    connection.refresh('"my people"')
    assert connection.execute('SELECT name FROM "my people" WHERE id = 2').fetchall() == [("ben",)]


def test_a_table_from_files_can_be_declared_and_loaded_later(tmp_path: Path, connection: mvengine.Connection) -> None:
    folder = tmp_path / "it's"
    folder.mkdir()
    (folder / "data").write_text('{"n": 1}\n')
    columns = {"n": "DECIMAL(9, 2)", "the text": "VARCHAR DEFAULT 'none'"}
    for _ in range(2):
        connection.create_table_from_files(
            "t", folder, columns=columns, format="json", refresh=False, if_not_exists=True
        )
    assert connection.execute("FROM t").fetchall() == []
    connection.refresh("t")
    assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]


@pytest.mark.parametrize("name", ["a b", "t; DROP TABLE orders", "", "a.b.c.d"])
def test_a_name_that_is_none_is_refused(name: str, connection: mvengine.Connection) -> None:
    with pytest.raises(mvengine.ProgrammingError, match="not the name of a relation"):
        connection.create_table_from_files(name, "x.csv")
    with pytest.raises(mvengine.ProgrammingError, match="not the name of a relation"):
        connection.create_view(name, "FROM orders")


@pytest.mark.parametrize("text", ["SELECT 1; DROP TABLE orders", "SELECT 1 AS a;\nSELECT 2 AS a;"])
def test_a_view_is_made_of_one_query_and_what_stands_behind_it_is_not_run(
    text: str, connection: mvengine.Connection
) -> None:
    with pytest.raises(mvengine.ProgrammingError, match="a second statement begins") as caught:
        connection.create_view("v", text)
    assert caught.value.code == "42601"
    assert caught.value.position is not None
    assert [view.name for view in connection.views()] == []
    assert connection.tables() != []
    with pytest.raises(mvengine.ProgrammingError, match="a second statement begins"):
        connection.explain(text)


def test_a_view_in_main_is_explained_by_its_name_from_another_schema(connection: mvengine.Connection) -> None:
    connection.create_view("totals", "SELECT sum(amount) FROM orders")
    connection.execute("CREATE SCHEMA s; SET schema = 's'")
    assert connection.explain("totals").startswith("materialized view totals")


def test_what_is_no_query_is_refused_as_a_wrong_type(connection: mvengine.Connection) -> None:
    with pytest.raises(mvengine.InterfaceError, match="a query cannot be a NoneType") as caught:
        connection.create_view("v", None)
    assert caught.value.code == "42804"
    with pytest.raises(mvengine.InterfaceError, match="cannot be a int") as caught:
        connection.register("v", 5)
    assert caught.value.code == "42804"


def test_an_unknown_option_is_named_with_those_that_there_are(connection: mvengine.Connection) -> None:
    with pytest.raises(mvengine.ProgrammingError, match="unknown option 'colour'"):
        connection.create_table_from_files("t", "x*.csv", options={"colour": 1})


def test_a_view_is_made_of_sql_and_follows(connection: mvengine.Connection) -> None:
    query = "SELECT customer, sum(amount) FROM orders GROUP BY customer -- all of them\n;"
    connection.create_view("totals", query, columns=["who", "total"], options={"policy": "strict"})
    connection.execute("INSERT INTO orders VALUES (4, 'cleo', 9)")
    assert connection.execute("SELECT who FROM totals WHERE total > 8").fetchall() == [("cleo",)]
    connection.create_view("totals", "FROM orders", replace=True)
    connection.create_view("totals", "SELECT 1", if_not_exists=True)
    assert connection.sql("FROM totals").columns == ["id", "customer", "amount"]
    with pytest.raises(mvengine.ProgrammingError, match="totals exists already"):
        connection.create_view("totals", "SELECT 1")


def test_a_view_is_made_of_a_relation_of_ours_and_of_duckdbs(connection: mvengine.Connection) -> None:
    connection.create_view("large", connection.sql("FROM orders").filter("amount > 2").project("id"))
    with duckdb.connect() as other:
        other.execute("CREATE TABLE orders (id INTEGER, customer VARCHAR)")  # of the same shape, elsewhere
        connection.create_view("of_ann", other.sql("SELECT id FROM orders WHERE customer = 'ann'"))
    connection.execute("INSERT INTO orders VALUES (5, 'ann', 7)")
    assert connection.execute("FROM large ORDER BY id").fetchall() == [(1,), (2,), (5,)]
    assert connection.execute("FROM of_ann ORDER BY id").fetchall() == [(1,), (3,), (5,)]


def test_a_view_is_made_of_an_ibis_expression(connection: mvengine.Connection) -> None:
    orders = ibis.table({"id": "int64", "customer": "string", "amount": "decimal(9, 2)"}, name="orders")
    connection.create_view("totals", orders.group_by("customer").agg(total=orders.amount.sum(), n=orders.count()))
    connection.execute("DELETE FROM orders WHERE id = 1")
    assert connection.execute("SELECT customer, n FROM totals ORDER BY customer").fetchall() == [("ann", 1), ("ben", 1)]
    assert connection.views()[0].strategy == "algebraic"


def test_a_view_in_the_background_is_a_job(connection: mvengine.Connection) -> None:
    job = connection.create_view("v", "FROM orders", background=True)
    assert job is not None
    assert job.wait(30).error is None
    assert connection.execute("SELECT count(*) FROM v").fetchall() == [(3,)]


def test_what_is_no_query_is_refused(connection: mvengine.Connection) -> None:
    with pytest.raises(mvengine.InterfaceError, match="a query cannot be a int"):
        connection.create_view("v", 5)


@pytest.mark.parametrize(
    "data",
    [
        pandas.DataFrame({"n": [1, 2]}),
        polars.DataFrame({"n": [1, 2]}),
        polars.LazyFrame({"n": [1, 2]}),
        pyarrow.table({"n": [1, 2]}),
        pyarrow.table({"n": [1, 2]}).to_batches()[0],
    ],
    ids=["pandas", "polars", "lazy polars", "arrow table", "record batch"],
)
def test_registered_data_is_read_by_its_name_until_it_is_forgotten(data: object) -> None:
    with mvengine.connect() as connection:
        connection.register("my Data", data)
        for _ in range(2):
            assert connection.execute('SELECT sum(n) FROM "my data"').fetchall() == [(3,)]
        connection.unregister("MY DATA").unregister("my data")
        with pytest.raises(mvengine.ProgrammingError, match="does not exist"):
            connection.execute('FROM "my Data"')


def test_any_arrow_stream_can_be_registered_and_read_twice(connection: mvengine.Connection) -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pyarrow.table({"n": [4]}).__arrow_c_stream__(requested_schema)

    connection.register("numbers", Stream()).register("numbers", Stream())
    assert connection.execute("FROM numbers").fetchall() == connection.execute("FROM numbers").fetchall() == [(4,)]
    with pytest.raises(mvengine.InterfaceError, match="cannot be a list"):
        connection.register("numbers", [1, 2])


def test_registered_data_goes_into_tables_and_their_views_follow(connection: mvengine.Connection) -> None:
    connection.create_view("n", "SELECT count(*) AS n FROM orders")
    connection.register("new_orders", pandas.DataFrame({"id": [9], "customer": ["zoe"], "amount": [1]}))
    connection.execute("INSERT INTO orders FROM new_orders")
    assert connection.execute("FROM n").fetchall() == [(4,)]
    with pytest.raises(mvengine.NotSupportedError, match="cannot read new_orders"):
        connection.create_view("v", "FROM new_orders")


def test_data_is_not_registered_where_it_would_hide_what_is_maintained(connection: mvengine.Connection) -> None:
    numbers = pyarrow.table({"n": [1]})
    connection.register("orders", numbers)  # a plain table, which nothing depends on: hidden, as in DuckDB
    assert connection.execute("FROM orders").fetchall() == [(1,)]
    connection.unregister("orders")
    connection.create_view("n", "SELECT count(*) AS n FROM orders")
    for name in ("orders", "N"):
        with pytest.raises(mvengine.Error, match="would hide the maintained"):
            connection.register(name, numbers)


def test_data_is_registered_for_one_connection(connection: mvengine.Connection) -> None:
    connection.register("mine", pyarrow.table({"n": [1]}))
    with connection.cursor() as cursor, pytest.raises(mvengine.ProgrammingError, match="mine does not exist"):
        cursor.execute("FROM mine")
