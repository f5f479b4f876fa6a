"""The library's face: PEP 249's globals and names, quick imports, what a wheel holds, the caller's frames."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from types import ModuleType

import pandas
import pytest

import mvengine
from mvengine import errors

HEAVY = ("duckdb", "sqlglot", "lark", "pyarrow", "pandas", "polars", "click", "rich", "prompt_toolkit", "pygments")

# PEP 249, "Exceptions": each name with the one that it is derived from.
PEP_249_ERRORS = {
    "Warning": Exception,
    "Error": Exception,
    "InterfaceError": mvengine.Error,
    "DatabaseError": mvengine.Error,
    "DataError": mvengine.DatabaseError,
    "OperationalError": mvengine.DatabaseError,
    "IntegrityError": mvengine.DatabaseError,
    "InternalError": mvengine.DatabaseError,
    "ProgrammingError": mvengine.DatabaseError,
    "NotSupportedError": mvengine.DatabaseError,
}


def test_the_module_globals_of_pep_249_are_there() -> None:
    assert (mvengine.apilevel, mvengine.paramstyle) == ("2.0", "qmark")
    assert mvengine.threadsafety == 1  # threads may share the module, not connections: each thread has a cursor


@pytest.mark.parametrize(("name", "base"), PEP_249_ERRORS.items())
def test_an_error_of_pep_249_has_its_name_and_its_base(name: str, base: type[Exception]) -> None:
    error = getattr(mvengine, name)
    assert error.__name__ == name
    assert base in error.__bases__


def test_every_error_has_a_sqlstate_of_five_characters_and_lies_below_error() -> None:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, mvengine.Error)]
    assert len(found) > 20
    assert {len(kind.default_code) for kind in found} == {5}


def test_every_public_name_is_there_and_another_is_an_attribute_error() -> None:
    assert all(getattr(mvengine, name) is not None for name in mvengine.__all__)
    assert isinstance(mvengine, ModuleType)
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        mvengine.conect  # noqa: B018


def test_importing_mvengine_imports_none_of_its_dependencies() -> None:
    script = f"import sys, mvengine; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", ["py.typed", "sql/grammar.lark", "meta/migrations/0001_initial.sql"])
def test_what_is_no_python_is_shipped_with_the_package(path: str) -> None:
    assert files("mvengine").joinpath(path).is_file()


def test_a_cursor_fetches_as_pep_249_says() -> None:
    with mvengine.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT range AS n, 'x' AS letter FROM range(?)", [4])
        assert [(entry[0], str(entry[1]), len(entry)) for entry in cursor.description or ()] == [
            ("n", "BIGINT", 7),
            ("letter", "VARCHAR", 7),
        ]
        assert cursor.fetchone() == (0, "x")
        assert cursor.arraysize == 1
        assert cursor.fetchmany() == [(1, "x")]
        assert cursor.fetchall() == [(2, "x"), (3, "x")]
        assert cursor.fetchone() is None
        assert cursor.rowcount == -1


def test_executemany_counts_all_rows_and_is_one_epoch() -> None:
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (n INTEGER); CREATE MATERIALIZED VIEW v AS SELECT sum(n) AS total FROM t")
        connection.executemany("INSERT INTO t VALUES (?)", [[1], [2], [3]])
        assert connection.rowcount == 3
        assert connection.execute("FROM v").fetchall() == [(6,)]
        assert connection.execute("SELECT count(*) FROM mv_catalog.epochs").fetchone() == (1,)


def test_a_closed_connection_says_so() -> None:
    connection = mvengine.connect()
    connection.close()
    connection.close()
    with pytest.raises(mvengine.InterfaceError, match="the connection is closed"):
        connection.execute("SELECT 1")


def test_frames_of_the_caller_are_read_while_earlier_results_stand_open() -> None:
    numbers = pandas.DataFrame({"n": [1, 2, 3]})
    with mvengine.connect() as connection:
        relation = connection.sql("SELECT sum(n) AS total FROM numbers")  # describes it, fetching nothing
        assert relation.fetchall() == [(6,)]
        connection.execute("FROM numbers")  # never fetched
        assert connection.execute("SELECT count(*) FROM numbers").fetchall() == [(len(numbers),)]


def test_values_with_a_time_zone_can_be_fetched() -> None:
    with mvengine.connect() as connection:
        row = connection.execute("SELECT TIMESTAMPTZ '2026-11-20 12:00:00+00' AS t").fetchone()
        assert row is not None
        assert row[0].timestamp() == 1795176000


@pytest.mark.filterwarnings("error")
def test_results_come_as_pandas_polars_and_arrow_without_a_warning() -> None:
    with mvengine.connect() as connection:
        relation = connection.sql("SELECT 1 AS n UNION ALL SELECT 2")
        assert relation.df()["n"].sum() == 3
        assert relation.pl()["n"].sum() == 3
        assert relation.arrow()["n"].to_pylist() == [1, 2]


@pytest.mark.parametrize(("method", "library"), [("df", "pandas"), ("pl", "polars")])
def test_a_library_that_is_not_installed_is_named(method: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with mvengine.connect() as connection, pytest.raises(mvengine.NotSupportedError, match=f"needs {library}"):
        getattr(connection.execute("SELECT 1"), method)()


def test_a_relation_is_made_of_a_query_and_of_any_other_statements_result() -> None:
    with mvengine.connect() as connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
        write = connection.sql("WITH x AS (SELECT 1) INSERT INTO t SELECT 7")
        assert (write.fetchall(), write.fetchall()) == ([(1,)], [(1,)])  # it ran once
        query = connection.sql("-- all\nWITH x AS (FROM t) FROM x;")
        connection.execute("INSERT INTO t VALUES (8)")
        assert query.order("n").fetchall() == [(7,), (8,)]  # it runs when it is read
        assert connection.sql("SHOW TABLES").fetchall() == [("t",)]
