"""PEP 249: the public compliance suite, and what the PEP says beyond it, sentence by sentence."""

from __future__ import annotations

import datetime
import gc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import dbapi20
import pytest

import mvengine


class TestCompliance(dbapi20.DatabaseAPI20Test):  # type: ignore[misc]  # untyped
    """Every test of the suite, but for what follows."""

    driver = mvengine

    def setUp(self) -> None:
        self.directory = TemporaryDirectory()
        self.connect_args = (str(Path(self.directory.name) / "compliance.db"),)

    def tearDown(self) -> None:
        self.directory.cleanup()

    def test_non_idempotent_close(self) -> None:
        """The suite has doubts itself: closing twice is fine, as it is with files."""
        connection = self._connect()
        connection.close()
        connection.close()

    def test_nextset(self) -> None:
        """Optional, and not there: a text of several statements has the result of its last one."""
        assert not hasattr(mvengine.Connection, "nextset")

    def test_setoutputsize(self) -> None:
        """The suite leaves it to drivers to say what it does: nothing."""
        with self._connect() as connection:
            connection.setoutputsize(1000)
            connection.setoutputsize(1000, 1)

    def test_description(self) -> None:
        """As with DuckDB, statements without rows have a result all the same: a count, or nothing."""
        with self._connect() as connection:
            assert connection.cursor().description is None
            connection.execute(self.ddl1)
            assert connection.fetchall() == []
            connection.execute("SELECT name FROM dbapi20test_booze")
            (column,) = connection.description
            assert (column[0], len(column)) == ("name", 7)
            assert column[1] == mvengine.STRING

    def test_fetchone(self) -> None:
        """See ``test_description``."""
        with self._connect() as connection:
            with pytest.raises(mvengine.Error):
                connection.cursor().fetchone()
            connection.execute(self.ddl1)
            connection.execute("INSERT INTO dbapi20test_booze VALUES ('Victoria Bitter')")
            assert (connection.rowcount, connection.fetchone()) == (1, (1,))
            connection.execute("SELECT name FROM dbapi20test_booze")
            assert (connection.fetchone(), connection.fetchone()) == (("Victoria Bitter",), None)

    def test_fetchall(self) -> None:
        """See ``test_description``."""
        with self._connect() as connection:
            with pytest.raises(mvengine.Error):
                connection.cursor().fetchall()
            connection.execute(self.ddl1)
            connection.executemany("INSERT INTO dbapi20test_booze VALUES (?)", [[name] for name in self.samples])
            connection.execute("SELECT name FROM dbapi20test_booze ORDER BY name")
            assert connection.fetchall() == [(name,) for name in sorted(self.samples)]
            assert connection.fetchall() == []


@pytest.fixture
def connection() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        yield connection


TYPES = {
    "1": mvengine.NUMBER,
    "1.5": mvengine.NUMBER,
    "1e0": mvengine.NUMBER,
    "1::UHUGEINT": mvengine.NUMBER,
    "true": mvengine.NUMBER,
    "'x'": mvengine.STRING,
    "'x'::ENUM('x')": mvengine.STRING,
    "uuid()": mvengine.STRING,
    "'{}'::JSON": mvengine.STRING,
    "NULL": mvengine.STRING,
    "'x'::BLOB": mvengine.BINARY,
    "'101'::BIT": mvengine.BINARY,
    "DATE '2026-11-21'": mvengine.DATETIME,
    "TIME '10:00'": mvengine.DATETIME,
    "now()": mvengine.DATETIME,
    "TIMESTAMP '2026-11-21 10:00'": mvengine.DATETIME,
    "INTERVAL 1 DAY": mvengine.DATETIME,
    "[1]": mvengine.NESTED,
    "[1]::INTEGER[1]": mvengine.NESTED,
    "{'a': 'x'}": mvengine.NESTED,
    "MAP {'a': 1}": mvengine.NESTED,
}
OBJECTS = (mvengine.STRING, mvengine.BINARY, mvengine.NUMBER, mvengine.DATETIME, mvengine.ROWID, mvengine.NESTED)


@pytest.mark.parametrize(("value", "expected"), TYPES.items())
def test_a_type_code_is_equal_to_exactly_one_type_object(
    value: str, expected: object, connection: mvengine.Connection
) -> None:
    connection.execute(f"SELECT {value} AS v")
    assert connection.description is not None
    code = connection.description[0][1]
    assert [known for known in OBJECTS if code == known] == [expected]
    assert [known for known in OBJECTS if known == code] == [expected]


def test_type_objects_can_be_compared_hashed_and_shown() -> None:
    assert len(set(OBJECTS)) == len(OBJECTS)
    assert mvengine.STRING == mvengine.STRING != mvengine.NUMBER
    assert repr(mvengine.ROWID) == "mvengine.ROWID"


def test_constructed_values_are_stored_and_come_back(connection: mvengine.Connection) -> None:
    values = (
        mvengine.Date(2026, 11, 21),
        mvengine.Time(10, 30, 1),
        mvengine.Timestamp(2026, 11, 21, 10, 30, 1),
        mvengine.Binary(b"\x00\xff"),
        None,
    )
    connection.execute("CREATE TABLE t (d DATE, t TIME, ts TIMESTAMP, b BLOB, n INTEGER)")
    connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", values)
    assert connection.execute("FROM t").fetchall() == [values]


def test_ticks_are_seconds_since_1970_as_local_time() -> None:
    now = datetime.datetime(2026, 11, 21, 10, 30, 1)
    ticks = now.timestamp()
    assert mvengine.TimestampFromTicks(ticks) == now
    assert (mvengine.DateFromTicks(ticks), mvengine.TimeFromTicks(ticks)) == (now.date(), now.time())


@pytest.mark.parametrize(
    "name",
    [
        *("Warning", "Error", "InterfaceError", "DatabaseError", "DataError", "OperationalError", "IntegrityError"),
        *("InternalError", "ProgrammingError", "NotSupportedError"),
    ],
)
def test_the_errors_are_attributes_of_the_connection(name: str, connection: mvengine.Connection) -> None:
    assert getattr(connection, name) is getattr(mvengine, name)


def test_fetchmany_fetches_arraysize_rows_or_as_many_as_it_is_told(connection: mvengine.Connection) -> None:
    connection.execute("FROM range(6)")
    connection.arraysize = 2
    assert connection.fetchmany() == [(0,), (1,)]
    assert connection.fetchmany(3) == [(2,), (3,), (4,)]
    assert connection.fetchmany(size=5) == [(5,)]
    assert connection.fetchmany() == []
    assert mvengine.Connection.arraysize == 1


def test_a_cursor_can_be_iterated_over(connection: mvengine.Connection) -> None:
    cursor = connection.cursor().execute("FROM range(3)")
    assert next(cursor) == (0,)
    assert [row for (row,) in cursor] == [1, 2]


def test_rowcount_is_that_of_the_last_write_and_minus_one_after_others(connection: mvengine.Connection) -> None:
    assert connection.rowcount == -1
    connection.execute("CREATE TABLE t (n INTEGER)")
    assert connection.rowcount == -1
    assert connection.execute("INSERT INTO t VALUES (1), (2), (3)").rowcount == 3
    assert connection.execute("UPDATE t SET n = 0 WHERE n > 1").rowcount == 2
    assert connection.execute("DELETE FROM t WHERE n = 7").rowcount == 0
    assert connection.execute("FROM t").rowcount == -1
    assert connection.executemany("INSERT INTO t VALUES (?)", [[1], [2]]).rowcount == 2
    assert connection.executemany("INSERT INTO t VALUES (?)", []).rowcount == 0


def test_executemany_does_all_or_nothing(connection: mvengine.Connection) -> None:
    connection.execute("CREATE TABLE t (n INTEGER NOT NULL)")
    with pytest.raises(mvengine.IntegrityError):
        connection.executemany("INSERT INTO t VALUES (?)", [[1], [None]])
    assert connection.execute("FROM t").fetchall() == []


def test_close_rolls_back_and_every_later_operation_is_an_error(tmp_path: Path) -> None:
    path = str(tmp_path / "t.db")
    connection = mvengine.connect(path)
    connection.execute("CREATE TABLE t (n INTEGER)")
    connection.begin().execute("INSERT INTO t VALUES (1)")
    cursor = connection.cursor().execute("FROM range(3)")
    connection.close()
    operations = (
        cursor.fetchone,
        cursor.commit,
        cursor.cursor,
        connection.commit,
        connection.rollback,
        connection.fetchall,
    )
    for operation in operations:
        with pytest.raises(mvengine.InterfaceError, match="the connection is closed"):
            operation()
    with pytest.raises(mvengine.InterfaceError):
        cursor.execute("SELECT 1")
    cursor.close()
    with mvengine.connect(path) as connection:
        assert connection.execute("FROM t").fetchall() == []


def test_a_closed_cursor_is_no_more_and_its_connection_goes_on(connection: mvengine.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(mvengine.InterfaceError):
        cursor.fetchone()
    assert connection.execute("SELECT 2").fetchone() == (2,)


def test_a_cursor_has_a_result_and_a_transaction_of_its_own(connection: mvengine.Connection) -> None:
    connection.execute("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1)")
    connection.execute("FROM range(3)")
    cursor = connection.cursor()
    cursor.begin().execute("INSERT INTO t VALUES (2)")
    assert connection.fetchall() == [(0,), (1,), (2,)]
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
    cursor.commit()
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_a_forgotten_cursor_does_not_keep_the_file(tmp_path: Path) -> None:
    connection = mvengine.connect(str(tmp_path / "t.db"))
    database = connection._database
    for _ in range(3):
        connection.cursor().execute("SELECT 1").fetchall()
    gc.collect()
    assert database.users == 1
    connection.close()
    assert database.users == 0


def test_a_cursor_that_works_in_another_thread_is_closed_when_its_statement_is_over(tmp_path: Path) -> None:
    connection = mvengine.connect(str(tmp_path / "t.db"))
    database, cursor = connection._database, connection.cursor()
    holds, goes_on = Event(), Event()
    execute = cursor._session.execute

    def held(*arguments: object) -> None:
        holds.set()
        goes_on.wait(30)
        execute(*arguments)  # type: ignore[arg-type]

    cursor._session.execute = held  # type: ignore[method-assign]
    thread = Thread(target=cursor.execute, args=["SELECT 1"])
    thread.start()
    holds.wait(30)
    connection.close()
    assert database.users == 1
    goes_on.set()
    thread.join(30)
    assert database.users == 0


def test_parameters_are_question_marks_or_names(connection: mvengine.Connection) -> None:
    assert connection.execute('SELECT ?, \'?\', "?" FROM (SELECT 2 AS "?")', [1]).fetchall() == [(1, "?", 2)]
    assert connection.execute("SELECT $a + $b", {"a": 1, "b": 2}).fetchall() == [(3,)]
    with pytest.raises(mvengine.Error):
        connection.execute("SELECT ?", [1, 2])


def test_sizes_may_be_set_and_mean_nothing(connection: mvengine.Connection) -> None:
    connection.setinputsizes([10, None])
    connection.setoutputsize(10)
