"""The types of the public API, as mypy sees them. Not run: a line that mypy would have to reject fails the check."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, assert_type

import mvengine
from mvengine import (
    Connection,
    Failure,
    Job,
    JobOutcome,
    JobStatus,
    Lineage,
    LineageNode,
    Listing,
    Outcome,
    PlanStatus,
    Progress,
    Refresh,
    Refusal,
    RefusalKind,
    Relation,
    TableInfo,
    Task,
    TaskStatus,
    Text,
    Verification,
    ViewInfo,
)
from mvengine.errors import Position


def connections_and_cursors() -> None:
    with mvengine.connect("sales.db", lock_timeout=5.0) as connection:
        assert_type(connection, Connection)
        assert_type(connection.cursor(), Connection)
        assert_type(connection.execute("SELECT ?", [1]), Connection)
        assert_type(connection.execute("SELECT $n", {"n": 1}), Connection)
        assert_type(connection.executemany("INSERT INTO t VALUES (?)", [[1], [2]]), Connection)
        assert_type(connection.begin(), Connection)
        assert_type(connection.rowcount, int)
        assert_type(connection.description, list[tuple[Any, ...]] | None)


def results(connection: Connection) -> None:
    assert_type(connection.fetchone(), tuple[Any, ...] | None)
    assert_type(connection.fetchmany(10), list[tuple[Any, ...]])
    assert_type(connection.fetchall(), list[tuple[Any, ...]])
    for row in connection:
        assert_type(row, tuple[Any, ...])
    assert_type(connection.Error, type[mvengine.Error])
    assert_type(connection.arraysize == mvengine.NUMBER, bool)
    assert_type(mvengine.DateFromTicks(0.0), date)


def refreshes(connection: Connection) -> None:
    def show(progress: Progress) -> None:
        assert_type(progress.percentage, float)
        assert_type(progress.eta_seconds, float | None)

    refresh = connection.refresh("orders", full=True, background=True, queue=True, on_progress=show)
    assert_type(refresh, Refresh)
    assert_type(connection.refreshes(), list[Refresh])
    assert_type(refresh.id, int | None)
    assert_type(refresh.status, PlanStatus)
    assert_type(refresh.progress, Progress | None)
    assert_type(refresh.tasks, tuple[Task, ...])
    assert_type(refresh.tasks[0].status, TaskStatus)
    assert_type(refresh.failure, Failure | None)
    assert_type(refresh.failures, tuple[Failure, ...])
    assert_type(refresh.results[0].rows_inserted, int)
    for operation in (refresh.pause, refresh.resume, refresh.cancel, refresh.rollback):
        assert_type(operation(), Outcome)
    assert_type(refresh.retry(from_start=True), Outcome)
    outcome = refresh.wait(timeout=2.5)
    assert_type(outcome.is_done, bool)
    assert_type(outcome.status, PlanStatus | None)
    assert_type(outcome.refusal, Refusal | None)
    if outcome.refusal is not None:
        assert_type(outcome.refusal.kind, RefusalKind)
    assert_type(connection.progress(), tuple[Progress, ...])


def jobs(connection: Connection) -> None:
    job = connection.job(1)
    assert_type(job, Job)
    assert_type(job.id, int)
    assert_type(job.status, JobStatus | None)
    assert_type(job.progress, Progress | None)
    assert_type(job.cancel(), JobOutcome)
    assert_type(job.wait(2.5).error, mvengine.Error | None)


def relations(connection: Connection) -> None:
    relation = connection.sql("FROM t")
    assert_type(relation, Relation)
    assert_type(relation.filter("n > 1").project("n").order("n").limit(3).distinct(), Relation)
    assert_type(relation.aggregate("sum(n)", "k").union(relation), Relation)
    assert_type(relation.columns, list[str])
    assert_type(relation.fetchone(), tuple[Any, ...] | None)


def lineage(connection: Connection) -> None:
    found = connection.lineage()
    assert_type(found, Lineage)
    assert_type(found.around("orders").nodes, tuple[LineageNode, ...])
    assert_type(found.inputs(found.nodes[0].name), tuple[LineageNode, ...])
    assert_type(found.nodes[0].state, str | None)
    assert_type(found.to_mermaid(), str)


def what_there_is(connection: Connection) -> None:
    assert_type(connection.tables(), Listing[TableInfo])
    assert_type(connection.tables()[0], TableInfo)
    assert_type(connection.views()[0].strategy, str | None)
    assert_type(connection.verify("v")[0], Verification)
    assert_type([view for view in connection.views()], list[ViewInfo])  # noqa: C416 - what iteration gives
    assert_type(connection.explain("v", stage="delta"), Text)


def what_is_to_be(connection: Connection) -> None:
    connection.create_table_from_files("t", Path("x.csv"), columns={"n": "INTEGER"}, options={"header": True})
    assert_type(connection.create_view("v", "FROM t", background=True), Job | None)
    assert_type(connection.register("d", [1]).unregister("d"), Connection)


def failures() -> None:
    try:
        mvengine.connect()
    except mvengine.Error as error:
        assert_type(error.code, str)
        assert_type(error.hint, str | None)
        assert_type(error.position, Position | None)
        assert_type(error.retryable, bool)


def module_globals() -> None:
    assert_type(mvengine.apilevel, str)
    assert_type(mvengine.threadsafety, int)
    assert_type(mvengine.paramstyle, str)


def what_mypy_must_reject(connection: Connection) -> None:
    """Each ignored error must be there: mypy is strict about ignores that are not needed."""
    connection.execute(1)  # type: ignore[arg-type]
    connection.fetchmany("ten")  # type: ignore[arg-type]
    connection.rowcount = 1  # type: ignore[misc]
    connection.refresh(1)  # type: ignore[arg-type]
    connection.refresh("orders", "background", on_progress=print, fully=True)  # type: ignore[call-arg]
    mvengine.connect(path=1)  # type: ignore[arg-type]
    mvengine.conect()  # type: ignore[attr-defined]
