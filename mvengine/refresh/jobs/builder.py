"""The phases of building a view in the background, while writers go on.

    ConsumingSnapshot    its stages are filled from the inputs as one snapshot shows them, at some epoch
    ConsumingLogStore    what later epochs did to the inputs is taken from their change logs, round by round; each round
                         is a transaction: the stages and the cursor move together
    Finishing            as the writer: the last round, the view under its name, and the job is CREATED

The inputs have logs before the snapshot is taken, so that there is no gap; the snapshot shows its own epoch, which is
where the cursor begins, so that nothing is taken twice. In a round the delta rules read the inputs at the epoch that
the round's own snapshot shows. A build that is killed goes on after its last commit.
Source of the method: online index builds; backfills from a snapshot and a log (RisingWave's log store).
"""

from __future__ import annotations

from enum import StrEnum
from time import monotonic

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.meta.records import Consumer
from mvengine.meta.states import JobEvent
from mvengine.planner.view_options import is_deferred
from mvengine.refresh.change_log import waiting_rows
from mvengine.refresh.database import Database
from mvengine.refresh.definitions import create_stages, create_visible, drop_tables
from mvengine.refresh.graph import ViewDefinition
from mvengine.refresh.jobs.build import Build
from mvengine.refresh.jobs.trimming import drop_unread_logs, trim_logs
from mvengine.refresh.log_reader import drop_taken, take_waiting
from mvengine.refresh.maintain import maintain_view
from mvengine.refresh.run.progress import LiveProgress
from mvengine.refresh.run.workers import Stop
from mvengine.refresh.transaction import Transaction
from mvengine.testing.faults import fault_point

SMALL_REST_ROWS = 1_000
"""With no more rows than that in the logs, a build finishes: writers wait while it reads them."""

ROUNDS_MAX = 20
"""A build that does not catch up with its writers in so many rounds finishes all the same, and lets them wait."""

REPORT_SECONDS = 0.2

SNAPSHOT_SHARE, LOG_SHARE = 0.8, 0.15  # of the work, for the job's progress


class Phase(StrEnum):
    CONSUMING_SNAPSHOT = "ConsumingSnapshot"
    CONSUMING_LOG_STORE = "ConsumingLogStore"
    FINISHING = "Finishing"


class Builder:
    """Builds one view, in its own thread."""

    def __init__(
        self,
        database: Database,
        engine: DuckDbEngine,
        build: Build,
        view: ViewDefinition,
        live: LiveProgress,
        stop: Stop,
    ) -> None:
        self.database = database
        self.engine = engine
        self.build = build
        self.view = view
        self.live = live
        self.stop = stop
        self.store = database.store(engine)
        self._phase: Phase | None = None
        self._reported_at = 0.0

    def run(self) -> None:
        """From wherever it stands until the view is CREATED. Raises Stopped where it is to end before."""
        if not self._has_snapshot():
            self._consume_snapshot()
        for number in range(1, ROUNDS_MAX + 1):
            self._report(Phase.CONSUMING_LOG_STORE, SNAPSHOT_SHARE + LOG_SHARE * number / ROUNDS_MAX)
            self._round()
            fault_point("build.after_round")
            if self._waiting_rows() <= SMALL_REST_ROWS:
                break
        self._finish()

    def _consumer(self) -> Consumer | None:
        """Its place in the logs; None for a view that reads no relation, which follows nothing."""
        return self.store.consumer(self.view.relation_id)

    def _has_snapshot(self) -> bool:
        consumer = self._consumer()
        return consumer is not None and consumer.has_snapshot

    def _waiting_rows(self) -> int:
        consumer = self._consumer()
        return 0 if consumer is None else waiting_rows(self.engine, consumer.inputs, consumer.epoch)

    # -- phases ----------------------------------------------------------------------------------------------------

    def _consume_snapshot(self) -> None:
        self._report(Phase.CONSUMING_SNAPSHOT, 0.0)
        self.build.check(self.stop)
        self.engine.begin()
        epoch = self.store.latest_epoch()  # the first read: it fixes what this transaction sees
        fault_point("build.in_snapshot")
        drop_tables(self.engine, self.view.plan)  # there are some where a view without a cursor begins again
        create_stages(self.engine, self.view.plan, self._stage_done)
        if (consumer := self._consumer()) is not None:
            self.store.move_cursors([consumer.consumer_id], epoch)
        self.engine.commit()
        fault_point("build.after_snapshot")
        trim_logs(self.database, self.engine)

    def _stage_done(self, done: int, stages: int) -> None:
        self.build.check(self.stop)
        self._report(Phase.CONSUMING_SNAPSHOT, SNAPSHOT_SHARE * done / stages)

    def _round(self) -> None:
        """Takes what the logs hold. A view that is computed again waits for Finishing: once is enough."""
        self.build.check(self.stop)
        if self.view.is_recomputed:
            return
        self.engine.begin()
        self._follow_logs()
        self.engine.commit()
        trim_logs(self.database, self.engine)

    def _finish(self) -> None:
        self.build.check(self.stop)
        self._report(Phase.FINISHING, SNAPSHOT_SHARE + LOG_SHARE)
        transaction = Transaction(self.database, self.engine, is_explicit=False)
        self.build.lock(self.database, transaction, f"job {self.build.job_id} finishes {self.view.name}", self.stop)
        try:
            transaction.begin()
            self._follow_logs()
            create_visible(self.engine, self.view.plan)
            if is_deferred(self.store.settings([self.view.relation_id])[self.view.relation_id]):
                self.store.defer_consumer(self.view.relation_id)
            else:
                self.store.remove_consumer(self.view.relation_id)
            drop_unread_logs(self.engine, self.store, self.view.inputs)
            complete(transaction, self.build.job_id)
        except BaseException:
            if not transaction.is_committed:
                transaction.rollback()
            raise

    def _follow_logs(self) -> None:
        """Lets the stages follow what the logs hold behind the cursor, in the running transaction."""
        consumer, epoch = self._consumer(), self.store.latest_epoch()
        if consumer is None:
            return
        names = [name for name in consumer.inputs if waiting_rows(self.engine, [name], consumer.epoch)]
        sizes = take_waiting(self.engine, self.view, names, consumer.epoch)
        if sizes:
            maintain_view(self.engine, self.database.costs, self.view, sizes, is_wanted=False)
        drop_taken(self.engine, names)
        self.store.move_cursors([consumer.consumer_id], epoch)

    # -- progress --------------------------------------------------------------------------------------------------

    def _report(self, phase: Phase, progress: float) -> None:
        """Says how far it is; and writes it down, by a connection of its own, so that others see it while this one
        works."""
        self.live.at(f"build {self.view.name}: {phase}")
        self.live.share(progress)
        now = monotonic()
        if phase is self._phase and now - self._reported_at < REPORT_SECONDS:
            return
        self._phase, self._reported_at = phase, now
        engine = self.database.engine.fork()
        try:
            self.database.store(engine).set_job_progress(self.build.job_id, phase, progress)
        finally:
            engine.close()


def complete(transaction: Transaction, job_id: int) -> None:
    """The last steps of every background job: it is CREATED, all sessions learn of it, and that is committed."""
    store = transaction.database.store(transaction.engine)
    store.set_job_progress(job_id, None, 1.0)
    store.move_job(job_id, JobEvent.COMPLETE, "built in the background")
    transaction.ddl()
    fault_point("build.before_finish_commit")
    transaction.commit()
