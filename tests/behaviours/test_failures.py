"""Tasks that fail: what is skipped and what goes on (P12), what is kept of it (P36), what is a value and what a bug
(P38)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from behaviour_world import Files, check_views, declare, epoch, one, rows
from plan_world import (
    Raise,
    check_histories,
    connect,
    contents,
    create_diamond,
    failures,
    last,
    outage,
    refresh_in_background,
    sources,
    staged_files,
    status,
    table_state,
    tasks,
    wait,
)

import mvengine
from mvengine.errors import ConflictError, DataError, Error, LoadError, OperationalError, SourceError, StateError
from mvengine.refresh.plan.outcome import Outcome, Refusal, RefusalKind
from mvengine.refresh.run import operations
from mvengine.testing.faults import inject
from mvengine.testing.flaky import flaky_files


@pytest.fixture
def con() -> Iterator[mvengine.Connection]:
    with connect() as connection:
        yield connection
        check_histories(connection)


# -- P12: what fails, what is skipped, what goes on --------------------------------------------------------------------


def test_p12_a_load_that_fails_skips_publishing_and_lets_the_others_finish(
    con: mvengine.Connection, tmp_path: Path
) -> None:
    found = sources(con, tmp_path, "t", "u")
    con.execute("CREATE MATERIALIZED VIEW v AS SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u) AS n")
    con.execute("REFRESH TABLE t, u")
    before, at = contents(con), epoch(con)
    found["t"].write(a="1,much")
    found["u"].write(b="3,30", c="4,40")
    with pytest.raises(LoadError, match=r"a\.csv") as raised:
        con.execute("REFRESH TABLE t, u")
    assert "RETRY REFRESH 2" in (raised.value.hint or "")
    found_tasks = tasks(con, 2)
    assert (found_tasks["load t"], found_tasks["load u"]) == ("FAILED", "COMPLETED")
    assert {name: found_tasks[name] for name in ("merge t", "maintain v", "publish")} == {
        "merge t": "SKIPPED",
        "maintain v": "SKIPPED",
        "publish": "SKIPPED",
    }
    assert (contents(con), epoch(con), status(con, 2)) == (before, at, "FAILED")
    assert (table_state(con), table_state(con, "u"), staged_files(con)) == ("IDLE", "IDLE", 2)
    ((task, type_, code, relation),) = failures(con, 2, "task_id, type, code, relation")
    assert (task, type_, str(code)[:2], relation) == (1, "data", "22", "t")


def test_p12_a_view_that_fails_skips_the_one_over_it_and_its_sibling_goes_through(
    con: mvengine.Connection, files: Files
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    create_diamond(con)
    con.execute("REFRESH TABLE t")
    before, at = contents(con), epoch(con)
    files.write(b="2,-2")  # b fails of it
    with pytest.raises(DataError, match=r"maintain b failed: .*bad"):
        con.execute("REFRESH TABLE t")
    assert tasks(con, 2) == {
        "load t": "COMPLETED",
        "merge t": "COMPLETED",
        "maintain a": "COMPLETED",
        "maintain b": "FAILED",
        "maintain c": "SKIPPED",
        "publish": "SKIPPED",
    }
    assert failures(con, 2, "relation, stage, attempt, type, retryable") == [("b", "finishing", 1, "data", False)]
    assert (contents(con), epoch(con), table_state(con)) == (before, at, "IDLE")
    check_views(con)


def test_p12_two_views_that_fail_are_both_told_of(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,-1", b="2,-2")
    declare(con, "t", files)
    create_diamond(con)
    with pytest.raises(DataError) as raised:
        con.execute("REFRESH TABLE t")
    assert "1 more failed" in (raised.value.hint or "")
    assert failures(con, 1, "relation") == [("a",), ("b",)]
    assert contents(con) == {"a": [], "b": [], "c": [], "t": []}


# -- P36: what is kept -------------------------------------------------------------------------------------------------

KEPT = "code, type, relation, file, line, attempt, retryable, occurred_at IS NOT NULL, message <> ''"


def test_p36_a_failure_can_be_asked_for_after_a_restart(tmp_path: Path, files: Files) -> None:
    files.write(a="1,10", b="2,20 3,much")
    with connect(tmp_path / "w.db") as con:
        declare(con, "t", files)
        with pytest.raises(LoadError):
            con.execute("REFRESH TABLE t")
        con.execute("RETRY REFRESH 1")
        assert wait(con, 1) == "FAILED"
    with connect(tmp_path / "w.db") as con:
        file = str(files.path("b.csv"))
        assert failures(con, 1, KEPT) == [
            ("22P04", "data", "t", file, 3, attempt, False, True, True) for attempt in (1, 2)
        ]
        assert {stage for (stage,) in failures(con, 1, "stage")} == {file}
        assert str(one(con, "SELECT error FROM mv_catalog.plans")).startswith("load t failed: 22")
        ((shown,),) = con.execute("SELECT message FROM mv_catalog.failures WHERE attempt = 2").fetchall()
        con.execute("SHOW TASKS FOR REFRESH 1")
        assert shown in {row[-1] for row in con.fetchall()}


@pytest.mark.parametrize(
    ("harm", "type_", "retryable"),
    [
        (lambda flaky: flaky.fail("*/a.csv", times=9), "io", True),
        (lambda flaky: flaky.fail("*/a.csv", times=9, code=110), "timeout", True),
        (lambda flaky: flaky.fail("*/a.csv", times=9, code=2), "missing_file", True),
        (lambda flaky: flaky.fail("*/a.csv", times=9, code=13), "io", False),
        (lambda flaky: flaky.fail_listing(times=9), "io", True),
        (lambda flaky: flaky.change("*/a.csv", b"id,x\n1,12\n", times=1), "io", True),
    ],
    ids=["io", "timeout", "missing", "no permission", "listing", "changed"],
)
def test_p36_what_may_pass_is_told_from_what_does_not(
    files: Files, harm: Callable[[object], None], type_: str, retryable: bool
) -> None:
    files.write(a="1,10")
    with connect(max_attempts=1) as con, flaky_files() as flaky:
        declare(con, "t", files)
        harm(flaky)
        with pytest.raises(Error):
            con.execute("REFRESH TABLE t")
        ((found, is_retryable, relation),) = failures(con, 1, "type, retryable, relation")
        assert (found, is_retryable, relation) == (type_, retryable, "t")
        check_histories(con)


@pytest.mark.parametrize(
    ("error", "type_", "retryable"),
    [
        (outage, "object_store", True),
        (lambda: SourceError("gone", code="58P01"), "missing_file", True),
        (lambda: ConflictError("somebody was first"), "conflict", True),
        (lambda: DataError("a bad value"), "data", False),
        (lambda: OperationalError("no room", code="53100"), "disk_full", True),
    ],
    ids=["outage", "missing", "conflict", "data", "disk full"],
)
def test_p36_the_type_of_a_failure_follows_from_its_code(
    files: Files, error: Callable[[], Error], type_: str, retryable: bool
) -> None:
    files.write(a="1,10", b="2,20")
    with connect(max_attempts=1) as con:
        declare(con, "t", files)
        with inject("stage.before_commit", Raise(error, nth=2)), pytest.raises(Error):
            con.execute("REFRESH TABLE t")
        found = failures(con, 1, "type, code, retryable, relation, stage")
        assert found == [(type_, error().code, retryable, "t", str(files.path("b.csv")))]


# -- P38: values and bugs ----------------------------------------------------------------------------------------------


def test_p38_what_is_refused_is_a_value_and_only_sql_makes_it_an_error(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    con.execute("REFRESH TABLE t")
    for operation in (operations.pause, operations.resume, operations.cancel, operations.retry, operations.rollback):
        for number in (1, 2, -1):
            outcome = operation(con._database, number)
            assert not outcome.is_done
            assert outcome.refusal is not None
            assert outcome.refusal.message
    assert operations.wait(con._database, 1, 0.0).status == "COMPLETED"
    missing = operations.wait(con._database, 9, 0.0).refusal
    assert missing is not None
    assert missing.kind is RefusalKind.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "error", "code", "retryable"),
    [
        (RefusalKind.ILLEGAL_TRANSITION, StateError, "55000", False),
        (RefusalKind.NOTHING_TO_ROLL_BACK, StateError, "55000", False),
        (RefusalKind.RETRY_EXHAUSTED, StateError, "55000", False),
        (RefusalKind.CONFLICT, ConflictError, "40001", True),
        (RefusalKind.TIMEOUT, StateError, "57014", True),
        (RefusalKind.UNKNOWN, mvengine.Error, "42P01", False),
    ],
)
def test_p38_each_kind_of_refusal_has_its_sqlstate(
    kind: RefusalKind, error: type[Error], code: str, retryable: bool
) -> None:
    outcome = Outcome(plan_id=1, status=None, refusal=Refusal(kind=kind, message="no", hint="yes"))
    with pytest.raises(error) as raised:
        outcome.raise_refused()
    assert (raised.value.code, raised.value.retryable, raised.value.hint) == (code, retryable, "yes")
    Outcome(plan_id=1, status=None, refusal=None).raise_refused()


@pytest.mark.parametrize(
    "point",
    [
        "refresh.after_trigger",
        "stage.before_commit",
        "refresh.after_split",
        "refresh.after_staged",
        "maintain.view",
        "publish.before_commit",
    ],
)
def test_p38_a_bug_raises_and_leaves_nothing_behind(con: mvengine.Connection, files: Files, point: str) -> None:
    files.write(a="1,10", b="2,20")
    declare(con, "t", files)
    create_diamond(con)
    with inject(point, Raise(lambda: ZeroDivisionError("a bug"))), pytest.raises(ZeroDivisionError):
        con.execute("REFRESH TABLE t")
    assert (status(con, 1), table_state(con), contents(con)["t"]) == ("FAILED", "IDLE", [])
    assert one(con, "SELECT error FROM mv_catalog.plans") == "ZeroDivisionError: a bug"
    assert set(tasks(con, 1).values()) <= {"COMPLETED", "FAILED", "SKIPPED"}
    assert set(failures(con, 1, "code, type, message, retryable")) <= {
        ("XX000", "bug", "ZeroDivisionError: a bug", False)
    }
    assert con._database.registry.all_running() == {}
    con.execute("REFRESH TABLE t")
    assert rows(con, "t") == [(1, 10), (2, 20)]
    check_views(con)


def test_p38_a_bug_in_the_background_is_shown_by_its_thread(
    con: mvengine.Connection, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write(a="1,10")
    declare(con, "t", files)
    shown: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda it: shown.append(it.exc_type))
    with inject("refresh.after_staged", Raise(lambda: ZeroDivisionError("a bug"))):
        number = refresh_in_background(con, "t")
        thread = next(it for it in threading.enumerate() if it.name == f"mvengine-refresh-{number}")
        assert wait(con, number) == "FAILED"
        thread.join()
    assert shown == [ZeroDivisionError]
    assert (last(con), table_state(con)) == (number, "IDLE")


def test_p38_an_interrupt_is_no_failure_but_a_cancel(con: mvengine.Connection, files: Files) -> None:
    files.write(a="1,10", b="2,20")
    declare(con, "t", files)
    with inject("refresh.after_staged", Raise(KeyboardInterrupt)), pytest.raises(KeyboardInterrupt):
        con.execute("REFRESH TABLE t")
    assert (status(con, 1), table_state(con), staged_files(con)) == ("CANCELLED", "IDLE", 0)
    assert failures(con, 1, "code") == []
