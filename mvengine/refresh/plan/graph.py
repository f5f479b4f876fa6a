"""The tasks of a refresh and what each depends on. Pure.

load orders ─► merge orders ─┬─► maintain daily ─┬─► publish
load items ──► merge items ──┴─► maintain lines ─┘
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mvengine.meta.plan_records import Task, TaskKind
from mvengine.meta.states import TaskStatus
from mvengine.refresh.graph import Graph, TableDefinition
from mvengine.schema import Name


def tasks_of(tables: Sequence[TableDefinition], graph: Graph) -> tuple[Task, ...]:
    """The tasks of a refresh of these tables, in an order in which each comes after those that it depends on."""
    tasks: list[Task] = []
    made: dict[Name, int] = {}  # relation -> the task after which its change is known

    def add(kind: TaskKind, relation_id: int | None, name: Name | None, depends_on: Iterable[int]) -> int:
        tasks.append(_task(len(tasks) + 1, kind, relation_id, name, tuple(sorted(depends_on))))
        return len(tasks)

    loads = {table.name: add(TaskKind.LOAD, table.relation_id, table.name, ()) for table in tables}
    for table in tables:
        made[table.name] = add(TaskKind.MERGE, table.relation_id, table.name, (loads[table.name],))
    for view in graph.following(made):
        inputs = {made[name] for name in view.inputs if name in made}
        made[view.name] = add(TaskKind.MAINTAIN, view.relation_id, view.name, inputs)
    needed = {upstream for task in tasks for upstream in task.depends_on}
    add(TaskKind.PUBLISH, None, None, set(made.values()) - needed)
    return tuple(tasks)


def downstream(tasks: Iterable[Task], of: Iterable[int]) -> frozenset[int]:
    """The tasks that depend on one of these, directly or through others."""
    reached = set(of)
    for task in tasks:  # each comes after those that it depends on
        if reached & set(task.depends_on):
            reached.add(task.task_id)
    return frozenset(reached - set(of))


def _task(
    task_id: int, kind: TaskKind, relation_id: int | None, name: Name | None, depends_on: tuple[int, ...]
) -> Task:
    return Task(
        task_id=task_id,
        kind=kind,
        relation_id=relation_id,
        schema_name=name.schema if name else None,
        relation=str(name) if name else None,
        depends_on=depends_on,
        status=TaskStatus.CREATED,
        version=0,
        attempts=0,
        stages_done=0,
        stages_total=0 if kind is TaskKind.LOAD else 1,
        splits_done=0,
        splits_total=0,
        rows=0,
        bytes_done=0,
        bytes_total=0,
        checkpoint=None,
        started_at=None,
        finished_at=None,
    )
