"""One transaction: the writer lock, captured changes, views that follow, and the epoch that all of it becomes.

A statement outside BEGIN … COMMIT is a transaction of its own. Views follow at commit; a statement that may read a view
first applies the changes that are pending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from mvengine.engines.duckdb import DuckDbEngine
from mvengine.errors import DataError, ProgrammingError, SerializationFailure, TransactionAborted
from mvengine.meta.records import Maintenance
from mvengine.refresh.changes import CapturedTable
from mvengine.refresh.database import Database
from mvengine.refresh.graph import FINGERPRINT, Graph, ViewDefinition, decode
from mvengine.refresh.maintain import maintain
from mvengine.refresh.suspension import SUSPENDED, ViewSuspended, named
from mvengine.schema import Name
from mvengine.testing.faults import fault_point


class Transaction:
    """From BEGIN to COMMIT or ROLLBACK, of one session."""

    def __init__(
        self,
        database: Database,
        engine: DuckDbEngine,
        *,
        is_explicit: bool,
        before_maintenance: Callable[[Graph], None] = lambda graph: None,
    ) -> None:
        self.database = database
        self.engine = engine
        self.is_explicit = is_explicit
        self.is_read_only = False
        self._before_maintenance = before_maintenance  # the session's last word: raises where it must not happen now
        self.before_publish: Callable[[Transaction], None] = lambda transaction: None  # when all views have followed
        self.before_view: Callable[[ViewDefinition], bool] = lambda view: True  # see ``maintain``
        self.graph: Graph = database.graph
        self.lock_timeout = database.config.lock_timeout  # seconds
        self.failure: BaseException | None = None
        self.is_committed = False  # an interrupt after that comes too late to undo anything
        self.cause = ""
        self._suspending: tuple[ViewDefinition, str] | None = None  # when it is rolled back, and why
        self._at: ViewDefinition | None = None  # the view that is about to follow, to know whose an error is
        self._pending: dict[Name, int] = {}
        self._virtual: set[Name] = set()
        self._touched: set[Name] = set()
        self.rebuilt: set[Name] = set()  # views that were built anew in it, see ``note_rebuilt``
        self._records: list[Maintenance] = []
        self._has_ddl = False
        self._has_settings = False
        self._last_history = 0  # of what this transaction wrote there: is it stored, the transaction has committed
        self._plain_writes: set[str] = set()
        self._write_clock = 0
        self._begun_at: tuple[int, Graph] | None = None

    def begin(self) -> None:
        self._write_clock = self.database.write_clock
        self._begun_at = (self.database.epoch, self.database.graph)
        self.engine.begin()

    def lock(self, what: str, names: tuple[Name, ...] = ()) -> None:
        """Becomes the writer. In an explicit transaction, raises SerializationFailure (40001) where what ``names`` and
        the views that depend on them show has changed since this transaction's snapshot."""
        if self.is_read_only:
            raise ProgrammingError(f"{what} in a READ ONLY transaction", hint="BEGIN without READ ONLY", code="25006")
        if self.database.lock.is_held_by(self):
            if self.is_explicit and names:
                self._check_snapshot(names)
            return
        self.database.lock.acquire(self, what, self.lock_timeout)
        if self.is_explicit:
            self._check_snapshot(names)
        self.graph = self.database.graph

    def _check_snapshot(self, names: tuple[Name, ...]) -> None:
        if self._begun_at == (self.database.epoch, self.database.graph):
            return  # nobody has committed anything since BEGIN, and the snapshot is no older
        epoch, *fingerprint = self.engine.query(
            f"SELECT (SELECT coalesce(max(epoch), 0) FROM mv_meta.epochs), {FINGERPRINT}"
        )[0]
        graph = self.database.graph
        if tuple(fingerprint) != graph.fingerprint and not self._has_ddl:
            raise SerializationFailure(
                "tables or views were created, altered or dropped since this transaction began", hint="run it again"
            )
        views = graph.following(names)
        needed = set(names).union(*(view.inputs for view in views), (view.name for view in views))
        for name in needed:
            if self.database.changed.get(name, 0) > epoch:
                raise SerializationFailure(
                    f"{name} has changed since this transaction began (it sees epoch {epoch}, "
                    f"now is {self.database.changed[name]})",
                    hint="run the transaction again",
                )

    def require_fresh(self, names: Iterable[Name]) -> None:
        """Raises SerializationFailure where a table that nothing depended on yet was written by others since BEGIN: a
        view built now would miss those rows for ever."""
        for name in names:
            if self.database.plain_writes.get(name.name.lower(), 0) > self._write_clock:
                raise SerializationFailure(
                    f"{name} was written since this transaction began", hint="run the transaction again"
                )

    def note_settings(self) -> None:
        """Remembers that this transaction changed how something is refreshed: the scheduler looks when it commits."""
        self._has_settings = True

    def note_plain_write(self, name: str) -> None:
        """Remembers a write to a table that nothing depends on."""
        self._plain_writes.add(name)

    @property
    def epoch(self) -> int:
        """The epoch that this transaction becomes, if it changes anything. Drawn under the lock."""
        return self.database.epoch + 1

    def captured(self, name: Name, storage: str, columns: tuple[str, ...]) -> CapturedTable | None:
        """Where the changes of a relation go, or None if nobody reads it."""
        if name not in self.graph.consumers:
            return None
        used = self.graph.used_columns(name)
        is_whole = self.graph.is_read_whole(name)
        kept = tuple(column for column in columns if is_whole or column.lower() in used)
        return CapturedTable(name=name, storage=storage, used=kept, twins=self.graph.twins(name))

    def touch(self, name: Name, rows: int, cause: str, *, is_virtual: bool = False) -> None:
        """Notes that ``rows`` rows of a relation changed; their capture, if any, is in its change table, or where
        ``is_virtual`` in a temporary view."""
        if is_virtual:
            self._virtual.add(name)
        self.cause = self.cause or cause
        if rows:
            self._touched.add(name)
            if name in self.graph.consumers:
                self._pending[name] = self._pending.get(name, 0) + rows

    def note_rebuilt(self, name: Name) -> None:
        """Remembers that a view has been built anew. What differs, if anybody follows it, is touched by itself."""
        self._touched.add(name)
        self.rebuilt.add(name)

    def is_pending(self, name: Name) -> bool:
        """Whether captured changes of a relation wait for the views to follow."""
        return name in self._pending

    @property
    def has_pending(self) -> bool:
        return bool(self._pending)

    def flush(self) -> None:
        """Lets the views follow what is pending. Errors: as of ``carrying_out``."""
        if not self._pending:
            return
        self._before_maintenance(self.graph)
        with self.carrying_out(None):
            maintained = maintain(
                self.engine,
                self.graph,
                self._pending,
                self.epoch,
                frozenset(self._virtual),
                costs=self.database.costs,
                before_view=self._begins,
            )
        if logged := maintained.changed & self.graph.logged.keys():
            self.database.store(self.engine).note_logged(logged, self.epoch)
        self._records.extend(maintained.records)
        self._touched |= maintained.changed
        self._pending = {}
        self._virtual = set()

    def _begins(self, view: ViewDefinition) -> bool:
        """Whether a view is to follow. One that is suspended does not: its rows are not what its state says."""
        if view.is_suspended or not self.before_view(view):
            return False
        self._at = view
        return True

    @contextmanager
    def carrying_out(self, view: ViewDefinition | None) -> Iterator[None]:
        """A block that computes a view (None: the one that ``_begins`` was told of last). An error of its query names
        it; where the view is to be suspended then, that is done when the transaction is rolled back.

        Errors: DataError; ViewSuspended, where the transaction can go through when it is run again.
        """
        self._at = view
        try:
            yield
        except DataError as error:
            if self._at is None:
                raise
            if self._at.suspends or self._at.is_suspended:
                self._suspending = (self._at, error.message)
                raise ViewSuspended(self._at, error) from error
            raise named(self._at, error) from error.__cause__
        finally:
            self._at = None

    @property
    def maintained(self) -> tuple[Name, ...]:
        """What was loaded, followed or derived in it, in this order; a name may stand twice."""
        return tuple(record.name for record in self._records)

    @property
    def touched(self) -> frozenset[Name]:
        """What it has changed."""
        return frozenset(self._touched)

    def ddl(self) -> None:
        """Reads the definitions again after this transaction changed them."""
        self._has_ddl = True
        history = "SELECT coalesce(max(seq), 0) FROM mv_meta.state_history"
        self._last_history = int(self.engine.query(history)[0][0])
        self.database.shapes += 1
        self.graph = decode(self.database.store(self.engine).load_relations())

    @property
    def has_ddl(self) -> bool:
        """Whether definitions were changed in it."""
        return self._has_ddl

    def note(self, record: Maintenance) -> None:
        """Adds to the history of this epoch."""
        self._records.append(record)

    def commit(self) -> int:
        """Applies, records and commits. Returns the database's epoch afterwards. Raises TransactionAborted (25P02)."""
        if self.failure is not None:
            self.rollback()
            raise TransactionAborted(
                "the transaction was rolled back: a statement in it had failed", hint="run it again from BEGIN"
            ) from self.failure
        try:
            self.flush()
            self.before_publish(self)
            epoch = self._record_epoch()
            fault_point("dml.before_commit")
            self.engine.commit()
            self._show(epoch)
            self.database.lock.release(self)
        except BaseException:
            self.engine.rollback()
            self._catch_up()
            self.rollback()
            raise
        fault_point("dml.after_commit")
        return self.database.epoch

    def _show(self, epoch: int) -> None:
        """Lets the other sessions of this process know what was committed. An interrupt in it has it done again, for as
        long as the epoch is not the new one."""
        self.is_committed = True
        for name in self._touched:
            self.database.changed[name] = epoch
        self.database.note_plain_writes(self._plain_writes)
        if self._has_ddl:
            self.database.graph = self.graph
            self.database.shapes += 1
        if (self._has_ddl or self._has_settings) and self.database.scheduler is not None:
            self.database.scheduler.wake()
        self.database.epoch = max(self.database.epoch, epoch)

    def _catch_up(self) -> None:
        """An interrupt may come when COMMIT has taken effect and before we know it: what is stored decides."""
        if not self._touched and not self._has_ddl:
            return
        engine = self.database.engine.fork()
        try:
            epoch, latest = engine.query(
                "SELECT (SELECT coalesce(max(epoch), 0) FROM mv_meta.epochs), "
                "(SELECT coalesce(max(seq), 0) FROM mv_meta.state_history)"
            )[0]
        finally:
            engine.close()
        if epoch > self.database.epoch or (self._has_ddl and latest >= self._last_history):
            self._show(epoch)

    def _record_epoch(self) -> int:
        """Writes the epoch if anything changed; the present one otherwise."""
        if not self._touched:
            return self.database.epoch
        store = self.database.store(self.engine)
        store.append_epoch(self.epoch, self.cause)
        if self._records:
            store.append_maintenance(self._records)
        known = [definition.relation_id for name in self._touched if (definition := self.graph.get(name))]
        if known:
            store.mark_epoch(known, self.epoch)
        return self.epoch

    def rollback(self) -> None:
        self.database.shapes += 1
        try:
            self.engine.rollback()
            if self._suspending is not None:
                self._suspend(*self._suspending)
        finally:
            self._suspending = None
            self.database.lock.release(self)

    def _suspend(self, view: ViewDefinition, failure: str) -> None:
        """Leaves a view behind, durably: what this transaction did to it is lost, as is all else that it did."""
        store = self.database.store(self.engine)
        self.engine.begin()
        if store.existing([view.relation_id]):  # else it was created in this transaction
            store.set_view_state(view.relation_id, SUSPENDED, failure)
        graph = decode(store.load_relations())
        fault_point("suspend.before_commit")
        self.engine.commit()
        self.database.graph = graph

    def fail(self, error: BaseException) -> None:
        """Marks the transaction as failed: every later statement but its end is refused."""
        self.failure = self.failure or error

    def require_healthy(self) -> None:
        if self.failure is not None:
            raise TransactionAborted(
                "the transaction has failed; nothing more can be done in it", hint="ROLLBACK, then start again"
            ) from self.failure
