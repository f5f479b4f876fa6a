"""What another program does to the file is found at the next start, named, and healed on request."""

from __future__ import annotations

import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import mvengine
from mvengine.errors import ForeignChangeWarning
from mvengine.refresh.foreign.file import DatabaseFile

_EXACT = {"equal"}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A closed database: a refreshable table, a plain one, and views over both and over each other."""
    for number in range(2):
        rows = "".join(f"{number * 10 + row},c{row % 2},{row}\n" for row in range(5))
        (tmp_path / f"orders-{number}.csv").write_text(f"id,customer,amount\n{rows}")
    path = tmp_path / "sales.db"
    with mvengine.connect(str(path)) as connection:
        connection.create_table_from_files("orders", tmp_path / "orders-*.csv", primary_key="id")
        connection.execute("CREATE TABLE customers (name VARCHAR, country VARCHAR); CREATE TABLE other (n INTEGER)")
        connection.execute("INSERT INTO customers VALUES ('c0', 'AT'), ('c1', 'DE')")
        connection.create_view("totals", "SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer")
        connection.create_view("countries", "SELECT country, amount FROM totals JOIN customers ON customer = name")
        connection.create_view("apart", "SELECT count(*) AS n FROM other")
    return path


def by_another_program(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as other:
        for statement in statements:
            other.execute(statement)


def opened(path: Path) -> tuple[mvengine.Connection, list[str]]:
    """The database, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        connection = mvengine.connect(str(path))
    return connection, [str(it.message) for it in caught if it.category is ForeignChangeWarning]


def suspended(connection: mvengine.Connection) -> set[str]:
    return {view.name for view in connection.views() if view.state == "suspended"}


def require_all_is_well(connection: mvengine.Connection) -> None:
    assert connection.execute("FROM mv_catalog.foreign_changes").fetchall() == []
    assert {found.verdict for found in connection.verify()} == {"equal"}
    assert connection.execute("SELECT count(*), sum(id) FROM orders").fetchall() == [(10, 70)]


CHANGES = {
    "rows inserted into a plain table": (
        "INSERT INTO customers VALUES ('c1', 'FR')",
        "customers: its rows have changed: 2 before, 3 now",
        {"countries"},
        "REFRESH MATERIALIZED VIEW countries FULL",
    ),
    "rows updated in a plain table": (
        "UPDATE customers SET country = 'CH' WHERE name = 'c1'",
        "customers: its rows have changed: 2 as before, and not the same",
        {"countries"},
        "REFRESH MATERIALIZED VIEW countries FULL",
    ),
    "rows deleted from a refreshable table": (
        "DELETE FROM mv_state.orders WHERE id = 3",
        "mv_state.orders of orders: its rows have changed: 10 before, 9 now",
        {"totals", "countries"},
        "REFRESH TABLE orders FULL",
    ),
    "rows of no file in a refreshable table": (
        "INSERT INTO mv_state.orders VALUES (70, 'c0', 5, 99), (71, 'c0', 5, NULL), (72, 'c1', 5, 1)",
        "mv_state.orders of orders: its rows have changed: 10 before, 13 now",
        {"totals", "countries"},
        "REFRESH TABLE orders FULL",
    ),
    "rows updated in a refreshable table": (
        "UPDATE mv_state.orders SET amount = 100",
        "mv_state.orders of orders: its rows have changed: 10 as before",
        {"totals", "countries"},
        "REFRESH TABLE orders",  # it knows that it has to read all
    ),
    "a refreshable table dropped": (
        "DROP TABLE mv_state.orders",
        "mv_state.orders of orders: was dropped",
        {"totals", "countries"},
        "REFRESH TABLE orders FULL",
    ),
    "the view of a refreshable table dropped": (
        "DROP VIEW orders",
        "orders: was dropped",
        {"totals", "countries"},
        "REFRESH TABLE orders FULL",
    ),
    "a state changed": (
        "UPDATE mv_state.totals SET _mv_count = 77",
        "mv_state.totals of totals: its rows have changed",
        {"totals", "countries"},
        "REFRESH MATERIALIZED VIEW totals FULL",
    ),
    "a state dropped": (
        "DROP TABLE mv_state.totals",
        "mv_state.totals of totals: was dropped",
        {"totals", "countries"},
        "REFRESH MATERIALIZED VIEW totals FULL",
    ),
    "a state renamed": (
        "ALTER TABLE mv_state.totals RENAME TO moved",
        "mv_state.totals of totals: was dropped, or renamed to mv_state.moved",
        {"totals", "countries"},
        "REFRESH MATERIALIZED VIEW totals FULL",
    ),
    "a state altered": (
        "ALTER TABLE mv_state.totals ADD COLUMN more INTEGER",
        "mv_state.totals of totals: was altered",
        {"totals", "countries"},
        "REFRESH MATERIALIZED VIEW totals FULL",
    ),
    "a view dropped": (
        "DROP VIEW totals",
        "totals: was dropped",
        {"totals", "countries"},
        "REFRESH MATERIALIZED VIEW totals FULL",
    ),
    "a view replaced": (
        "CREATE OR REPLACE VIEW countries AS SELECT 1 AS country",
        "countries: was altered",
        {"countries"},
        "REFRESH MATERIALIZED VIEW countries FULL",
    ),
    "all states dropped": (
        "DROP SCHEMA mv_state CASCADE; CREATE SCHEMA mv_state",
        "was dropped",
        {"totals", "countries", "apart"},
        "REFRESH TABLE orders FULL; REFRESH MATERIALIZED VIEW totals, countries, apart FULL",
    ),
}


@pytest.mark.parametrize(("statement", "what", "concerned", "cure"), CHANGES.values(), ids=CHANGES)
def test_a_foreign_change_is_named_suspends_what_it_concerns_and_heals(
    path: Path, statement: str, what: str, concerned: set[str], cure: str
) -> None:
    by_another_program(path, statement)
    connection, told = opened(path)
    with connection:
        assert len(told) == 1
        assert what in told[0]
        assert suspended(connection) == concerned
        found = connection.execute("SELECT object, what, views FROM mv_catalog.foreign_changes").fetchall()
        assert set().union(*(views for _, _, views in found)) == concerned
        connection.execute(cure)
        require_all_is_well(connection)
        connection.execute("INSERT INTO customers VALUES ('c0', 'IT'); INSERT INTO other VALUES (1)")
        assert {found.verdict for found in connection.verify()} == _EXACT
    connection, told = opened(path)
    connection.close()
    assert told == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "CREATE TABLE new AS SELECT 1 AS n; DROP TABLE new",
        "CHECKPOINT; VACUUM",
        "CREATE VIEW mine AS FROM totals",
        "BEGIN; DELETE FROM customers; ROLLBACK",
        "DELETE FROM customers; INSERT INTO customers VALUES ('c1', 'DE'), ('c0', 'AT')",
    ],
)
def test_what_changes_nothing_that_is_kept_is_not_reported(path: Path, statement: str) -> None:
    by_another_program(path, statement)
    connection, told = opened(path)
    with connection:
        assert (told, suspended(connection)) == ([], set())


def test_suspended_views_let_others_be_written_and_heal_when_what_they_read_changes(path: Path) -> None:
    by_another_program(path, "INSERT INTO customers VALUES ('c1', 'FR')")
    connection, _ = opened(path)
    with connection:
        connection.execute("INSERT INTO customers VALUES ('c0', 'IT')")
        require_all_is_well(connection)


def test_a_plain_table_that_is_gone_is_named_until_it_is_back(path: Path) -> None:
    by_another_program(path, "ALTER TABLE customers RENAME TO clients")
    connection, told = opened(path)
    with connection:
        assert "customers: was dropped, or renamed to clients" in told[0]
        connection.execute("INSERT INTO orders VALUES (100, 'c0', 1)")  # totals follows, countries is left behind
        with pytest.raises(mvengine.ProgrammingError, match="customers does not exist"):
            connection.execute("REFRESH MATERIALIZED VIEW countries FULL")
        connection.execute("ALTER TABLE clients RENAME TO customers")
        connection.execute("REFRESH MATERIALIZED VIEW countries FULL; REFRESH TABLE orders")
        require_all_is_well(connection)


def test_a_name_that_another_program_took_is_not_taken_back(path: Path) -> None:
    by_another_program(path, "DROP VIEW totals; CREATE TABLE totals AS SELECT 'precious' AS text")
    connection, _ = opened(path)
    with connection:
        with pytest.raises(mvengine.ProgrammingError, match="is of type Table"):
            connection.execute("REFRESH MATERIALIZED VIEW totals FULL")
        assert connection.execute("FROM totals").fetchall() == [("precious",)]


def test_what_was_dropped_can_be_dropped_for_good(path: Path) -> None:
    by_another_program(path, "DROP VIEW totals")
    connection, _ = opened(path)
    with connection:
        connection.execute("DROP MATERIALIZED VIEW totals CASCADE")
        assert connection.execute("FROM mv_catalog.foreign_changes").fetchall() == []
        assert [view.name for view in connection.views()] == ["apart"]


@pytest.mark.parametrize(
    "statements",
    [
        "INSERT INTO customers VALUES ('c1', 'FR'); CREATE MATERIALIZED VIEW late AS FROM customers",
        "UPDATE orders SET amount = amount + 1; ALTER TABLE customers ADD COLUMN more INTEGER",
        "BEGIN; CREATE TABLE t (n INTEGER); ALTER TABLE customers ALTER COLUMN country SET DEFAULT 'AT'; COMMIT",
    ],
)
def test_what_mvengine_itself_wrote_before_it_was_killed_is_not_foreign(path: Path, statements: str) -> None:
    script = f"""
import mvengine, os, signal
mvengine.connect({str(path)!r}).execute({statements!r})
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    connection, told = opened(path)
    with connection:
        assert (told, suspended(connection)) == ([], set())
        assert {found.verdict for found in connection.verify()} == _EXACT


def test_what_another_program_wrote_while_mvengine_only_read_and_was_killed_is_found(path: Path) -> None:
    script = f"""
import mvengine, os, signal
mvengine.connect({str(path)!r}).execute("FROM countries").fetchall()
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    by_another_program(path, "UPDATE customers SET country = 'CH'")
    connection, told = opened(path)
    with connection:
        assert "customers: its rows have changed" in told[0]


def test_what_is_gone_is_found_after_a_kill_too(path: Path) -> None:
    script = f"""
import mvengine, os, signal
mvengine.connect({str(path)!r}).execute("INSERT INTO customers VALUES ('c1', 'FR')")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    by_another_program(path, "DROP TABLE mv_state.totals")
    connection, told = opened(path)
    with connection:
        assert "mv_state.totals of totals: was dropped" in told[0]
        connection.execute("REFRESH MATERIALIZED VIEW totals FULL")
        require_all_is_well(connection)


def test_a_file_that_nobody_wrote_to_is_neither_read_nor_written(path: Path) -> None:
    before = path.read_bytes()
    connection, told = opened(path)
    connection.execute("FROM countries").fetchall()
    connection.close()
    assert told == []
    assert path.read_bytes() == before


def test_many_rows_are_compared_by_their_blocks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvengine.refresh.foreign.objects.ROWS_HASHED_MAX", 1000)
    with mvengine.connect(str(path)) as connection:
        connection.execute("INSERT INTO other SELECT range FROM range(5000)")
    by_another_program(path, "CREATE TABLE new AS SELECT 1 AS n")
    connection, told = opened(path)
    connection.close()
    assert told == []
    by_another_program(path, "UPDATE other SET n = 7 WHERE n = 3")
    connection, told = opened(path)
    with connection:
        assert "other: its rows have changed: 5000 as before, and not the same" in told[0]


def test_the_files_header_counts_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "plain.db"
    by_another_program(path, "CREATE TABLE t (n INTEGER)")
    file = DatabaseFile(str(path))
    first = file.iteration()
    by_another_program(path, "FROM t")
    assert (file.iteration(), file.has_log()) == (first, False)
    by_another_program(path, "INSERT INTO t VALUES (1)")
    assert first is not None
    assert file.iteration() == first + 1
    file.close()
    (tmp_path / "text").write_text("no database")
    file = DatabaseFile(str(tmp_path / "text"))
    assert file.iteration() is None
    file.close()


def test_the_shell_tells_of_it_and_prints_nothing_but_results(path: Path) -> None:
    by_another_program(path, "DELETE FROM customers WHERE name = 'c1'")
    command = [sys.executable, "-m", "mvengine", "--csv", "-c", "SELECT count(*) AS n FROM customers", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["n", "1"]
    assert done.stderr.startswith(f"WARNING: another program has changed {path}: customers: its rows have changed")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "WARNING" not in done.stderr
