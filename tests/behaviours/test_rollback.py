"""ROLLBACK of failed refreshes: P34. What is compared are contents, staging tables and definitions, as one number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from behaviour_world import Files, check_views, declare, rows
from plan_world import (
    check_histories,
    checksum,
    connect,
    contents,
    create_diamond,
    events,
    last,
    sources,
    staged_files,
    status,
    table_state,
    tasks,
    wait,
)

import mvengine
from mvengine.errors import DataError, LoadError, SourceError, StateError
from mvengine.refresh.plan.outcome import RefusalKind
from mvengine.refresh.run import operations
from mvengine.testing.flaky import flaky_files


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    with connect() as connection:
        yield connection
        check_histories(connection)


def refused(con: mvengine.Connection, number: int) -> RefusalKind:
    """A rollback that is refused and writes nothing."""
    meta = con._database.engine
    names = ("plans", "tasks", "plan_events", "staged_files", "refresh_jobs")
    before = checksum(con), [meta.query(f"FROM mv_meta.{name} ORDER BY ALL") for name in names]
    outcome = operations.rollback(con._database, number)
    assert outcome.refusal is not None
    assert (checksum(con), [meta.query(f"FROM mv_meta.{name} ORDER BY ALL") for name in names]) == before
    with pytest.raises(StateError):
        con.execute(f"ROLLBACK REFRESH {number}")
    return outcome.refusal.kind


def test_p34_after_a_rollback_all_is_as_before_the_refresh(con: mvengine.Connection, tmp_path: Path) -> None:
    found = sources(con, tmp_path, "t", "u")
    create_diamond(con)
    con.execute("REFRESH TABLE t, u")
    before = checksum(con)
    found["t"].write(a="1,11", b="2,20", c="3,much")
    found["u"].write(b="9,90")
    with pytest.raises(LoadError):
        con.execute("REFRESH TABLE t, u")
    assert (staged_files(con), checksum(con) != before) == (3, True)
    assert con.execute("ROLLBACK REFRESH 2").fetchall() == [(2, "ROLLED_BACK")]
    assert (checksum(con), staged_files(con)) == (before, 0)
    assert tasks(con, 2) == {
        "load t": "ROLLED_BACK",
        "load u": "COMPLETED",
        "merge t": "CANCELLED",
        "merge u": "CANCELLED",
        "maintain a": "CANCELLED",
        "maintain b": "CANCELLED",
        "maintain c": "CANCELLED",
        "publish": "CANCELLED",
    }
    assert set(tasks(con, 2, "checkpoint").values()) == {None}
    assert (events(con, 2), table_state(con)) == (["START", "FAIL", "ROLLBACK"], "IDLE")
    with flaky_files() as flaky:
        found["t"].write(c="3,30")
        con.execute("REFRESH TABLE t, u")
        assert sorted(Path(opened).name for opened in flaky.opened) == ["a.csv", "b.csv", "b.csv", "c.csv"]
    assert rows(con, "t") == [(1, 11), (2, 20), (3, 30)]
    check_views(con)


def test_p34_a_refresh_whose_view_failed_is_rolled_back_too(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    create_diamond(con)
    con.execute("REFRESH TABLE t")
    before = checksum(con)
    files.write(b="2,-1")
    with pytest.raises(DataError):
        con.execute("REFRESH TABLE t")
    con.execute("ROLLBACK REFRESH 2")
    assert (checksum(con), status(con, 2)) == (before, "ROLLED_BACK")
    assert tasks(con, 2)["maintain a"] == "ROLLED_BACK"


def test_p34_a_rollback_is_there_after_a_restart_and_works_after_one(tmp_path: Path, files: Files) -> None:
    path = tmp_path / "world.db"
    files.write(a="1,10")
    with connect(path) as con:
        declare(con, "t", files)
        con.execute("REFRESH TABLE t")
        before = contents(con)
        files.write(b="2,20", c="3,much")
        with pytest.raises(LoadError):
            con.execute("REFRESH TABLE t")
    with connect(path) as con:
        con.execute("ROLLBACK REFRESH 2")
    with connect(path) as con:
        assert (status(con, 2), staged_files(con), contents(con)) == ("ROLLED_BACK", 0, before)
        check_histories(con)


def test_p34_where_nothing_was_staged_there_is_nothing_to_roll_back(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,much")
    declare(con, "t", files)
    with pytest.raises(LoadError):
        con.execute("REFRESH TABLE t")
    assert refused(con, 1) is RefusalKind.NOTHING_TO_ROLL_BACK
    assert (status(con, 1), tasks(con, 1)["load t"]) == ("FAILED", "FAILED")
    with pytest.raises(StateError, match="refresh 1 cannot be rolled back: it has staged nothing"):
        con.execute("ROLLBACK REFRESH 1")


def test_p34_what_a_later_refresh_has_taken_over_cannot_be_rolled_back(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10", b="2,much")
    declare(con, "t", files)
    for _ in range(2):
        with pytest.raises(LoadError):
            con.execute("REFRESH TABLE t")
    assert refused(con, 1) is RefusalKind.NOTHING_TO_ROLL_BACK
    with pytest.raises(StateError, match="its tables were refreshed again since, by refresh 2"):
        con.execute("ROLLBACK REFRESH 1")
    con.execute("ROLLBACK REFRESH 2")
    assert (status(con, 1), status(con, 2), staged_files(con)) == ("FAILED", "ROLLED_BACK", 0)


def test_p34_what_is_over_cannot_be_rolled_back_and_a_rolled_back_one_cannot_be_retried(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10", b="2,much")
    declare(con, "t", files)
    with pytest.raises(LoadError):
        con.execute("REFRESH TABLE t")
    con.execute("ROLLBACK REFRESH 1")
    assert refused(con, 1) is RefusalKind.ILLEGAL_TRANSITION
    with pytest.raises(StateError, match="cannot RETRY refresh 1: it is ROLLED_BACK"):
        con.execute("RETRY REFRESH 1")
    files.write(b="2,20")
    con.execute("REFRESH TABLE t")
    assert refused(con, last(con)) is RefusalKind.ILLEGAL_TRANSITION
    assert rows(con, "t") == [(1, 10), (2, 20)]


def test_p34_a_rollback_while_another_refresh_has_the_table_is_a_conflict(
    con: mvengine.Connection, tmp_path: Path
) -> None:
    found = sources(con, tmp_path, "t", "u")
    found["t"].write(a="1,10", b="2,20")
    with flaky_files() as flaky:
        flaky.fail("*/b.csv", times=3)
        with pytest.raises(SourceError):
            con.execute("REFRESH TABLE t")
    with flaky_files() as flaky:
        gate = flaky.hold("*/u/a.csv")
        ((second, _),) = con.execute("REFRESH TABLE u, t BACKGROUND").fetchall()
        assert gate.wait()
        for operation in (operations.rollback, operations.retry):
            outcome = operation(con._database, 1)
            assert outcome.refusal is not None
            assert (outcome.refusal.kind, outcome.status) == (RefusalKind.CONFLICT, "FAILED")
            assert f"t is being refreshed, by refresh {second}" in outcome.refusal.message
        gate.release()
        assert wait(con, second) == "COMPLETED"
    assert rows(con, "t") == [(1, 10), (2, 20)]
