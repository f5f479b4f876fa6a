"""Views that are deferred, lag, fail and heal, while several threads write, refresh and alter them."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from behaviour_world import check_views, rows

import mvengine
from mvengine.errors import DataError, Error, LockTimeout, ProgrammingError, SerializationFailure

VIEWS = {
    "counts": ("maintain = 'deferred'", "SELECT a, count(*) AS n FROM t GROUP BY a"),
    "pairs": ("target_lag = '1 second'", "SELECT t.a, c FROM t JOIN u USING (a)"),
    "sums": ("on_error = 'suspend'", "SELECT a, sum(CAST(s AS INTEGER)) AS total FROM t GROUP BY a"),
    "over_counts": ("maintain = 'on_commit'", "SELECT n, count(*) AS groups FROM counts GROUP BY n"),
    "over_sums": (
        "maintain = 'deferred', on_error = 'suspend'",
        "SELECT x.a, total, c FROM sums AS x JOIN u USING (a)",
    ),
    "total": ("maintain = 'on_commit'", "SELECT count(*) AS n, sum(total) AS total FROM sums"),
}
THREADS, STEPS = 3, 20


def _statements(chance: random.Random) -> list[str]:
    x = chance.randrange(5)
    return chance.choice(
        [
            [f"INSERT INTO t VALUES ({x}, '{x}')"],
            [f"INSERT INTO u VALUES ({x}, {chance.randrange(3)})"],
            [f"INSERT INTO t VALUES ({x}, 'bad')"],
            ["DELETE FROM t WHERE s = 'bad'"],
            [f"DELETE FROM t WHERE a = {x}"],
            [f"UPDATE u SET c = c + 1 WHERE a = {x}"],
            ["REFRESH MATERIALIZED VIEW counts, over_sums"],
            ["REFRESH ALL"],
            [f"ALTER MATERIALIZED VIEW counts SET (maintain = '{chance.choice(['deferred', 'on_commit'])}')"],
            ["BEGIN", f"INSERT INTO t VALUES ({x}, '1')", f"DELETE FROM u WHERE a = {x}", "FROM sums", "COMMIT"],
        ]
    )


def _work(path: str, seed: int, unexpected: list[Error]) -> None:
    chance = random.Random(seed)
    with mvengine.connect(path, scheduler=True) as con:
        for _ in range(STEPS):
            statements = _statements(chance)
            try:
                for statement in statements:
                    con.execute(statement)
            except (DataError, SerializationFailure, LockTimeout):
                if len(statements) > 1:
                    with suppress(ProgrammingError):  # a COMMIT that failed has ended it
                        con.execute("ROLLBACK")
            except Error as error:
                unexpected.append(error)


@pytest.mark.parametrize("seed", [1, 2])
def test_views_of_all_kinds_equal_their_queries_after_threads_have_written_refreshed_and_altered(
    tmp_path: Path, seed: int
) -> None:
    path = str(tmp_path / "lives.db")
    unexpected: list[Error] = []
    with mvengine.connect(path, scheduler=True) as con:
        con.execute("CREATE TABLE t (a INTEGER, s VARCHAR)")
        con.execute("CREATE TABLE u (a INTEGER, c INTEGER)")
        for name, (options, query) in VIEWS.items():
            con.execute(f"CREATE MATERIALIZED VIEW {name} WITH ({options}) AS {query}")
        threads = [Thread(target=_work, args=(path, 10 * seed + i, unexpected)) for i in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert unexpected == []
        con.execute("DELETE FROM t WHERE s = 'bad'")
        con.execute("REFRESH ALL")
        assert rows(con, "SELECT DISTINCT state FROM mv_catalog.materialized_views") == [("fresh",)]
        check_views(con)
        assert rows(con, "SELECT * FROM mv_meta.logged_changes") == []
