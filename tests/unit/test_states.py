"""The full product of states and events: what is not listed here is refused, and refused means that nothing is written.

The tables here are written by hand, not taken from the code: P01 (the 55 cells of the two matrices), P02, P03, F02.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import Any

import duckdb
import pytest

from mvengine.errors import ConflictError, StateError
from mvengine.meta.migrate import open_format
from mvengine.meta.plan_records import Plan, Task, TaskKind
from mvengine.meta.states import (
    JOB,
    PLAN,
    PLAN_GRAPH,
    REFRESH,
    TASK,
    TASK_GRAPH,
    JobEvent,
    JobStatus,
    PlanEvent,
    PlanStatus,
    RefreshEvent,
    RefreshState,
    TaskEvent,
    TaskStatus,
    transition,
)
from mvengine.meta.store import Store
from mvengine.refresh.run.ledger import Ledger

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

JOB_CELLS = {
    ("INITIAL", "START"): "CREATING",
    ("CREATING", "COMPLETE"): "CREATED",
    ("CREATING", "RECOVER"): "CREATING",
}
REFRESH_CELLS = {
    ("IDLE", "TRIGGER"): "REFRESHING",
    ("REFRESHING", "STAGE_DONE"): "FINISHING",
    ("FINISHING", "PUBLISH"): "IDLE",
    ("REFRESHING", "FAIL"): "IDLE",
    ("FINISHING", "FAIL"): "IDLE",
    ("REFRESHING", "CANCEL"): "IDLE",
    ("FINISHING", "CANCEL"): "IDLE",
    ("REFRESHING", "RESUME"): "REFRESHING",
    ("FINISHING", "RESUME"): "REFRESHING",
    ("REFRESHING", "RECOVER"): "IDLE",
    ("FINISHING", "RECOVER"): "IDLE",
}

NO = None
PLAN_OPERATIONS = ("START", "PAUSE", "RESUME", "COMPLETE", "FAIL")
PLAN_MATRIX = {
    "CREATED": ("RUNNING", NO, NO, NO, NO),
    "RUNNING": (NO, "PAUSED", NO, "COMPLETED", "FAILED"),
    "PAUSED": (NO, NO, "RUNNING", NO, NO),
    "COMPLETED": (NO, NO, NO, NO, NO),
    "FAILED": (NO, NO, NO, NO, NO),
}
TASK_OPERATIONS = ("EXECUTE", "PAUSE", "RESUME", "RETRY", "ROLLBACK")
TASK_MATRIX = {
    "CREATED": ("RUNNING", NO, NO, NO, NO),
    "RUNNING": (NO, "PAUSED", NO, NO, NO),
    "PAUSED": (NO, NO, "RUNNING", "RUNNING", NO),
    "COMPLETED": (NO, NO, NO, NO, NO),
    "FAILED": (NO, NO, NO, "RUNNING", "ROLLED_BACK"),
    "ROLLED_BACK": (NO, NO, NO, NO, NO),
}
PLAN_ADDITIONS = {
    ("FAILED", "RETRY"): "RUNNING",
    ("FAILED", "ROLLBACK"): "ROLLED_BACK",
    ("CREATED", "CANCEL"): "CANCELLED",
    ("RUNNING", "CANCEL"): "CANCELLED",
    ("PAUSED", "CANCEL"): "CANCELLED",
    ("RUNNING", "RECOVER"): "PAUSED",
}
TASK_ADDITIONS = {
    ("RUNNING", "COMPLETE"): "COMPLETED",
    ("RUNNING", "FAIL"): "FAILED",
    ("RUNNING", "DISCARD"): "RUNNING",
    ("RUNNING", "RECOVER"): "PAUSED",
    ("CREATED", "SKIP"): "SKIPPED",
    ("SKIPPED", "RESET"): "CREATED",
    ("COMPLETED", "RESET"): "CREATED",
    ("CREATED", "CANCEL"): "CANCELLED",
    ("RUNNING", "CANCEL"): "CANCELLED",
    ("PAUSED", "CANCEL"): "CANCELLED",
    ("SKIPPED", "CANCEL"): "CANCELLED",
}

Cells = dict[tuple[str, str], str]


def listed(matrix: Mapping[str, tuple[str | None, ...]], operations: tuple[str, ...]) -> Cells:
    """The cells of a matrix that lead somewhere."""
    cells = {(state, it): to for state, row in matrix.items() for it, to in zip(operations, row, strict=True)}
    return {cell: to for cell, to in cells.items() if to is not None}


PLAN_CELLS = listed(PLAN_MATRIX, PLAN_OPERATIONS)
TASK_CELLS = listed(TASK_MATRIX, TASK_OPERATIONS)


# -- jobs and refreshes: F02 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "event"), list(product(JobStatus, JobEvent)))
def test_a_job_moves_by_the_listed_cells_and_no_others(state: JobStatus, event: JobEvent) -> None:
    if (state, event) in JOB_CELLS:
        assert transition(JOB, state, event) == JOB_CELLS[state, event]
    else:
        with pytest.raises(StateError, match=f"cannot {event} a job that is {state}"):
            transition(JOB, state, event)


@pytest.mark.parametrize(("state", "event"), list(product(RefreshState, RefreshEvent)))
def test_f02_a_refresh_moves_by_the_listed_cells_and_no_others(state: RefreshState, event: RefreshEvent) -> None:
    if (state, event) in REFRESH_CELLS:
        assert transition(REFRESH, state, event) == REFRESH_CELLS[state, event]
    else:
        with pytest.raises(StateError, match=f"cannot {event} a refresh that is {state}"):
            transition(REFRESH, state, event)


def test_a_refused_event_says_which_states_it_needs_and_what_this_one_allows() -> None:
    with pytest.raises(StateError) as refused:
        transition(REFRESH, RefreshState.IDLE, RefreshEvent.PUBLISH)
    assert refused.value.message == "cannot PUBLISH a refresh that is IDLE; it must be FINISHING"
    assert refused.value.hint == "from IDLE, a refresh can TRIGGER"


@pytest.mark.parametrize(
    ("table", "states", "last"),
    [
        (JOB, JobStatus, {"CREATED"}),
        (REFRESH, RefreshState, set()),
        ({**PLAN, **PLAN_GRAPH}, PlanStatus, {"COMPLETED", "ROLLED_BACK", "CANCELLED"}),
        ({**TASK, **TASK_GRAPH}, TaskStatus, {"ROLLED_BACK", "CANCELLED"}),
    ],
    ids=["job", "refresh", "plan", "task"],
)
def test_every_state_can_be_left_or_is_the_last(
    table: Mapping[Any, Any], states: type[StrEnum], last: set[str]
) -> None:
    assert set(states) - {state for state, _ in table} == last


# -- plans and tasks: P01 ----------------------------------------------------------------------------------------------


def test_p01_the_two_matrices_have_55_cells_and_stand_beside_the_additions_unchanged() -> None:
    assert len(PLAN_MATRIX) * len(PLAN_OPERATIONS) + len(TASK_MATRIX) * len(TASK_OPERATIONS) == 55
    assert (PLAN, TASK) == (PLAN_CELLS, TASK_CELLS)
    assert (PLAN_GRAPH, TASK_GRAPH) == (PLAN_ADDITIONS, TASK_ADDITIONS)


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    open_format(connection, "0.1.0", lambda: NOON)
    return connection


@pytest.fixture(scope="module")
def meta() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for all cells: each makes a plan of its own."""
    connection = connect()
    yield connection
    connection.close()


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = connect()
    yield connection
    connection.close()


def task(status: str = "CREATED") -> Task:
    return Task(
        task_id=1,
        kind=TaskKind.LOAD,
        relation_id=7,
        schema_name="main",
        relation="orders",
        depends_on=(),
        status=TaskStatus(status),
        version=5,
        attempts=1,
        stages_done=2,
        stages_total=4,
        splits_done=2,
        splits_total=4,
        rows=20,
        bytes_done=200,
        bytes_total=400,
        checkpoint="{}",
        started_at=NOON,
        finished_at=None,
    )


def ledger_of(store: Store, plan_id: int, *, minutes: int = 0) -> Ledger:
    return Ledger(store.plan(plan_id), store.tasks(plan_id), lambda: NOON + timedelta(minutes=minutes))


def new_plan(
    cursor: duckdb.DuckDBPyConnection, store: Store, status: str = "CREATED", task_status: str = "CREATED"
) -> Plan:
    """A stored plan with a load, in these states, at version 4."""
    plan = store.new_plan([7], ["orders"], trigger="statement", reads_all=False, is_background=False, is_verified=False)
    store.add_plan(plan)
    values = [status, NOON.replace(tzinfo=None), plan.plan_id]
    cursor.execute("UPDATE mv_meta.plans SET status = $1, version = 4, started_at = $2 WHERE plan_id = $3", values)
    store.add_tasks(plan.plan_id, [task(task_status)])
    return store.plan(plan.plan_id)


def stored(cursor: duckdb.DuckDBPyConnection, plan_id: int) -> tuple[object, ...]:
    """All that meta has of a plan."""
    names = ("plans", "tasks", "plan_events", "failures")
    return tuple(
        cursor.execute(f"FROM mv_meta.{name} WHERE plan_id = $1 ORDER BY ALL", [plan_id]).fetchall() for name in names
    )


ALL_PLAN_CELLS = PLAN_CELLS | PLAN_ADDITIONS
ALL_TASK_CELLS = TASK_CELLS | TASK_ADDITIONS


@pytest.mark.parametrize(("state", "event"), ALL_PLAN_CELLS)
def test_p01_a_plan_moves_by_the_listed_cells(meta: duckdb.DuckDBPyConnection, state: str, event: str) -> None:
    store = Store(meta, lambda: NOON)
    plan = new_plan(meta, store, status=state)
    ledger = ledger_of(store, plan.plan_id)
    ledger.move_plan(PlanEvent(event), "asked for")
    ledger.write(store)
    moved = store.plan(plan.plan_id)
    assert (moved.status, moved.version) == (ALL_PLAN_CELLS[state, event], plan.version + 1)
    assert store.tasks(plan.plan_id) == (task(),)
    (record,) = store.events(plan.plan_id)
    assert (record.seq, record.task_id, record.cause) == (1, None, "asked for")
    assert (record.from_state, record.event, record.to_state) == (state, event, moved.status)


@pytest.mark.parametrize("state", PlanStatus)
def test_p01_every_other_cell_of_a_plan_is_refused_and_writes_nothing(
    meta: duckdb.DuckDBPyConnection, state: PlanStatus
) -> None:
    store = Store(meta, lambda: NOON)
    plan = new_plan(meta, store, status=state)
    before, ledger = stored(meta, plan.plan_id), ledger_of(store, plan.plan_id, minutes=1)
    for event in PlanEvent:
        if (state, event) not in ALL_PLAN_CELLS:
            with pytest.raises(StateError, match=f"cannot {event} a plan that is {state}"):
                ledger.move_plan(event, "asked for")
            ledger.write(store)
    assert stored(meta, plan.plan_id) == before


@pytest.mark.parametrize(("state", "event"), ALL_TASK_CELLS)
def test_p01_a_task_moves_by_the_listed_cells(meta: duckdb.DuckDBPyConnection, state: str, event: str) -> None:
    store = Store(meta, lambda: NOON)
    plan = new_plan(meta, store, status="RUNNING", task_status=state)
    ledger = ledger_of(store, plan.plan_id)
    ledger.move_task(1, TaskEvent(event), "asked for")
    ledger.write(store)
    (moved,), (record,) = store.tasks(plan.plan_id), store.events(plan.plan_id)
    assert (moved.status, moved.version) == (ALL_TASK_CELLS[state, event], task().version + 1)
    assert (record.task_id, record.from_state, record.event, record.to_state) == (1, state, event, moved.status)
    assert store.plan(plan.plan_id).version == plan.version


@pytest.mark.parametrize("state", TaskStatus)
def test_p01_every_other_cell_of_a_task_is_refused_and_writes_nothing(
    meta: duckdb.DuckDBPyConnection, state: TaskStatus
) -> None:
    store = Store(meta, lambda: NOON)
    plan = new_plan(meta, store, status="RUNNING", task_status=state)
    before, ledger = stored(meta, plan.plan_id), ledger_of(store, plan.plan_id, minutes=1)
    for event in TaskEvent:
        if (state, event) not in ALL_TASK_CELLS:
            with pytest.raises(StateError, match=f"cannot {event} a task that is {state}"):
                ledger.move_task(1, event, "asked for")
            ledger.write(store)
    assert stored(meta, plan.plan_id) == before


# -- races: P02 --------------------------------------------------------------------------------------------------------


def test_p02_of_two_with_one_version_the_second_gets_conflict_and_the_version_grows_by_one(
    cursor: duckdb.DuckDBPyConnection,
) -> None:
    store = Store(cursor, lambda: NOON)
    plan = new_plan(cursor, store, status="RUNNING", task_status="RUNNING")
    winner, loser, late = (ledger_of(store, plan.plan_id) for _ in range(3))
    winner.move_plan(PlanEvent.PAUSE, "first")
    winner.move_task(1, TaskEvent.PAUSE, "first")
    winner.write(store)
    before = stored(cursor, plan.plan_id)
    loser.move_plan(PlanEvent.FAIL, "second")
    with pytest.raises(ConflictError, match=f"refresh {plan.plan_id}"):
        loser.write(store)
    late.move_task(1, TaskEvent.COMPLETE, "second")
    with pytest.raises(ConflictError, match=f"a task of refresh {plan.plan_id}"):
        late.write(store)
    assert stored(cursor, plan.plan_id) == before
    assert store.plan(plan.plan_id).version == plan.version + 1
    assert store.tasks(plan.plan_id)[0].version == task().version + 1


@pytest.mark.parametrize("event", [PlanEvent.PAUSE, PlanEvent.FAIL, PlanEvent.CANCEL])
def test_p02_the_engines_own_conflict_is_the_same_and_the_loser_decides_by_what_it_finds(
    cursor: duckdb.DuckDBPyConnection, event: PlanEvent
) -> None:
    store = Store(cursor, lambda: NOON)
    plan = new_plan(cursor, store, status="RUNNING")
    other = cursor.cursor()
    others = Store(other, lambda: NOON)
    cursor.begin()
    other.begin()
    first, second = ledger_of(store, plan.plan_id), ledger_of(others, plan.plan_id)
    first.move_plan(PlanEvent.COMPLETE, "first")
    first.write(store)
    second.move_plan(event, "second")
    with pytest.raises(ConflictError, match=f"refresh {plan.plan_id}"):
        second.write(others)
    other.rollback()
    cursor.commit()
    again = ledger_of(others, plan.plan_id)
    assert (again.plan.status, again.plan.version) == ("COMPLETED", plan.version + 1)
    with pytest.raises(StateError, match=f"cannot {event} a plan that is COMPLETED"):
        again.move_plan(event, "second")
    assert [record.cause for record in others.events(plan.plan_id)] == ["first"]


# -- history: P03 ------------------------------------------------------------------------------------------------------


def test_p03_events_have_numbers_without_gaps_also_after_a_write_that_was_rolled_back(
    cursor: duckdb.DuckDBPyConnection,
) -> None:
    store = Store(cursor, lambda: NOON)
    plan = new_plan(cursor, store)
    ledger = ledger_of(store, plan.plan_id)
    ledger.move_plan(PlanEvent.START, "one")
    ledger.write(store)
    ledger.settle()
    cursor.begin()
    ledger.move_task(1, TaskEvent.EXECUTE, "lost")
    ledger.write(store)
    cursor.rollback()
    ledger.forget()
    ledger.move_task(1, TaskEvent.EXECUTE, "two")
    ledger.move_task(1, TaskEvent.FAIL, "three")
    ledger.write(store)
    ledger.settle()
    later = ledger_of(store, plan.plan_id)
    later.move_plan(PlanEvent.FAIL, "four")
    later.write(store)
    events = store.events(plan.plan_id)
    assert [(event.seq, event.cause) for event in events] == [(1, "one"), (2, "two"), (3, "three"), (4, "four")]
    states = {None: "CREATED", 1: "CREATED"}
    for event in events:
        assert states[event.task_id] == event.from_state
        states[event.task_id] = event.to_state
    assert states == {None: store.plan(plan.plan_id).status, 1: store.tasks(plan.plan_id)[0].status}


# -- checkpoints: P24 --------------------------------------------------------------------------------------------------


def test_p24_an_older_writer_cannot_overwrite_a_newer_checkpoint(cursor: duckdb.DuckDBPyConnection) -> None:
    store = Store(cursor, lambda: NOON)
    plan = new_plan(cursor, store, status="RUNNING", task_status="RUNNING")
    newer = replace(task("RUNNING"), stages_done=3, checkpoint="newer")
    store.write_checkpoint(plan.plan_id, task("RUNNING"), newer)
    for held, older in (
        (task("RUNNING"), replace(task("RUNNING"), stages_done=1, checkpoint="of who knew of no stage")),
        (replace(newer, stages_done=2), replace(newer, stages_done=3, checkpoint="of who knew of two stages")),
        (newer, replace(newer, stages_done=4, version=task().version - 1, checkpoint="of a task moved since")),
    ):
        with pytest.raises(ConflictError, match=f"the checkpoint of load orders of refresh {plan.plan_id}"):
            store.write_checkpoint(plan.plan_id, held, older)
    assert store.tasks(plan.plan_id) == (newer,)
    fewer = replace(newer, stages_done=1, checkpoint="after two stages were discarded")
    store.write_checkpoint(plan.plan_id, newer, fewer)
    assert store.tasks(plan.plan_id) == (fewer,)
