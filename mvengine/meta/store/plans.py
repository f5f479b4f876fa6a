"""Plans, their tasks, events and failures. Many tasks are moved by one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mvengine.errors import UnknownRelation
from mvengine.meta.plan_records import Failure, Plan, PlanEventRecord, Task, TaskKind
from mvengine.meta.states import PlanStatus, TaskStatus
from mvengine.meta.store.base import Row, aware, utc
from mvengine.meta.store.moves import MoveStore

PLANS_KEPT = 1000
"""Of so many refreshes, the latest, tasks, events and failures are kept."""

TRIM_EVERY = 100  # refreshes: how often older ones are forgotten

_PLAN = """plan_id, status, version, trigger, relation_ids, tables, reads_all, is_background, is_verified, epoch, error,
       created_at, started_at, finished_at"""
_TASK_TYPES = {
    "task_id": "INTEGER",
    "kind": "VARCHAR",
    "relation_id": "BIGINT",
    "schema_name": "VARCHAR",
    "relation": "VARCHAR",
    "depends_on": "VARCHAR",  # JSON: a list of lists cannot be unnested by rows
    "status": "VARCHAR",
    "version": "BIGINT",
    "attempts": "INTEGER",
    "stages_done": "INTEGER",
    "stages_total": "INTEGER",
    "splits_done": "INTEGER",
    "splits_total": "INTEGER",
    "rows": "BIGINT",
    "bytes_done": "BIGINT",
    "bytes_total": "BIGINT",
    "checkpoint": "VARCHAR",
    "started_at": "TIMESTAMP",
    "finished_at": "TIMESTAMP",
}
_MOVED = (
    "status",
    "version",
    "attempts",
    "stages_done",
    "stages_total",
    "splits_done",
    "splits_total",
    "rows",
    "bytes_done",
    "bytes_total",
    "checkpoint",
    "started_at",
    "finished_at",
)
_EVENT_TYPES = {
    "plan_id": "BIGINT",
    "seq": "INTEGER",
    "task_id": "INTEGER",
    "from_state": "VARCHAR",
    "event": "VARCHAR",
    "to_state": "VARCHAR",
    "cause": "VARCHAR",
    "attempt": "INTEGER",
    "occurred_at": "TIMESTAMP",
}
_FAILURE_TYPES = {
    "plan_id": "BIGINT",
    "task_id": "INTEGER",
    "attempt": "INTEGER",
    "code": "VARCHAR",
    "type": "VARCHAR",
    "message": "VARCHAR",
    "relation": "VARCHAR",
    "stage": "VARCHAR",
    "file": "VARCHAR",
    "line": "BIGINT",
    "retryable": "BOOLEAN",
    "occurred_at": "TIMESTAMP",
}


class PlanStore(MoveStore):
    def new_plan(
        self,
        relation_ids: Sequence[int],
        tables: Sequence[str],
        *,
        trigger: str,
        reads_all: bool,
        is_background: bool,
        is_verified: bool,
    ) -> Plan:
        """A plan, CREATED, with a number of its own. Nothing is written before ``add_plan``."""
        [(plan_id,)] = self._rows("SELECT nextval('mv_meta.plan_ids')")
        return Plan(
            plan_id=plan_id,
            status=PlanStatus.CREATED,
            version=0,
            trigger=trigger,
            relation_ids=tuple(relation_ids),
            tables=tuple(tables),
            reads_all=reads_all,
            is_background=is_background,
            is_verified=is_verified,
            epoch=None,
            error=None,
            created_at=aware(self._now()),
            started_at=None,
            finished_at=None,
            events=0,
        )

    def add_plan(self, plan: Plan) -> None:
        """Write a new plan, as it is by now."""
        values: list[object] = [
            plan.plan_id,
            plan.status,
            plan.version,
            plan.trigger,
            list(plan.relation_ids),
            list(plan.tables),
            plan.reads_all,
            plan.is_background,
            plan.is_verified,
            plan.epoch,
            plan.error,
            *(_stored(moment) for moment in (plan.created_at, plan.started_at, plan.finished_at)),
        ]
        self._rows(f"INSERT INTO mv_meta.plans ({_PLAN}) VALUES ({', '.join('?' for _ in values)})", values)
        if plan.plan_id % TRIM_EVERY == 0:
            self._trim_plans(plan.plan_id - PLANS_KEPT)

    def _trim_plans(self, last: int) -> None:
        """Forget plans up to this number that are over: what is kept of refreshes would grow without bound."""
        over = f"""plan_id <= {last} AND plan_id NOT IN
            (SELECT plan_id FROM mv_meta.plans WHERE status IN ('CREATED', 'RUNNING', 'PAUSED'))"""
        for table in ("tasks", "plan_events", "failures", "plans"):
            self._rows(f"DELETE FROM mv_meta.{table} WHERE {over}")

    def add_tasks(self, plan_id: int, tasks: Sequence[Task]) -> None:
        """Add tasks to a plan."""
        rows = [(plan_id, *_task_row(task)) for task in tasks]
        types = {"plan_id": "BIGINT", **_TASK_TYPES, "depends_on": "JSON"}
        self._insert("tasks", types, rows)

    def plans(self, statuses: Sequence[PlanStatus] | None = None) -> tuple[Plan, ...]:
        """All plans in one of these states, or all, in the order of their numbers."""
        where = "" if statuses is None else "WHERE list_contains($1::VARCHAR[], status)"
        return self._plans(where, [] if statuses is None else [list(statuses)])

    def has_unfinished_refreshes(self) -> bool:
        """Whether a plan is not over, or a table is not IDLE."""
        sql = """SELECT EXISTS (FROM mv_meta.plans WHERE status IN ('CREATED', 'RUNNING', 'PAUSED'))
            OR EXISTS (FROM mv_meta.refresh_jobs WHERE state <> 'IDLE')"""
        return bool(self._rows(sql)[0][0])

    def plan(self, plan_id: int) -> Plan:
        """Errors: ``UnknownRelation``."""
        found = self._plans("WHERE plan_id = $1", [plan_id])
        if not found:
            raise UnknownRelation(f"there is no refresh {plan_id}", hint="SHOW REFRESHES lists what there was")
        return found[0]

    def tasks(self, plan_id: int) -> tuple[Task, ...]:
        """The tasks of a plan, each after those that it depends on."""
        sql = f"SELECT {', '.join(_TASK_TYPES)} FROM mv_meta.tasks WHERE plan_id = ?"
        return tuple(_task(row) for row in sorted(self._rows(sql, [plan_id]), key=lambda row: int(row[0])))

    def events(self, plan_id: int) -> tuple[PlanEventRecord, ...]:
        """What happened to a plan and its tasks, in order."""
        sql = f"""SELECT {", ".join(name for name in _EVENT_TYPES if name != "plan_id")}
            FROM mv_meta.plan_events WHERE plan_id = ? ORDER BY seq"""
        names = [name for name in _EVENT_TYPES if name != "plan_id"]
        return tuple(
            PlanEventRecord(**dict(zip(names, map(aware, row), strict=True))) for row in self._rows(sql, [plan_id])
        )

    def failures(self, plan_id: int) -> tuple[Failure, ...]:
        """The failures of a plan's tasks, in the order in which they happened."""
        names = [name for name in _FAILURE_TYPES if name != "plan_id"]
        sql = f"SELECT {', '.join(names)} FROM mv_meta.failures WHERE plan_id = ? ORDER BY occurred_at, task_id"
        return tuple(Failure(**dict(zip(names, map(aware, row), strict=True))) for row in self._rows(sql, [plan_id]))

    def later_plans(self, plan_id: int, relation_ids: Sequence[int]) -> tuple[int, ...]:
        """The numbers of later plans that had tasks of one of these relations, in order."""
        sql = """SELECT DISTINCT plan_id FROM mv_meta.tasks
            WHERE plan_id > $1 AND list_contains($2::BIGINT[], relation_id) AND kind = 'load'"""
        return tuple(sorted(int(id_) for (id_,) in self._rows(sql, [plan_id, list(relation_ids)])))

    # -- moves -----------------------------------------------------------------------------------------------------

    def write_plan(self, held: Plan, moved: Plan) -> None:
        """Replace a plan as the caller knows it. ``ConflictError``: somebody else moved it first."""
        values = [
            moved.status,
            moved.version,
            moved.epoch,
            moved.error,
            utc(moved.started_at) if moved.started_at else None,
            utc(moved.finished_at) if moved.finished_at else None,
            held.plan_id,
            held.version,
            held.status,
        ]
        self._compare_and_set(
            f"refresh {held.plan_id}",
            """UPDATE mv_meta.plans SET status = $1, version = $2, epoch = $3, error = $4, started_at = $5,
            finished_at = $6 WHERE plan_id = $7 AND version = $8 AND status = $9""",
            values,
            1,
        )

    def write_tasks(self, plan_id: int, held: Sequence[Task], moved: Sequence[Task]) -> None:
        """Replace tasks as the caller knows them, by one statement. ``ConflictError`` as above."""
        if not held:
            return
        if len(held) == 1:
            self._write_task(plan_id, held[0], moved[0])
            return
        values: list[object] = [plan_id, [it.task_id for it in held], [it.version for it in held]]
        values += [[_stored(getattr(it, name)) for it in moved] for name in _MOVED]
        lists = ", ".join(f"unnest(${i}::{_TASK_TYPES[name]}[]) AS {name}" for i, name in enumerate(_MOVED, start=4))
        update = f"""
            UPDATE mv_meta.tasks AS t SET {", ".join(f"{name} = new.{name}" for name in _MOVED)}
            FROM (SELECT unnest($2::INTEGER[]) AS task_id, unnest($3::BIGINT[]) AS held_version, {lists}) AS new
            WHERE t.plan_id = $1 AND t.task_id = new.task_id AND t.version = new.held_version"""
        self._compare_and_set(f"a task of refresh {plan_id}", update, values, len(held))

    def _write_task(self, plan_id: int, held: Task, moved: Task) -> None:
        """One task, as most writes have: by a statement that costs half."""
        changes = {name: getattr(moved, name) for name in _MOVED if getattr(moved, name) != getattr(held, name)}
        values = [plan_id, held.task_id, held.version, *(_stored(value) for value in changes.values())]
        assignments = ", ".join(f"{name} = ${i}" for i, name in enumerate(changes, start=4))
        self._compare_and_set(
            f"a task of refresh {plan_id}",
            f"UPDATE mv_meta.tasks SET {assignments} WHERE plan_id = $1 AND task_id = $2 AND version = $3",
            values,
            1,
        )

    def write_checkpoint(self, plan_id: int, held: Task, task: Task) -> None:
        """Replace a running task's progress as the caller knows it. ``ConflictError``: somebody else has moved the task
        or written other stages. There may be fewer afterwards: what does not fit any more is discarded."""
        values = [
            plan_id,
            task.task_id,
            task.version,
            task.stages_done,
            task.stages_total,
            task.rows,
            task.bytes_done,
            task.bytes_total,
            task.checkpoint,
            task.splits_done,
            task.splits_total,
            held.stages_done,
        ]
        self._compare_and_set(
            f"the checkpoint of {task.name} of refresh {plan_id}",
            """UPDATE mv_meta.tasks SET stages_done = $4, stages_total = $5, rows = $6, bytes_done = $7,
            bytes_total = $8, checkpoint = $9, splits_done = $10, splits_total = $11
            WHERE plan_id = $1 AND task_id = $2 AND version = $3 AND stages_done = $12""",
            values,
            1,
        )

    def append_events(self, plan_id: int, events: Sequence[PlanEventRecord]) -> None:
        """Append transitions to a plan's history."""
        rows = [
            (
                plan_id,
                it.seq,
                it.task_id,
                it.from_state,
                it.event,
                it.to_state,
                it.cause,
                it.attempt,
                utc(it.occurred_at),
            )
            for it in events
        ]
        self._insert("plan_events", _EVENT_TYPES, rows)

    def append_failures(self, plan_id: int, failures: Sequence[Failure]) -> None:
        """Keep why attempts failed."""
        names = [name for name in _FAILURE_TYPES if name != "plan_id"]
        rows = [(plan_id, *(_stored(getattr(it, name)) for name in names)) for it in failures]
        self._insert("failures", _FAILURE_TYPES, rows)

    def _plans(self, where: str, values: Sequence[object]) -> tuple[Plan, ...]:
        events = "(SELECT count(*) FROM mv_meta.plan_events AS e WHERE e.plan_id = p.plan_id)"
        sql = f"SELECT {_PLAN}, {events} FROM mv_meta.plans AS p {where} ORDER BY plan_id"
        return tuple(_plan(row) for row in self._rows(sql, values))


def _plan(row: Row) -> Plan:
    id_, status, version, trigger, relation_ids, tables, reads_all, is_background, is_verified, *rest = row
    epoch, error, *times, events = rest
    created_at, started_at, finished_at = map(aware, times)
    return Plan(
        plan_id=id_,
        status=PlanStatus(status),
        version=version,
        trigger=trigger,
        relation_ids=tuple(relation_ids),
        tables=tuple(tables),
        reads_all=reads_all,
        is_background=is_background,
        is_verified=bool(is_verified),  # NULL in those of an older format
        epoch=epoch,
        error=error,
        created_at=created_at,
        started_at=started_at,
        finished_at=finished_at,
        events=events,
    )


def _task(row: Row) -> Task:
    values = dict(zip(_TASK_TYPES, map(aware, row), strict=True))
    return Task(
        **{
            **values,
            "kind": TaskKind(values["kind"]),
            "status": TaskStatus(values["status"]),
            "depends_on": tuple(values["depends_on"]),
        }
    )


def _task_row(task: Task) -> Row:
    return tuple(_stored(getattr(task, name)) for name in _TASK_TYPES)


def _stored(value: object) -> object:
    if isinstance(value, tuple):
        return json.dumps(value)
    return utc(value) if hasattr(value, "tzinfo") else value  # type: ignore[arg-type]  # only times have one
