"""con.tables(), con.views(), con.explain(), con.verify(): what there is, as values that read as tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

import mvengine


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[mvengine.Connection]:
    (tmp_path / "orders.csv").write_text("id,customer\n1,ann\n2,ben\n")
    with mvengine.connect() as connection:
        connection.execute(
            f"""CREATE TABLE "the orders" REFRESHABLE FROM '{tmp_path}/orders*.csv'; REFRESH TABLE "the orders";
            CREATE SCHEMA crm; CREATE TABLE crm.customers AS SELECT 'ann' AS name;
            CREATE MATERIALIZED VIEW ids AS SELECT id FROM "the orders";
            CREATE VIEW names AS FROM crm.customers"""
        )
        yield connection


def test_tables_say_where_rows_come_from_how_many_there_are_and_when_they_were_refreshed(
    connection: mvengine.Connection,
) -> None:
    customers, orders = connection.tables()
    assert (customers.name, customers.schema, customers.table) == ("crm.customers", "crm", "customers")
    assert (customers.is_refreshable, customers.rows, customers.state) == (False, 1, None)
    assert (orders.name, orders.is_refreshable, orders.rows, orders.state) == ("the orders", True, 2, "idle")
    assert "orders*.csv" in str(orders.source)
    assert orders.refreshed_at is not None
    assert orders.refreshed_at.tzinfo is UTC


def test_views_are_materialized_or_plain(connection: mvengine.Connection) -> None:
    ids, names = connection.views()
    assert (ids.name, ids.is_materialized, ids.strategy, ids.state) == ("ids", True, "algebraic", "fresh")
    assert (names.name, names.is_materialized, names.strategy) == ("names", False, None)
    assert "customers" in names.definition


def test_a_wrong_view_says_so_and_why(connection: mvengine.Connection) -> None:
    connection._session.engine.query("INSERT INTO mv_state.ids VALUES (7)")
    (found,) = connection.verify("ids")
    assert (found.view, found.verdict, found.missing, found.unexpected) == ("ids", "wrong", 0, 1)
    assert connection.views()[0].state == "wrong"
    connection.execute("REFRESH MATERIALIZED VIEW ids FULL")
    assert [view.verdict for view in connection.verify()] == ["equal"]


def test_verifying_what_is_no_view_is_an_error(connection: mvengine.Connection) -> None:
    with pytest.raises(mvengine.ProgrammingError, match="no materialized view nothing"):
        connection.verify("nothing")
    with pytest.raises(mvengine.ProgrammingError, match="not the name of a relation"):
        connection.verify("ids; DROP TABLE t")


def test_what_there_is_can_be_asked_while_a_result_is_open(connection: mvengine.Connection) -> None:
    connection.execute("SELECT range FROM range(3)")
    connection.fetchone()
    assert len(connection.tables()) == len(connection.views()) == 2
    assert connection.fetchall() == [(1,), (2,)]


def test_a_listing_reads_as_a_table_everywhere(connection: mvengine.Connection) -> None:
    tables = connection.tables()
    header, _, first, _ = repr(tables).splitlines()
    assert header.split()[:3] == ["name", "schema", "table"]
    assert first.split()[:3] == ["crm.customers", "crm", "customers"]
    assert tables.df()["table"].tolist() == ["customers", "the orders"]
    assert tables._repr_html_().count("<tr>") == 3
    with mvengine.connect() as empty:
        assert (repr(empty.tables()), len(empty.views().df())) == ("(none)", 0)


def test_html_escapes_what_stands_in_names() -> None:
    with mvengine.connect() as connection:
        connection.execute("""CREATE TABLE "<script>" (n INTEGER)""")
        assert "<script>" not in connection.tables()._repr_html_()


def test_explain_takes_a_view_a_query_a_relation_or_a_statement(connection: mvengine.Connection) -> None:
    assert connection.explain("ids").startswith("materialized view ids (id BIGINT)")
    assert connection.explain("main.ids") == connection.explain('"ids"')
    assert "Scan" in connection.explain("SELECT * FROM ids")
    assert "Scan" in connection.explain(connection.sql("FROM ids"))
    assert "Scan" in connection.explain("CREATE MATERIALIZED VIEW v AS FROM ids")
    assert connection.explain("CREATE MATERIALIZED VIEW v AS FROM ids", stage="fragment").startswith("{")
    assert "skip: unchanged" in connection.explain('REFRESH TABLE "the orders"')
    assert "milliseconds" in connection.explain("REFRESH ALL", analyze=True)


def test_an_explanation_is_a_text_that_prompts_show_as_it_is(connection: mvengine.Connection) -> None:
    text = connection.explain("ids")
    assert repr(text) == str(text)
    assert text._repr_html_().startswith("<pre>materialized view ids")
    with pytest.raises(mvengine.ProgrammingError):
        connection.explain("CREATE MATERIALIZED VIEW v AS FROM ids", stage="nonsense")
