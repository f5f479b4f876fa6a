"""What must be true of refreshes whenever none runs, whatever was done to them, and whoever was killed meanwhile."""

from __future__ import annotations

import shutil
from collections import Counter
from enum import StrEnum
from itertools import groupby
from pathlib import Path

import duckdb

import mvengine
from mvengine.meta.states import (
    PLAN,
    PLAN_GRAPH,
    TASK,
    TASK_GRAPH,
    PlanEvent,
    PlanStatus,
    TaskEvent,
    TaskStatus,
    transition,
)
from mvengine.refresh.changes import FILE_ID

SETTLE_SECONDS_MAX = 60
_POSSIBLE_IN: dict[str, set[str]] = {  # tasks that a plan at rest may have
    "COMPLETED": {"COMPLETED", "SKIPPED", "FAILED"},  # without the views that are suspended
    "PAUSED": {"CREATED", "PAUSED", "COMPLETED"},
    "FAILED": {"CREATED", "COMPLETED", "FAILED", "SKIPPED"},
    "CANCELLED": {"COMPLETED", "CANCELLED", "FAILED"},
    "ROLLED_BACK": {"COMPLETED", "CANCELLED", "ROLLED_BACK"},
}


def settle(con: mvengine.Connection) -> None:
    """Waits for everything that runs in the background."""
    con.execute(f"WAIT TIMEOUT {SETTLE_SECONDS_MAX}")


def check_plans(con: mvengine.Connection, since: int = 0) -> None:
    """Nothing runs, all states are defined and follow from the events, and nobody has a table but who is paused. Looks
    at the refreshes from number ``since`` on."""
    database = con._database
    assert database.registry.all_running() == {}
    held = {str(name).lower() for name in database.graph.tables if database.registry.holder(name) is not None}
    paused: set[str] = set()
    plans = con.execute("SELECT plan_id, status, tables FROM mv_catalog.plans WHERE plan_id >= ?", [since]).fetchall()
    for plan_id, status, tables in plans:
        assert status in _POSSIBLE_IN, f"refresh {plan_id} is {status} and does not run"
        tasks = con.execute("SELECT name, status, checkpoint FROM mv_catalog.tasks WHERE plan_id = ?", [plan_id])
        for name, found, checkpoint in tasks.fetchall():
            assert found in _POSSIBLE_IN[status], f"{name} of refresh {plan_id}, which is {status}, is {found}"
            assert checkpoint is None or status in ("PAUSED", "FAILED", "CANCELLED"), (plan_id, name, checkpoint)
        if status == "PAUSED":
            paused |= {table.lower() for table in tables}
    assert held <= paused, f"{held - paused} are held by nobody who runs or is paused"
    states = con.execute("SELECT table_name, state FROM mv_catalog.refresh_jobs").fetchall()
    assert not [it for it in states if it[1] != "IDLE" and it[0].lower() not in paused], states
    check_events(con, since)
    check_staging(con._session.engine.raw)


def check_events(con: mvengine.Connection, since: int = 0) -> None:
    """Events are numbered without gaps, and replayed they give the stored states."""
    where = f"WHERE plan_id >= {since}"
    sql = f"SELECT plan_id, seq, task_id, from_state, event, to_state FROM mv_catalog.events {where} ORDER BY ALL"
    replayed: dict[tuple[int, int | None], str] = {}
    steps: Counter[int] = Counter()
    for plan_id, events in groupby(con.execute(sql).fetchall(), key=lambda row: row[0]):
        for number, (_, seq, task_id, before, event, after) in enumerate(events, start=1):
            assert seq == number, f"event {number} of refresh {plan_id} has the number {seq}"
            assert replayed.get((plan_id, task_id), "CREATED") == before, (plan_id, seq, task_id, before)
            assert _following(task_id, before, event) == after, (plan_id, seq, before, event, after)
            replayed[plan_id, task_id] = after
            steps[plan_id] += task_id is None
    plans = con.execute(f"SELECT plan_id, NULL, status FROM mv_catalog.plans {where}").fetchall()
    tasks = con.execute(f"SELECT plan_id, task_id, status FROM mv_catalog.tasks {where}").fetchall()
    for plan_id, task_id, status in plans + tasks:
        assert replayed.get((plan_id, task_id), "CREATED") == status, (plan_id, task_id, status)
    versions = con.execute(f"SELECT plan_id, version FROM mv_catalog.plans {where}").fetchall()
    assert {plan_id: version for plan_id, version in versions if version} == {k: v for k, v in steps.items() if v}


def _following(task_id: int | None, before: str, event: str) -> StrEnum:
    if task_id is None:
        return transition({**PLAN, **PLAN_GRAPH}, PlanStatus(before), PlanEvent(event))
    return transition({**TASK, **TASK_GRAPH}, TaskStatus(before), TaskEvent(event))


def check_staging(raw: duckdb.DuckDBPyConnection) -> None:
    """What lies in the staging tables is what meta says of them: every part once, with all of its rows."""
    tables = raw.execute(
        "SELECT relation_id, staging_table FROM mv_meta.relations JOIN mv_meta.jobs USING (relation_id) "
        "WHERE refreshable AND status = 'CREATED'"
    ).fetchall()
    for relation_id, staging in tables:
        meta = raw.execute(
            "SELECT file_id, sum(rows), count(*) = count(DISTINCT part) FROM mv_meta.staged_files "
            "WHERE relation_id = ? GROUP BY file_id",
            [relation_id],
        ).fetchall()
        assert all(is_once for *_, is_once in meta), f"a part is recorded twice in {staging}"
        lie = raw.execute(f"SELECT {FILE_ID}, count(*) FROM {staging} GROUP BY 1").fetchall()
        assert dict(lie) == {file_id: rows for file_id, rows, _ in meta if rows}, staging


def check_staging_of_file(database: Path, place: Path) -> None:
    """As above, of a file that nobody has opened since its process was killed: a copy is looked at."""
    copy = copy_database(database, place)
    with duckdb.connect(str(copy)) as raw:
        check_staging(raw)


def copy_database(database: Path, place: Path) -> Path:
    """Copies a database with its log, as they are on the disk now."""
    place.mkdir(parents=True)
    log = database.with_name(database.name + ".wal")
    copy = shutil.copy(database, place / database.name)
    if log.exists():
        shutil.copy(log, place / log.name)
    return Path(copy)
