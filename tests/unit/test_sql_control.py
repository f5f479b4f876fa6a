"""Statements that steer and show refreshes and jobs, and those of DuckDB that begin alike."""

from __future__ import annotations

import pytest
from sql_duckdb import read

from mvengine.errors import Position
from mvengine.sql.hints import hint_for_unknown
from mvengine.sql.setting_statements import SetSetting
from mvengine.sql.showing import Show, ShowKind
from mvengine.sql.statements import (
    AlterOptions,
    AlterTable,
    Control,
    ControlVerb,
    Native,
    ObjectKind,
    RelationRef,
    Subject,
    Transaction,
    TransactionVerb,
    Wait,
)


def ref(name: str, schema: str | None = None) -> RelationRef:
    return RelationRef(catalog=None, schema=schema, name=name)


def at(line: int, column: int) -> Position:
    return Position(line=line, column=column)


def control(verb: ControlVerb, number: int, subject: Subject = Subject.REFRESH, *, from_start: bool = False) -> Control:
    return Control(verb=verb, subject=subject, number=number, from_start=from_start)


def waiting(subject: Subject | None = None, number: int | None = None, timeout: float | None = None) -> Wait:
    return Wait(subject=subject, number=number, timeout_seconds=timeout)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("pause refresh 3", control(ControlVerb.PAUSE, 3)),
        ("RESUME REFRESH 3;", control(ControlVerb.RESUME, 3)),
        ("cancel refresh 3", control(ControlVerb.CANCEL, 3)),
        ("cancel job 1_000", control(ControlVerb.CANCEL, 1000, Subject.JOB)),
        ("retry refresh 3", control(ControlVerb.RETRY, 3)),
        ("retry refresh 3 from start", control(ControlVerb.RETRY, 3, from_start=True)),
        ("rollback refresh 3", control(ControlVerb.ROLLBACK, 3)),
        ("wait", waiting()),
        ("wait timeout 1.5", waiting(timeout=1.5)),
        ("wait refresh 3", waiting(Subject.REFRESH, 3)),
        ("wait job 4 timeout 10", waiting(Subject.JOB, 4, 10.0)),
        ("show jobs", Show(kind=ShowKind.JOBS, refresh_id=None)),
        ("Show Refreshes", Show(kind=ShowKind.REFRESHES, refresh_id=None)),
        ("show schedules", Show(kind=ShowKind.SCHEDULES, refresh_id=None)),
        ("show tasks", Show(kind=ShowKind.TASKS, refresh_id=None)),
        ("show tasks for refresh 3", Show(kind=ShowKind.TASKS, refresh_id=3)),
        ("set background_ddl = true", SetSetting(name="background_ddl", value="true", scope="", position=at(1, 22))),
        (
            "set session Dialect to 'postgres'",
            SetSetting(name="dialect", value="postgres", scope="SESSION", position=at(1, 24)),
        ),
        ("reset background_ddl", SetSetting(name="background_ddl", value=None, scope="", position=at(1, 7))),
        ("set lock_timeout = default", SetSetting(name="lock_timeout", value=None, scope="", position=at(1, 20))),
    ],
)
def test_refreshes_and_jobs_are_steered_by_their_number(text: str, statement: object) -> None:
    assert read(text) == statement


def test_options_are_altered_and_reset_by_name() -> None:
    assert read(
        "alter table s.t set (Refresh_Interval_Sec = NULL, max_attempts = 5, recovery = 'null')"
    ) == AlterOptions(
        kind=ObjectKind.TABLE,
        relation=ref("t", "s"),
        if_exists=False,
        options=(("refresh_interval_sec", None), ("max_attempts", "5"), ("recovery", "null")),
    )
    assert read("alter table if exists t reset (max_attempts, RECOVERY)") == AlterOptions(
        kind=ObjectKind.TABLE, relation=ref("t"), if_exists=True, options=(("max_attempts", None), ("recovery", None))
    )
    assert read("ALTER MATERIALIZED VIEW v SET (max_attempts = 5)") == AlterOptions(
        kind=ObjectKind.MATERIALIZED_VIEW, relation=ref("v"), if_exists=False, options=(("max_attempts", "5"),)
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("rollback", "TRANSACTION"),
        ("rollback transaction", "TRANSACTION"),
        ("alter table t alter a set default 3", "ALTER"),
        ("alter table t set sorted by (a)", "ALTER"),
        ("alter table t set ('write.mode' = 'x')", "ALTER"),
        ('show "jobs"', "SELECT"),
        ("show jobs.t", "SELECT"),
        ("show job", "SELECT"),
        ('show "tables"', "SELECT"),
        ("show threads", "SELECT"),
        ("from (show jobs)", "SELECT"),
        ("set threads = 2", "SET"),
        ("set variable background_ddl = true", "SET"),
        ("reset threads", "SET"),
    ],
)
def test_statements_that_begin_like_ours_are_duckdbs(text: str, kind: str) -> None:
    statement = read(text)
    if kind == "TRANSACTION":
        assert statement == Transaction(verb=TransactionVerb.ROLLBACK, is_read_only=False, is_chained=False)
        return
    if isinstance(statement, AlterTable):  # read for what it changes, and DuckDB's own text all the same
        statement = statement.native
    assert isinstance(statement, Native)
    assert statement.kind == kind


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("show job", "did you mean SHOW JOBS?"),
        ("SHOW refreshs;", "did you mean SHOW REFRESHES?"),
        ('show "job"', None),
        ("show customers", None),
        ("set background_dll = true", "did you mean SET background_ddl?"),
        ("reset backgroundddl", "did you mean RESET background_ddl?"),
        ("set threads = 3", None),
    ],
)
def test_what_duckdb_does_not_find_may_have_been_ours(text: str, hint: str | None) -> None:
    assert hint_for_unknown(text) == hint
