"""Several threads, each with a cursor of its own: no delta is lost, no reader sees half of an epoch.

Threads wait for each other at barriers and for the writer lock, never for the clock.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Barrier, Event

import pytest

import mvengine
from mvengine.errors import SerializationFailure, StateError, TransactionAborted

ROUNDS = int(os.environ.get("MVENGINE_DIFFERENTIAL_EXAMPLES", "8"))
VIEWS = {
    "j": "SELECT r.k, r.x, s.y FROM r JOIN s ON r.k = s.k",
    "g": "SELECT r.k, count(*) AS n, sum(r.x * s.y) AS t FROM r JOIN s ON r.k = s.k GROUP BY r.k",
    "d": "SELECT DISTINCT n FROM g",
}


@pytest.fixture
def connection() -> mvengine.Connection:
    found = mvengine.connect()
    found.execute("CREATE TABLE r (k INT, x INT); CREATE TABLE s (k INT, y INT)")
    for name, query in VIEWS.items():
        found.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")
    return found


def in_threads(*tasks: Callable[[], None]) -> None:
    """Runs tasks side by side; raises what the first failing one raised."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result(timeout=120)


def check_views(connection: mvengine.Connection) -> None:
    for name, query in VIEWS.items():
        for left, right in ((name, f"({query})"), (f"({query})", name)):
            rows = connection.execute(f"FROM {left} EXCEPT ALL FROM {right}").fetchall()
            assert not rows, f"{left} holds more than {right}: {rows}"


def test_two_writers_of_the_two_sides_of_a_join_lose_no_delta(connection: mvengine.Connection) -> None:
    barrier = Barrier(4)

    def writer(table: str, seed: int) -> Callable[[], None]:
        def run() -> None:
            random, cursor = Random(seed), connection.cursor()
            barrier.wait(60)
            for _ in range(3 * ROUNDS):
                k = random.randint(0, 2)
                cursor.execute(random.choice(_WRITES).format(table, "x" if table == "r" else "y", k))
            cursor.close()

        return run

    in_threads(writer("r", 1), writer("s", 2), writer("r", 3), writer("s", 4))
    check_views(connection)


_WRITES = (
    "INSERT INTO {0} VALUES ({2}, 1), ({2}, 2)",
    "UPDATE {0} SET k = k + 1 WHERE k = {2}",
    "UPDATE {0} SET {1} = {1} + 1 WHERE k = {2}",
    "DELETE FROM {0} WHERE k > 2",
)


def test_transactions_of_several_threads_end_exactly_or_ask_to_be_run_again(connection: mvengine.Connection) -> None:
    barrier = Barrier(3)

    def writer(number: int) -> Callable[[], None]:
        def run() -> None:
            cursor = connection.cursor()
            barrier.wait(60)
            for i in range(ROUNDS):
                while not _transfer(cursor, number, i):
                    pass
            cursor.close()

        return run

    in_threads(*(writer(number) for number in range(3)))
    check_views(connection)
    counts = connection.execute("SELECT (SELECT count(*) FROM r), (SELECT count(*) FROM s)").fetchone()
    assert counts == (3 * ROUNDS, 3 * ROUNDS)


def _transfer(cursor: mvengine.Connection, number: int, i: int) -> bool:
    """A row into each table in one transaction. False where its snapshot was too old."""
    try:
        cursor.begin()
        cursor.execute(f"SELECT count(*) FROM {'g' if number else 'j'}").fetchall()
        cursor.execute(f"INSERT INTO r VALUES ({i}, {number})")
        cursor.execute(f"INSERT INTO s VALUES ({i}, {number})")
        cursor.commit()
    except SerializationFailure as error:
        cursor.rollback()
        if error.code != "40001" or not error.retryable:
            raise
        return False
    return True


def test_a_snapshot_that_is_too_old_to_write_is_refused(connection: mvengine.Connection) -> None:
    late = connection.cursor()
    late.begin()
    late.execute("SELECT count(*) FROM r").fetchall()
    connection.execute("INSERT INTO s VALUES (1, 1)")
    with pytest.raises(SerializationFailure) as caught:
        late.execute("INSERT INTO r VALUES (1, 1)")
    assert caught.value.code == "40001"
    with pytest.raises(TransactionAborted) as aborted:
        late.commit()
    assert aborted.value.code == "25P02"
    late.execute("INSERT INTO r VALUES (1, 1)")
    check_views(connection)
    assert connection.execute("FROM j").fetchall() == [(1, 1, 1)]


def test_commit_of_a_transaction_that_failed_raises_and_has_rolled_back(connection: mvengine.Connection) -> None:
    connection.begin()
    connection.execute("INSERT INTO r VALUES (1, 1)")
    with pytest.raises(mvengine.Error):
        connection.execute("INSERT INTO r VALUES ('no number', 1)")
    with pytest.raises(TransactionAborted):
        connection.execute("SELECT 1")
    with pytest.raises(TransactionAborted) as aborted:
        connection.execute("COMMIT")
    assert aborted.value.code == "25P02"
    assert connection.execute("SELECT count(*) FROM r").fetchone() == (0,)
    check_views(connection)


def test_a_reader_sees_all_tables_and_views_at_one_epoch(connection: mvengine.Connection) -> None:
    connection.execute("INSERT INTO s VALUES (1, 1)")
    done = Event()

    def write() -> None:
        cursor = connection.cursor()
        try:
            for i in range(4 * ROUNDS):
                cursor.execute(f"INSERT INTO r VALUES (1, {i})" if i % 5 else "DELETE FROM r WHERE x % 2 = 0")
        finally:
            done.set()
            cursor.close()

    def read() -> None:
        cursor = connection.cursor()
        seen = 0
        while not done.is_set() or not seen:
            one = "SELECT (SELECT count(*) FROM r), (SELECT count(*) FROM j), (SELECT coalesce(sum(n), 0) FROM g)"
            rows, joined, counted = cursor.execute(one).fetchone() or (0, 0, 0)
            assert rows == joined == counted
            cursor.begin()  # the same over several statements of one transaction
            several = [cursor.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("r", "j", "r")]
            cursor.commit()
            assert len(set(several)) == 1
            seen += 1
        cursor.close()

    in_threads(write, read, read)
    check_views(connection)


def test_of_two_refreshes_of_one_table_at_once_at_least_one_wins_and_the_other_says_why(tmp_path: Path) -> None:
    connection = mvengine.connect()
    connection.execute(
        f"CREATE TABLE f (k INT PRIMARY KEY, x INT) REFRESHABLE FROM '{tmp_path}' FORMAT PLAIN ENCODE CSV"
    )
    connection.execute("CREATE MATERIALIZED VIEW v AS SELECT x, count(*) AS n FROM f GROUP BY x")
    barrier = Barrier(2)
    won: list[int] = []
    refused: list[str | None] = []

    def refresh(cursor: mvengine.Connection) -> Callable[[], None]:
        def run() -> None:
            barrier.wait(60)
            try:
                row = cursor.execute("REFRESH TABLE f").fetchone()
                assert row is not None
                won.append(row[4])
            except StateError as error:
                refused.append(error.code)

        return run

    cursors = [connection.cursor(), connection.cursor()]
    for i in range(ROUNDS):
        (tmp_path / f"{i}.csv").write_text(f"k,x\n{i},{i % 3}\n")
        won.clear()
        refused.clear()
        in_threads(*(refresh(cursor) for cursor in cursors))
        assert sum(won) == 1, "one of the two inserts the new row; one that comes after it has nothing to do"
        assert len(won) + len(refused) == 2
        assert set(refused) <= {"55000", "40001"}
        assert connection.execute("SELECT count(*) FROM f").fetchone() == (i + 1,)
        states = connection.execute("SELECT state FROM mv_catalog.refresh_jobs").fetchall()
        assert states == [("IDLE",)]
    assert connection.execute("SELECT sum(n) FROM v").fetchone() == (ROUNDS,)
    connection.close()
