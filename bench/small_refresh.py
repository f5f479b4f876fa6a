"""A refresh of one small table and its view, against the same work written by hand, and against its own bare work.

The bare work is a refresh without its plan: the same functions list the source, stage what has changed, merge it, let
the view follow and publish, but no plan, task, event or state is written; nothing could be paused, resumed or watched.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.many_tables import ByHand, Maintained, check_sides, write_files
from bench.measure import Goal, Measurement
from bench.run import Run
from mvengine.refresh.constraints import check_foreign_keys, check_unique
from mvengine.refresh.merge import FileOrder, clear_staging, merge
from mvengine.refresh.plan.files import TableTask
from mvengine.refresh.run.listing import plan_refresh
from mvengine.refresh.run.loading import load_stage, plan_stages, record
from mvengine.refresh.run.progress import LiveProgress
from mvengine.refresh.transaction import Transaction

PLAN_MS = 5


def small_refresh(run: Run) -> Iterator[Measurement]:
    """REFRESH TABLE of one small table, whose file has changed, and its view."""
    folder = write_files(run.workspace.scratch, 1)
    with Maintained(folder, 1) as maintained, Bare(folder) as bare, ByHand(folder, 1) as by_hand:
        maintained.changed = 1
        goals = (
            Goal(side=maintained.name, over=by_hand.name, most=3),
            Goal(side=maintained.name, over=bare.name, most=PLAN_MS, is_difference=True),
        )
        yield run.compare("one small table", [maintained, bare, by_hand], goals)
    check_sides(maintained, bare, by_hand)


class Bare(Maintained):
    """A refresh without its plan. Another side changes the file."""

    name = "bare work"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 1)
        assert self.connection._database is not None
        self.database = self.connection._database

    def run(self) -> None:
        """Staged durably by one transaction, published by another one."""
        engine = self.database.engine.fork()
        probe = engine.fork()
        try:
            (task,) = plan_refresh(self.database, engine, list(self.database.graph.tables.values()), reads_all=False)
            engine.begin()
            store, progress = self.database.store(engine), LiveProgress(self.database.clock)
            for stage in plan_stages(engine, task, self.database.config.staging_batch_bytes):
                loaded = load_stage(engine, self.database.clock, task, stage, {}, probe, progress)
                record(store, {task.table.relation_id: [loaded]})
            engine.commit()
            transaction = Transaction(self.database, engine, is_explicit=False)
            transaction.lock("bare work")
            try:
                transaction.begin()
                self._publish(transaction, task)
            finally:
                transaction.rollback()
        finally:
            probe.close()
            engine.close()

    def _publish(self, transaction: Transaction, task: TableTask) -> None:
        engine, plan = transaction.engine, task.table.plan
        stored = tuple(column.name for column in plan.columns)
        captured = transaction.captured(plan.relation, plan.storage, stored)
        order = FileOrder(ranked=task.ranked(), replaced=task.replaced, is_first_load=False, reads_all=False)
        merged = merge(engine, plan, captured, order)
        check_unique(engine, plan)
        clear_staging(engine, plan)
        transaction.touch(plan.relation, merged.rows, "bare work", is_virtual=merged.is_view)
        check_foreign_keys(engine, transaction.graph, {plan.relation: merged})
        transaction.flush()
        self.database.store(engine).publish_files([task.table.relation_id], {}, transaction.epoch)
        transaction.commit()
