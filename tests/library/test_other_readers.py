"""A file that mvengine wrote, read by programs that never import it: DuckDB, SQLAlchemy, Ibis."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mvengine

VIEWS = {
    "totals": "SELECT customer, sum(amount) AS total, count(*) AS n, avg(amount) AS mean FROM orders GROUP BY customer",
    "weights": "SELECT customer, sum(kg) AS kg, min(kg) AS least FROM orders GROUP BY customer",
    "customers": "SELECT DISTINCT customer FROM orders",
    "latest": "SELECT * FROM orders ORDER BY id DESC LIMIT 2",
    "numbered": "SELECT id, row_number() OVER (PARTITION BY customer ORDER BY id) AS n FROM orders",
    "with_country": "SELECT id, country FROM orders LEFT JOIN countries ON customer = name",
    "unmatched": "SELECT name FROM countries WHERE name NOT IN (SELECT customer FROM orders)",
    "middle": "SELECT median(amount) AS middle FROM orders",
    "recent": "SELECT id FROM orders WHERE now() > TIMESTAMPTZ '2020-01-01 00:00:00+00'",
    "reached": "WITH RECURSIVE r AS (SELECT id FROM orders UNION SELECT id + 1 FROM r WHERE id < 5) FROM r",
    "above": "SELECT count(*) AS n, sum(total) AS total FROM totals",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readers")
    (folder / "orders.csv").write_text("id,customer,amount,kg\n1,ann,2.50,0.1\n2,ben,3.00,0.2\n3,ann,1.25,0.3\n")
    path = folder / "sales.db"
    columns = {"id": "INTEGER", "customer": "VARCHAR", "amount": "DECIMAL(9, 2)", "kg": "DOUBLE"}
    with mvengine.connect(str(path)) as connection:
        connection.execute("CREATE TABLE countries AS FROM (VALUES ('ann', 'AT'), ('zoe', 'CH')) AS t(name, country)")
        connection.create_table_from_files("orders", folder / "*.csv", columns=columns, primary_key="id")
        for name, query in VIEWS.items():
            connection.create_view(name, query)
        connection.execute("INSERT INTO orders VALUES (4, 'cleo', 9, 1.5); DELETE FROM orders WHERE id = 2")
    return path


@pytest.fixture
def run(path: Path) -> Callable[[str], Any]:
    """Runs Python in a process of its own; what it assigns to ``result`` comes back as JSON, without mvengine."""

    def ran(script: str) -> Any:
        ending = "import json, sys\nassert 'mvengine' not in sys.modules\nprint(json.dumps(result, default=str))"
        done = subprocess.run(
            [sys.executable, "-I", "-c", f"path = {str(path)!r}\n{script}\n{ending}"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[0])

    return ran


def ours(path: Path, name: str) -> list[list[Any]]:
    with mvengine.connect(str(path)) as connection:
        rows = connection.execute(f"FROM {name} ORDER BY ALL").fetchall()
    return json.loads(json.dumps(rows, default=str))  # type: ignore[no-any-return]  # as the other process tells it


@pytest.mark.parametrize("is_read_only", [False, True])
def test_plain_duckdb_reads_every_table_and_view(path: Path, run: Callable[[str], Any], is_read_only: bool) -> None:
    names = ["orders", "countries", *VIEWS]
    found = run(
        f"""import duckdb
with duckdb.connect(path, read_only={is_read_only}) as con:
    result = {{name: con.execute(f"FROM {{name}} ORDER BY ALL").fetchall() for name in {names!r}}}"""
    )
    assert found == {name: ours(path, name) for name in names}
    assert found["totals"] == [["ann", "3.75", 2, 1.875], ["cleo", "9.00", 1, 9.0]]


def test_plain_duckdb_cannot_write_to_what_is_refreshed_or_maintained(run: Callable[[str], Any]) -> None:
    refused = run(
        """import duckdb
result = []
with duckdb.connect(path) as con:
    for name in ("orders", "totals"):
        try:
            con.execute(f"DELETE FROM {name}")
        except duckdb.Error as error:
            result.append(type(error).__name__)"""
    )
    assert refused == ["BinderException", "BinderException"]  # they are views to it


def test_sqlalchemy_reads_with_text_and_with_tables_that_are_declared(run: Callable[[str], Any]) -> None:
    found = run(
        """import sqlalchemy as sa
engine = sa.create_engine(f"duckdb:///{path}")
totals = sa.table("totals", sa.column("customer"), sa.column("n"))
with engine.connect() as con:
    by_text = con.execute(sa.text("SELECT country FROM with_country WHERE id = :id"), {"id": 1}).fetchall()
    by_table = con.execute(sa.select(totals.c.customer).where(totals.c.n > 1)).fetchall()
inspector = sa.inspect(engine)
tables, views = inspector.get_table_names(schema="main"), inspector.get_view_names(schema="main")
engine.dispose()
result = [list(map(list, by_text)), list(map(list, by_table)), tables, sorted(views)]"""
    )
    assert found == [[["AT"]], [["ann"]], ["countries"], sorted(["orders", *VIEWS])]


def test_pandas_reads_through_sqlalchemy(run: Callable[[str], Any]) -> None:
    assert run(
        """import pandas, sqlalchemy
engine = sqlalchemy.create_engine(f"duckdb:///{path}")
result = pandas.read_sql("SELECT * FROM customers ORDER BY ALL", engine)["customer"].tolist()
engine.dispose()"""
    ) == ["ann", "cleo"]


def test_ibis_reads_tables_and_computes_over_views(run: Callable[[str], Any]) -> None:
    found = run(
        """import ibis
con = ibis.duckdb.connect(path, read_only=True)
totals, orders = con.table("totals"), con.table("orders")
joined = totals.join(orders, "customer").group_by("customer").agg(kg=orders.kg.max()).order_by("customer")
result = [
    list(totals.schema().names),
    joined.to_pyarrow().to_pylist(),
    totals.filter(totals.n > 1).execute()["customer"].tolist(),
    con.table("latest").to_polars()["id"].sort().to_list(),
]"""
    )
    assert found == [
        ["customer", "total", "n", "mean"],
        [{"customer": "ann", "kg": 0.3}, {"customer": "cleo", "kg": 1.5}],
        ["ann"],
        [3, 4],
    ]


@pytest.mark.parametrize(
    "script",
    [
        "import sqlalchemy as sa; sa.inspect(sa.create_engine(f'duckdb:///{path}')).get_columns('countries')",
        "import ibis; ibis.duckdb.connect(path).list_tables()",
        "import ibis; ibis.duckdb.connect(path).sql('FROM totals')",
        "import ibis; ibis.duckdb.connect(path).table('totals').to_pyarrow_batches().read_all()",
    ],
)
def test_what_these_do_not_know_of_this_duckdb_is_as_documented(script: str, path: Path) -> None:
    """When one of these works, docs/interoperability.md has to say so."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"path = {str(path)!r}\n{script}"], capture_output=True, text=True
    )
    assert "pg_collation" in done.stderr or "has no attribute 'fetch_" in done.stderr, done.stderr
