"""Views created in the background while several threads write: 200 rounds, each view equal to its query."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

import mvengine
from mvengine.errors import SerializationFailure

ROUNDS = 200
BATCH = 20  # views that are built in one database, before it is thrown away
WRITERS, WRITES_EACH = 2, 5
SECONDS_MAX = 120

INPUTS = (
    "CREATE TABLE r (k INT, x INT); CREATE TABLE s (k INT, y INT);"
    "INSERT INTO r SELECT i % 5, i % 3 FROM range(20) AS t(i); INSERT INTO s SELECT i % 5, i FROM range(8) AS t(i);"
    "CREATE MATERIALIZED VIEW base AS SELECT k, count(*) AS n, sum(x) AS total FROM r GROUP BY k"
)
QUERIES = (
    "SELECT r.k, count(*) AS n, sum(r.x * s.y) AS t FROM r JOIN s ON r.k = s.k GROUP BY r.k",
    "SELECT r.x, s.y FROM r JOIN s ON r.k = s.k",
    "SELECT k, min(x) AS lo, max(x) AS hi FROM r GROUP BY k",
    "SELECT DISTINCT a.x, b.x AS other FROM r AS a JOIN r AS b ON a.k = b.k",
    "SELECT base.n, base.total, s.y FROM base JOIN s ON base.k = s.k",
    "SELECT k, row_number() OVER (ORDER BY k, n, total) AS place FROM base",
    "SELECT count(*) AS n FROM s",
)
WRITES = (
    "INSERT INTO r VALUES ({0}, {1}), ({1}, {0})",
    "INSERT INTO s SELECT {0}, {1} FROM range(2)",
    "DELETE FROM r WHERE k = {0} AND x = {1}",
    "DELETE FROM s WHERE k = {0}",
    "UPDATE r SET k = {1} WHERE x = {0}",
    "UPDATE s SET y = y + 1, k = {0} WHERE k = {1}",
    "BEGIN; UPDATE r SET x = {0} WHERE k = {1}; INSERT INTO s VALUES ({1}, {0}); COMMIT",
)


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    with mvengine.connect() as connection:
        connection.execute(INPUTS)
        yield connection


def write(con: mvengine.Connection, seed: int) -> None:
    """Writes at random."""
    random = Random(seed)
    with con.cursor() as cursor:
        for _ in range(WRITES_EACH):
            try:
                cursor.execute(random.choice(WRITES).format(random.randint(0, 4), random.randint(0, 4)))
            except SerializationFailure:  # a transaction that others, or the end of a build, have overtaken
                cursor.execute("ROLLBACK")


def check(con: mvengine.Connection, name: str, query: str) -> None:
    """In one snapshot, since the writers go on."""
    con.execute("BEGIN")
    stored, derived = f"(FROM {name})", f"({query})"
    differing = con.execute(
        f"SELECT 'stored', count(*) FROM (FROM {stored} EXCEPT ALL FROM {derived}) "
        f"UNION ALL SELECT 'derived', count(*) FROM (FROM {derived} EXCEPT ALL FROM {stored})"
    ).fetchall()
    con.execute("COMMIT")
    assert sorted(differing) == [("derived", 0), ("stored", 0)], name


@pytest.mark.parametrize("seed", range(ROUNDS // BATCH))
def test_a_view_created_among_writers_equals_its_query(con: mvengine.Connection, seed: int) -> None:
    random, made = Random(seed), 0
    with ThreadPoolExecutor(WRITERS) as pool:
        while made < BATCH:
            writers = [pool.submit(write, con, random.randrange(10**6)) for _ in range(WRITERS)]
            several = {f"v{made + i}": random.choice(QUERIES) for i in range(random.randint(2, 5))}
            jobs = {name: start(con, name, query) for name, query in several.items()}
            for name, query in several.items():
                if random.random() < 0.85:
                    con.execute(f"WAIT JOB {jobs[name]}")
                    check(con, name, query)
            for writer in writers:
                writer.result(timeout=SECONDS_MAX)
            con.execute(f"DROP MATERIALIZED VIEW {', '.join(several)}")  # built or not
            made += len(several)
    assert con.execute("FROM mv_meta.consumers").fetchall() == []
    logs = "SELECT count(*) FROM duckdb_tables() WHERE ends_with(table_name, '$log')"
    assert con.execute(logs).fetchall() == [(0,)]


def start(con: mvengine.Connection, name: str, query: str) -> int:
    ((job_id, _),) = con.execute(f"CREATE MATERIALIZED VIEW {name} BACKGROUND AS {query}").fetchall()
    return int(job_id)
