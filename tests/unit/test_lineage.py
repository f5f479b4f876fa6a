"""Lineage: nodes, states, edges through plain views, and its three pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import mvengine
from mvengine.lineage import Lineage, LineageNode, NodeKind
from mvengine.schema import Name


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[mvengine.Connection]:
    (tmp_path / "orders.csv").write_text("id,customer\n1,ann\n")
    with mvengine.connect() as connection:
        connection.execute(
            f"""CREATE TABLE orders REFRESHABLE FROM '{tmp_path}/orders*.csv';
            CREATE SCHEMA crm; CREATE TABLE crm.customers (name VARCHAR, "Land & Leute" VARCHAR);
            CREATE VIEW austrians AS WITH c AS (FROM crm.customers) SELECT name FROM c WHERE "Land & Leute" = 'AT';
            CREATE MATERIALIZED VIEW per_customer AS
              SELECT customer, count(*) AS n FROM orders JOIN austrians ON customer = name GROUP BY customer;
            CREATE MATERIALIZED VIEW many AS SELECT customer FROM per_customer WHERE n > 1;
            REFRESH TABLE orders"""
        )
        yield connection


def test_the_graph_has_tables_and_views_with_kind_state_and_detail(connection: mvengine.Connection) -> None:
    found = {str(node.name): (node.kind, node.state) for node in connection.lineage().nodes}
    assert found == {
        "orders": ("refreshable table", "idle"),
        "crm.customers": ("table", None),
        "austrians": ("view", None),
        "per_customer": ("materialized view", "fresh"),
        "many": ("materialized view", "fresh"),
    }
    lineage = connection.lineage()
    assert "orders*.csv" in lineage.node("orders").detail
    assert lineage.node("many").detail == "algebraic"


def test_a_view_over_a_plain_view_follows_from_it_and_not_from_the_tables_behind_it(
    connection: mvengine.Connection,
) -> None:
    edges = {(str(source), str(target)) for source, target in connection.lineage().edges}
    assert edges == {
        ("crm.customers", "austrians"),
        ("austrians", "per_customer"),
        ("orders", "per_customer"),
        ("per_customer", "many"),
    }


def test_each_node_stands_after_what_it_reads(connection: mvengine.Connection) -> None:
    lineage = connection.lineage()
    places = {node.name: place for place, node in enumerate(lineage.nodes)}
    assert all(places[source] < places[target] for source, target in lineage.edges)
    assert lineage.depths[Name(schema="main", name="many")] == 3
    assert [str(node.name) for node in lineage.ends] == ["many"]


def test_the_part_around_a_view_leaves_out_what_has_nothing_to_do_with_it(connection: mvengine.Connection) -> None:
    connection.execute("CREATE MATERIALIZED VIEW others AS SELECT id FROM orders")
    around = connection.lineage("austrians")
    assert {str(node.name) for node in around.nodes} == {"crm.customers", "austrians", "per_customer", "many"}
    with pytest.raises(mvengine.ProgrammingError, match="no table or view nothing"):
        connection.lineage("nothing")


def test_states_are_those_of_the_catalog(connection: mvengine.Connection) -> None:
    connection.execute("ALTER MATERIALIZED VIEW many SET (maintain = 'deferred')")
    connection.execute("INSERT INTO crm.customers VALUES ('ann', 'AT'); INSERT INTO orders VALUES (2, 'ann')")
    assert connection.lineage().node("many").state == "stale"


def test_text_has_a_tree_for_each_end_and_unfolds_a_view_once(connection: mvengine.Connection) -> None:
    connection.execute("CREATE MATERIALIZED VIEW few AS SELECT customer FROM per_customer WHERE n < 2")
    lines = [line.partition(" (")[0].rstrip() for line in connection.lineage().to_text().splitlines()]
    assert lines == [
        "few",
        "└── per_customer",
        "    ├── orders",
        "    └── austrians",
        "        └── crm.customers",
        "many",
        "└── per_customer",
    ]
    assert connection.lineage().to_text().splitlines()[-1].endswith("…")


def test_mermaid_numbers_its_nodes_so_that_their_names_may_be_any_text() -> None:
    name = Name(schema="main", name='a "b"] --> c')
    node = LineageNode(name=name, kind=NodeKind.VIEW, state=None, detail="")
    assert Lineage.of([node], []).to_mermaid() == ('flowchart LR\n  n1(["a #34;b#34;#93; --#62; c<br/>view"])\n')


def test_svg_is_well_formed_and_has_a_box_for_each_node_and_a_path_for_each_edge(
    connection: mvengine.Connection,
) -> None:
    connection.execute("""CREATE TABLE "<b> & 'ü' 漢字" (n INTEGER)""")
    lineage = connection.lineage()
    assert lineage._repr_html_() == lineage.to_svg()
    root = ElementTree.fromstring(lineage.to_svg())
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}g")) == len(lineage.nodes)
    assert len(root.findall(f"{space}path")) == 2 * len(lineage.edges)  # the line and its head
    assert "<b> & 'ü' 漢字" in {text.text for text in root.iter(f"{space}text")}


def test_an_edge_that_passes_a_column_runs_behind_no_box() -> None:
    a, b, c = (Name(schema="main", name=letter) for letter in "abc")
    nodes = [LineageNode(name=name, kind=NodeKind.TABLE, state=None, detail="") for name in (a, b, c)]
    picture = Lineage.of(nodes, [(a, b), (b, c), (a, c)]).to_svg()
    assert picture.count(" H") == 1  # the passage of a → c beside b


def test_an_empty_database_has_an_empty_lineage() -> None:
    with mvengine.connect() as connection:
        lineage = connection.lineage()
    assert (lineage.nodes, lineage.edges, lineage.to_text()) == ((), (), "")
    ElementTree.fromstring(lineage.to_svg())


def test_plain_views_that_read_each_other_are_shown_all_the_same() -> None:
    with mvengine.connect() as connection:
        connection.execute(
            "CREATE VIEW a AS SELECT 1 AS n; CREATE VIEW b AS FROM a; CREATE OR REPLACE VIEW a AS FROM b"
        )
        assert {str(node.name) for node in connection.lineage().nodes} == {"a", "b"}
        assert connection.lineage().to_text().startswith("a (view)")
