"""A further run of a script with views over its tables: they are made, read at their queries, and dropped."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mvengine.slt.answers import Answer, Columns, Mismatch
from mvengine.slt.as_views_compare import check_view
from mvengine.slt.as_views_determined import left_open_by
from mvengine.slt.as_views_plan import PlannedView
from mvengine.slt.as_views_reasons import reason_of, unsettled_by
from mvengine.slt.as_views_results import ViewOutcome, ViewResult
from mvengine.slt.as_views_statements import Kind
from mvengine.slt.as_views_trace import Event, Transactions
from mvengine.slt.check import error_text, sqlstate_of
from mvengine.slt.compare import Comparison
from mvengine.slt.engines import Connection
from mvengine.slt.records import ExpectedRows

SCHEMA = "as_views"
UNLIKE = "the script does not run the same way twice"
_REFUSALS = ("0A000", "2BP01", "40001")  # unsupported, something depends on it, a view fails within a transaction
_WRITES_OF_A_DROP = 25  # take as long as dropping a view
_STRATEGIES = f"""
    SELECT v.name, v.strategy, v.reason, coalesce(bool_or(d.depends_on_schema = 'mv_meta'), false),
      (SELECT count(*) FROM duckdb_columns() c WHERE c.schema_name = '{SCHEMA}' AND c.table_name = v.name)
    FROM mv_catalog.materialized_views v LEFT JOIN mv_catalog.dependencies d USING (schema_name, name)
    WHERE v.schema_name = '{SCHEMA}' GROUP BY v.name, v.strategy, v.reason
"""
_READ = f"""
    SELECT DISTINCT depends_on_schema, depends_on FROM mv_catalog.dependencies
    WHERE schema_name = '{SCHEMA}' AND kind = 'relation' AND name =
"""


class LeftOutError(Exception):
    """In the place of the answer of a query that is of no use in this run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Live:
    view: PlannedView
    strategy: str
    writes_before: int


class LiveViews:
    """An observer of the sessions of one run, that knows from the first one what comes.

    ``results`` are those of the queries, by the index of their event. ``on_different`` is told what differs.
    """

    def __init__(
        self,
        events: Sequence[Event],
        views: Iterable[PlannedView],
        skipped: frozenset[int],
        on_different: Callable[[Mismatch], None],
    ) -> None:
        self._events = events
        self._skipped = skipped
        self._on_different = on_different
        self._begins: dict[int, list[PlannedView]] = {}
        self._reads: dict[int, PlannedView] = {}
        for view in views:
            self._begins.setdefault(view.begin, []).append(view)
            self._reads |= dict.fromkeys(view.reads, view)
        self._connections: list[Connection] = []
        self._roots: list[int] = []
        self._transactions = Transactions()
        self._live: dict[str, _Live] = {}
        self._dropped: dict[str, _Live] = {}  # in the open transaction
        self._refused: dict[str, str] = {}
        self._writes_total = sum(event.sent.kind is Kind.WRITE for event in events)
        self._at = 0  # the index of the next event
        self._writes = 0
        self._lost = ""  # why there are no views from here on
        self.results: dict[int, ViewResult] = {}

    # -- sessions --------------------------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> int:
        self._live.clear()
        self._transactions.clear()
        self._roots.append(len(self._connections))
        return self.forked(connection)

    def forked(self, connection: Connection) -> int:
        self._connections.append(connection)
        return len(self._connections) - 1

    def closed(self, session: int) -> None:
        if self._roots and session == self._roots[-1] and self._at < len(self._events):
            self._drop(session, self._live)  # a file is opened again

    def overtaken(self) -> None:
        pass

    def is_telling(self, reads: Container[int], *, is_ok: bool) -> bool:
        """Whether the last text should have come to the same as in the first run: no query, or one of ``reads``.

        What fails in both runs may fail otherwise beside views, which errors name.
        """
        at = self._at - 1
        if self._lost or not (is_ok or self._events[at].is_ok):
            return False
        return at in reads or self._events[at].sent.kind is not Kind.READ

    # -- statements ------------------------------------------------------------------------------------------------

    def run(self, session: int, sql: str) -> Answer:
        at, self._at = self._at, self._at + 1
        event = self._events[at] if at < len(self._events) else None
        if event is None or event.session != session or event.sql[:6] != sql[:6]:
            self._lost = self._lost or UNLIKE
        if self._lost or event is None:
            return self._connections[session].run(sql)
        if at in self._skipped:
            raise LeftOutError
        self._drop(session, [name for name, live in self._live.items() if self._is_in_the_way(live.view, at, event)])
        self._create(self._begins.get(at, ()))
        is_ok = False
        try:
            answer = self._run_beside(session, sql, event)
            is_ok = True
        finally:
            self._after(session, event, is_ok=is_ok)
        return answer

    def _run_beside(self, session: int, sql: str, event: Event) -> Answer:
        """Runs a statement. Where it is refused only beside views, those that there are now are given up."""
        connection = self._connections[session]
        try:
            return connection.run(sql)
        except Exception as error:
            if not event.is_ok or not self._live or sqlstate_of(error) not in _REFUSALS:
                raise
            reason = f"beside it a statement is refused: {reason_of(error)}"
            if self._transactions.is_open(session):
                self._lost = reason
                raise
            self._refused |= dict.fromkeys(self._live, reason)
            self._drop(session, self._live)
        return connection.run(sql)

    def _after(self, session: int, event: Event, *, is_ok: bool) -> None:
        is_undone = event.sent.kind is Kind.ROLLBACK or (event.sent.kind is Kind.COMMIT and not is_ok)
        self._transactions.ran(session, event.sent, is_ok=is_ok)
        if is_undone:
            self._live |= self._dropped
        if self._transactions.is_quiet:
            self._dropped.clear()
        if is_ok and event.sent.kind in (Kind.WRITE, Kind.COMMIT):
            self._writes += 1

    # -- views -----------------------------------------------------------------------------------------------------

    def _create(self, views: Sequence[PlannedView]) -> None:
        if not views:
            return
        made: dict[str, PlannedView] = {}
        for view in views:
            connection = self._connection_of(view)
            try:
                connection.run(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
                connection.run(
                    f"CREATE MATERIALIZED VIEW {SCHEMA}.{view.name}"
                    f" WITH (policy = 'incremental', on_error = 'suspend') AS\n{_bare(view.sql)}\n"
                )
                made[view.name] = view
            except Exception as error:
                self._refused[view.name] = reason_of(error)
        for name, strategy, reason, reads_clock, columns in self._connection_of(views[0]).run(_STRATEGIES).rows:
            if name not in made:
                continue
            live = _Live(view=made[str(name)], strategy=str(strategy), writes_before=self._writes)
            self._live[str(name)] = live
            unsettled = unsettled_by(str(reason), reads_clock=bool(reads_clock))
            if columns != live.view.columns:
                unsettled = "its columns depend on the data"
            if unsettled:
                self._refused[str(name)] = unsettled
        self._drop(views[0].session, [name for name in made if name in self._refused])

    def _connection_of(self, view: PlannedView) -> Connection:
        """The session that asks, for its search path; it may be open only later."""
        is_open = view.session < len(self._connections) and view.session >= self._roots[-1]
        return self._connections[view.session if is_open else self._roots[-1]]

    def _is_in_the_way(self, view: PlannedView, at: int, event: Event) -> bool:
        """Whether a view that is read no more hinders a definition, or so many writes that dropping it is cheaper."""
        if view.end >= at or event.sent.kind is Kind.READ:
            return False
        if event.sent.touches is None or not event.sent.touches.isdisjoint(view.words):
            return True
        is_worth = self._writes_total - self._writes > _WRITES_OF_A_DROP
        return is_worth and self._transactions.is_quiet

    def _drop(self, session: int, names: Iterable[str]) -> None:
        """Drops views unless a transaction of another session is open; what fails is tried again at the next write."""
        names = list(names)
        is_own = self._transactions.is_open(session)
        if not names or not (is_own or self._transactions.is_quiet):
            return
        listed = ", ".join(f"{SCHEMA}.{name}" for name in names)
        with suppress(Exception):
            self._connections[session].run(f"DROP MATERIALIZED VIEW IF EXISTS {listed}")
            gone = {name: self._live.pop(name) for name in names}
            self._dropped |= gone if is_own else {}

    # -- answers ---------------------------------------------------------------------------------------------------

    def answered(self, expected: ExpectedRows, answer: Answer, comparison: Comparison, *, is_passed: bool) -> None:
        """The last statement was a query, and this is its answer: compares the view, where there is one."""
        at = self._at - 1
        view = self._reads.get(at)
        if view is None:
            return
        live = self._live.get(view.name)
        if view.name in self._refused or self._lost or live is None or self._events[at].sql != view.sql:
            reason = self._refused.get(view.name) or self._lost or UNLIKE
            self.results[at] = ViewResult(outcome=ViewOutcome.NONE, reason=reason)
            return
        connection = self._connections[self._events[at].session]
        answer = _settled(answer)
        mismatch = self._compare(connection, live, expected, answer, comparison, is_passed=is_passed)
        outcome, reason = ViewOutcome.EXACT, ""
        if mismatch is not None:
            open_by = self._left_open(connection, live.view, answer)
            outcome = ViewOutcome.DIFFERENT if open_by is None else ViewOutcome.UNDETERMINED
            reason = mismatch.reason if open_by is None else open_by
            if open_by is None:
                self._on_different(mismatch)
        self.results[at] = ViewResult(
            outcome=outcome, strategy=live.strategy, reason=reason, writes=self._writes - live.writes_before
        )

    def _compare(
        self,
        connection: Connection,
        live: _Live,
        expected: ExpectedRows,
        answer: Answer,
        comparison: Comparison,
        *,
        is_passed: bool,
    ) -> Mismatch | None:
        name = f"{SCHEMA}.{live.view.name}"
        try:
            rows = _settled(connection.run(f"SELECT * FROM {name}"))
            found = check_view(live.view.sql, rows, answer, expected, comparison, is_passed=is_passed)
            if found is None:
                return None
            state = connection.run(
                "SELECT state || coalesce(': ' || failure, '') FROM mv_catalog.materialized_views"
                f" WHERE schema_name = '{SCHEMA}' AND name = '{live.view.name}'"
            ).rows
        except Exception as error:
            return Mismatch(
                reason=f"the view ({live.strategy}) cannot be read", expected="rows", actual=error_text(error)
            )
        about = ", ".join([live.strategy, *(str(row[0]) for row in state)])
        return Mismatch(reason=f"as a view ({about}): {found.reason}", expected=found.expected, actual=found.actual)

    def _left_open(self, connection: Connection, view: PlannedView, answer: Answer) -> str | None:
        try:
            tables = [(str(schema), str(name)) for schema, name in connection.run(f"{_READ} '{view.name}'").rows]
        except Exception:
            tables = []
        return left_open_by(connection, view.sql, answer, tables)


def _settled(answer: Answer) -> Answer:
    """An answer that outlives the next statement of its session."""
    return Answer(source=Columns(description=answer.description), rows=answer.rows)


def _bare(sql: str) -> str:
    """A query without the semicolon behind it."""
    return sql.rstrip().rstrip(";")
