"""VERIFY finds what was written behind the engine's back, marks it, and REFRESH … FULL makes it right again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from behaviour_world import Files, declare, one, rows

import mvengine

TABLES = """
    CREATE TABLE o (k INT, x DOUBLE, t VARCHAR);
    INSERT INTO o SELECT i % 4, i / 7, 'row ' || i % 3 FROM range(40) AS r(i);
    CREATE MATERIALIZED VIEW totals AS SELECT k, sum(x) AS total, avg(x) AS mean, count(*) AS n FROM o GROUP BY k;
    CREATE MATERIALIZED VIEW named (a, b) AS SELECT t, n FROM o JOIN totals USING (k) WHERE k < 2 -- a comment
    ;
    CREATE MATERIALIZED VIEW largest AS
    SELECT max(n) AS n FROM (SELECT k, t, count(*) AS n FROM o GROUP BY k, t) GROUP BY k;
    INSERT INTO o VALUES (1, 3, NULL), (NULL, 'NaN', NULL), (NULL, NULL, 'x');
"""


class World:
    """A database whose stored rows are also written as a bug of the engine would write them: by nobody's statement."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.con = mvengine.connect(path)
        self.con.execute(TABLES)

    def corrupt(self, sql: str) -> None:
        engine = self.con._database.engine.fork()
        engine.raw.execute(sql)
        engine.close()

    def verdicts(self, what: str = "ALL") -> dict[str, str]:
        """The last verdict of each view."""
        found = self.con.execute(f"VERIFY {what}").fetchall()
        return {name: verdict for name, _, _, _, _, verdict, _ in found}

    def state(self, view: str) -> object:
        return one(self.con, f"SELECT state FROM mv_catalog.materialized_views WHERE name = '{view}'")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "verify.db")
    yield world
    world.con.close()


def test_views_that_are_right_are_equal_and_counted(world: World) -> None:
    found = world.con.execute("VERIFY ALL").fetchall()
    assert [(name, count, missing, unexpected, verdict, reason) for name, count, missing, unexpected, _, verdict, reason
            in found] == [
        ("totals", 5, 0, 0, "equal", None), ("named", 21, 0, 0, "equal", None), ("largest", 5, 0, 0, "equal", None),
    ]  # fmt: skip
    assert world.con.execute("VERIFY ALL SHOW ROWS").fetchall() == []


def test_rows_written_behind_its_back_are_found_and_shown(world: World) -> None:
    world.corrupt(
        "DELETE FROM mv_state.named WHERE a = 'row 1' AND b = 10; INSERT INTO mv_state.named VALUES (NULL, 7)"
    )
    ((name, _, missing, unexpected, _, verdict, _),) = world.con.execute("VERIFY MATERIALIZED VIEW named").fetchall()
    assert (name, missing, unexpected, verdict) == ("named", 3, 1, "wrong")
    assert rows(world.con, "VERIFY MATERIALIZED VIEW named, totals SHOW ROWS") == [
        ("named", None, "missing", 3, "{'a': row 1, 'b': 10}"),
        ("named", None, "unexpected", 1, "{'a': NULL, 'b': 7}"),
    ]
    assert len(world.con.execute("VERIFY ALL SHOW ROWS 1").fetchall()) == 1


def test_a_view_that_is_wrong_is_marked_until_it_is_rebuilt(world: World) -> None:
    world.corrupt("UPDATE mv_state.totals SET _mv_count = _mv_count + 1 WHERE k = 3")
    world.verdicts("MATERIALIZED VIEW totals")
    assert world.state("totals") == "wrong"
    failure = one(world.con, "SELECT failure FROM mv_catalog.materialized_views WHERE name = 'totals'")
    assert "1 missing, 1 unexpected, for example missing: {'k': 3" in str(failure)
    world.con.execute("INSERT INTO o VALUES (3, 1, 'row 1')")
    assert world.state("totals") == "wrong"  # its next change does not heal it
    world.con.execute("REFRESH MATERIALIZED VIEW totals FULL")
    assert world.state("totals") == "fresh"
    assert set(world.verdicts().values()) == {"equal"}


def test_an_inner_state_that_is_wrong_is_found_before_it_shows(world: World) -> None:
    world.corrupt("UPDATE mv_state.\"largest#1\" SET _mv_count = 2 WHERE k = 2 AND t = 'row 1' AND _mv_count < 4")
    found = world.con.execute("VERIFY MATERIALIZED VIEW largest").fetchall()
    assert [row[5] for row in found] == ["equal", "wrong"]
    assert "stage largest#1" in found[1][6]
    assert world.state("largest") == "wrong"


def test_doubles_are_compared_within_the_tolerance(world: World) -> None:
    world.corrupt("UPDATE mv_state.totals SET _mv_sum_1 = _mv_sum_1 * (1 + 1e-12)")
    assert world.verdicts("MATERIALIZED VIEW totals") == {"totals": "equal"}
    world.corrupt("UPDATE mv_state.totals SET _mv_sum_1 = _mv_sum_1 * (1 + 1e-6) WHERE k = 1")
    found = world.con.execute("VERIFY MATERIALIZED VIEW totals").fetchall()
    assert found[0][2:4] == (1, 1)


def test_what_a_query_leaves_open_is_not_wrong(world: World) -> None:
    texts = "SELECT k, string_agg(t, ',') AS all_t FROM o GROUP BY k"
    world.con.execute(f"CREATE MATERIALIZED VIEW texts WITH (policy = 'full') AS {texts}")
    world.con.execute("CREATE MATERIALIZED VIEW dice AS SELECT random() AS r FROM o")
    world.corrupt("UPDATE mv_state.texts SET all_t = array_to_string(list_reverse(split(all_t, ',')), ',') WHERE k = 0")
    found = {row[0]: row for row in world.con.execute("VERIFY ALL").fetchall()}
    assert found["texts"][5] == "undetermined"
    assert "listagg() without ORDER BY" in found["texts"][6]
    assert found["dice"][5] == "undetermined"
    assert world.state("texts") == "fresh"
    world.corrupt("DELETE FROM mv_state.texts WHERE k = 0")
    assert world.verdicts("MATERIALIZED VIEW texts") == {"texts": "wrong"}  # how many rows there are, it does not


def test_verify_neither_waits_for_writers_nor_keeps_them_waiting(world: World) -> None:
    with mvengine.connect(world.path) as writer:
        writer.execute("BEGIN; INSERT INTO o VALUES (9, 9, 'row 9')")
        found: list[dict[str, str]] = []
        thread = Thread(target=lambda: found.append(world.verdicts()))
        thread.start()
        thread.join(30)
        assert found == [{"totals": "equal", "named": "equal", "largest": "equal"}]
        writer.execute("COMMIT")
    assert set(world.verdicts().values()) == {"equal"}


def test_a_refresh_that_would_publish_a_difference_publishes_nothing(world: World, tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    files.write(a="1,10 2,20")
    declare(world.con, "t", files)
    world.con.execute("CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n, sum(x) AS x FROM t")
    world.con.execute("CREATE MATERIALIZED VIEW big AS SELECT id FROM t WHERE x > 15")
    world.con.execute("REFRESH TABLE t VERIFY")
    world.corrupt("UPDATE mv_state.sums SET _mv_sum_1 = _mv_sum_1 + 1")
    files.write(b="3,30")
    with pytest.raises(
        mvengine.InternalError, match=r"view sums: .*1 missing.*'x': 60.*nothing was published"
    ) as caught:
        world.con.execute("REFRESH ALL VERIFY")
    assert caught.value.code == "XX001"
    assert rows(world.con, "t") == [(1, 10), (2, 20)]
    assert rows(world.con, "big") == [(2,)]
    assert [world.state("sums"), world.state("big")] == ["wrong", "fresh"]
    assert rows(world.con, "SELECT name, status FROM mv_catalog.tasks WHERE plan_id = 2 AND kind = 'maintain'") == [
        ("maintain big", "COMPLETED"), ("maintain sums", "FAILED"),
    ]  # fmt: skip
    world.con.execute("REFRESH MATERIALIZED VIEW sums FULL VERIFY")
    world.con.execute("RETRY REFRESH 2; WAIT REFRESH 2")
    assert rows(world.con, "SELECT n, x FROM sums") == [(3, 60)]
    assert world.state("sums") == "fresh"


def test_a_verified_refresh_of_a_deferred_view_publishes_no_difference(world: World) -> None:
    world.con.execute(
        "CREATE MATERIALIZED VIEW late WITH (maintain = 'deferred') AS SELECT k, count(*) AS n FROM o GROUP BY k"
    )
    world.corrupt("UPDATE mv_state.late SET _mv_count = _mv_count + 1 WHERE k = 3")
    world.con.execute("INSERT INTO o VALUES (3, 1, 'row 1')")
    ((_, _, _, _, _, verdict, reason),) = world.con.execute("VERIFY MATERIALIZED VIEW late").fetchall()
    assert (verdict, reason) == ("not compared", "stale: it has followed up to epoch 1")
    with pytest.raises(mvengine.InternalError, match="view late: it differs from its query"):
        world.con.execute("REFRESH MATERIALIZED VIEW late VERIFY")
    assert world.state("late") == "wrong"
    world.con.execute("REFRESH MATERIALIZED VIEW late FULL VERIFY")
    assert world.state("late") == "fresh"
    assert world.verdicts("MATERIALIZED VIEW late") == {"late": "equal"}


def test_verify_says_what_it_cannot_verify(world: World) -> None:
    with pytest.raises(mvengine.ProgrammingError, match="not a materialized view"):
        world.con.execute("VERIFY MATERIALIZED VIEW o")
    with pytest.raises(mvengine.ProgrammingError, match="there is no materialized view nothing"):
        world.con.execute("VERIFY MATERIALIZED VIEW nothing")
    world.con.execute("BEGIN")
    with pytest.raises(mvengine.ProgrammingError, match="inside BEGIN"):
        world.con.execute("VERIFY ALL")
    world.con.execute("ROLLBACK")


def test_all_views_are_verified_by_either_spelling() -> None:
    with mvengine.connect() as con:
        con.execute("CREATE TABLE t (a INTEGER)")
        for name in ("v", "w"):
            con.execute(f"CREATE MATERIALIZED VIEW {name} AS SELECT a, count(*) AS n FROM t GROUP BY a")
        for statement in ("VERIFY ALL", "VERIFY MATERIALIZED VIEW ALL"):
            assert [(row[0], row[5]) for row in con.execute(statement).fetchall()] == [("v", "equal"), ("w", "equal")]
