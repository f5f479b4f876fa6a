"""Refreshes, DML, file changes, pauses, retries, rollbacks, cancels, closes and kills in random order, under a model.

After every step: all contents are what ``order_model`` says, every view is its query, and all plans are in order.
``MVENGINE_ORDER_SEED`` sets the first seed, ``MVENGINE_ORDER_SECONDS`` how long seeds are tried one after the other;
a failure prints its steps.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from time import monotonic

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from order_model import Source, Table
from plan_checks import check_plans, check_staging_of_file, copy_database, settle

import mvengine
from mvengine.errors import Error, StateError
from mvengine.handles import Refresh
from mvengine.meta.states import PlanStatus
from mvengine.refresh.plan.outcome import Outcome, RefusalKind
from mvengine.testing.faults import inject

FIRST_SEED = int(os.environ.get("MVENGINE_ORDER_SEED", "1"))
SECONDS = float(os.environ.get("MVENGINE_ORDER_SECONDS", "0"))
SEEDS = 2
SETTINGS = settings(
    max_examples=4,
    stateful_step_count=14,
    deadline=None,
    database=None,
    print_blob=False,
    phases=(Phase.generate,),  # the steps are printed; shrinking them takes longer than reading them
    suppress_health_check=list(HealthCheck),
)
WAIT_SECONDS_MAX = 60
VIEWS = {
    "va": "SELECT id, count(*) AS n, sum(x) AS total FROM a GROUP BY id",
    "vj": "SELECT a.id, a.x, b.x AS y FROM a JOIN b ON a.id = b.id",
    "vp": "SELECT p.k, sum(y) AS total FROM vj JOIN p ON p.k = vj.x GROUP BY p.k",
}
LOADING = ("refresh.after_listing", "refresh.after_trigger", "stage.before_commit", "refresh.after_split")
LATER = ("states.before_commit", "refresh.after_staged", "refresh.after_merge", "maintain.view")
LAST = ("publish.before_commit", "dml.after_commit", "publish.after_commit")

rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=3)
names = st.sampled_from(["1", "2", "3"])
table_names = st.sampled_from(["a", "b"])
selections = st.sampled_from([("a",), ("b",), ("a", "b"), ()])


class RandomOrder(RuleBasedStateMachine):
    """One database file; what is done to it is done to the model, too."""

    @initialize()
    def create(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="order"))
        self.generation = 0
        self.database = self.place / "0" / "order.db"
        self.database.parent.mkdir()
        self.tables: dict[str, Table] = {}
        self.plain: Counter[tuple[int]] = Counter()
        self.con = self.open()
        for name, key in (("a", ""), ("b", " PRIMARY KEY")):
            folder = self.place / "files" / name
            folder.mkdir(parents=True)
            source = Source(folder=folder)
            self.tables[name] = Table(name=name, source=source, is_keyed=bool(key))
            self.con.execute(
                f"CREATE TABLE {name} (id INT{key}, x INT) REFRESHABLE FROM '{folder}' FORMAT PLAIN ENCODE CSV"
            )
            source.write("1", [(1, 1), (2, 2)])
        self.con.execute("CREATE TABLE p (k INT)")
        for name, query in VIEWS.items():
            self.con.execute(f"CREATE MATERIALIZED VIEW {name} AS {query}")

    def open(self, recovery: str = "resume") -> mvengine.Connection:
        return mvengine.connect(str(self.database), staging_batch_bytes=1, max_attempts=50, recovery=recovery)

    def teardown(self) -> None:
        if hasattr(self, "con"):
            self.con.close()
            shutil.rmtree(self.place)

    # -- what is always true -----------------------------------------------------------------------------------------

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        if not hasattr(self, "con"):
            return
        for name, table in self.tables.items():
            assert Counter(self.con.execute(f"FROM {name}").fetchall()) == table.contents, name
        assert Counter(self.con.execute("FROM p").fetchall()) == self.plain
        for name, query in VIEWS.items():
            stored, derived = (Counter(self.con.execute(sql).fetchall()) for sql in (f"FROM {name}", query))
            assert stored == derived, name
        check_plans(self.con)

    # -- the world -----------------------------------------------------------------------------------------------------

    @rule(table=table_names, name=names, rows=rows)
    def write_file(self, table: str, name: str, rows: list[tuple[int, int]]) -> None:
        """Adds a file, changes it, or repairs it."""
        self.tables[table].source.write(name, rows)

    @rule(table=table_names, name=names)
    def remove_file(self, table: str, name: str) -> None:
        self.tables[table].source.remove(name)

    @rule(table=table_names, name=names)
    def break_file(self, table: str, name: str) -> None:
        self.tables[table].source.write(name, None)

    @rule(k=st.integers(0, 3))
    def write_plain(self, k: int) -> None:
        self.con.execute("INSERT INTO p VALUES (?)", [k])
        self.plain[(k,)] += 1

    @rule(table=table_names, row=st.tuples(st.integers(0, 9), st.integers(0, 3)), is_delete=st.booleans())
    def write_refreshable(self, table: str, row: tuple[int, int], is_delete: bool) -> None:
        """The next refresh undoes it."""
        if is_delete:
            self.con.execute(f"DELETE FROM {table} WHERE id = ?", [row[0]])
            self.tables[table].deleted(row[0])
        elif self.tables[table].inserted(row):
            self.con.execute(f"INSERT INTO {table} VALUES (?, ?)", list(row))

    # -- refreshes -----------------------------------------------------------------------------------------------------

    @rule(tables=selections, full=st.booleans(), background=st.booleans(), queue=st.booleans())
    def refresh(self, tables: tuple[str, ...], full: bool, background: bool, queue: bool) -> None:
        wanted = tables or ("a", "b")
        if held := self.held() & set(wanted):
            if not queue:
                with pytest.raises(StateError, match="is being refreshed already"):
                    self.con.refresh(*tables, full=full, background=background)
                assert held
            return
        try:
            found = self.con.refresh(*tables, full=full, background=background, queue=queue)
        except Error:
            assert any(self.tables[name].source.is_broken for name in wanted)
            self.ended(self.last())
            return
        if found.id is None:
            assert not any(self.tables[name].source.is_broken for name in wanted)
            return
        self.ended(found)

    @rule(
        tables=selections,
        point=st.sampled_from(LOADING + LATER + LAST),
        action=st.sampled_from(["pause", "cancel", "kill", "close", "write"]),
        recovery=st.sampled_from(["resume", "restart", "reset"]),
        number=st.integers(1, 2),
    )
    def disturb(self, tables: tuple[str, ...], point: str, action: str, recovery: str, number: int) -> None:
        """A refresh is held at a fault point while something happens."""
        if self.held() & set(tables or ("a", "b")):
            return
        reached, go_on, left = Event(), Event(), [number]

        def hold() -> None:
            if current_thread() is main_thread():
                return  # the refresh itself runs in another one
            left[0] -= 1
            if left[0] == 0:
                reached.set()
                assert go_on.wait(WAIT_SECONDS_MAX)

        with inject(point, hold):
            try:
                refresh = self.con.refresh(*tables, background=True)
                run = self.con._database.registry.running(refresh.id or 0)
                over = Thread(target=lambda: (run and run.control.wait_for_end(WAIT_SECONDS_MAX), reached.set()))
                over.start()
                assert reached.wait(WAIT_SECONDS_MAX)
                self.act(refresh, point, action, recovery, go_on)
            finally:
                go_on.set()
            over.join(WAIT_SECONDS_MAX)

    def act(self, refresh: Refresh, point: str, action: str, recovery: str, go_on: Event) -> None:
        before = refresh.status
        match action:
            case "pause" | "cancel":
                found: list[Outcome] = []
                asking = Thread(target=lambda: found.append(getattr(refresh, action)()))
                asking.start()
                run = self.con._database.registry.running(refresh.id or 0)
                if run is not None and not (action == "pause" and before is PlanStatus.CREATED):
                    assert run.control.wait(WAIT_SECONDS_MAX)
                go_on.set()
                asking.join(WAIT_SECONDS_MAX)
                wanted = PlanStatus.PAUSED if action == "pause" else PlanStatus.CANCELLED
                assert found[0].is_done == (refresh.status is wanted), found
                if not found[0].is_done:
                    assert found[0].refusal is not None
                    assert found[0].refusal.kind is RefusalKind.ILLEGAL_TRANSITION
                elif action == "pause":
                    assert point not in LAST[1:]
            case "kill":
                self.generation += 1
                copy = copy_database(self.database, self.place / str(self.generation))
                check_staging_of_file(copy, self.place / f"{self.generation}-killed")
                go_on.set()
                refresh.wait(WAIT_SECONDS_MAX)
                self.reopen(copy, recovery)
            case "close":
                stopping = Thread(target=self.con.close)
                stopping.start()
                assert self.con._database.workers.stop.wait(WAIT_SECONDS_MAX)
                go_on.set()
                stopping.join(WAIT_SECONDS_MAX)
                self.reopen(self.database, recovery)
            case _:
                if point in LOADING:  # nobody holds the writer lock
                    self.write_plain(1)
                go_on.set()
        settle(self.con)
        assert refresh.id is not None
        self.ended(self.known(refresh.id))

    @rule(recovery=st.sampled_from(["resume", "restart", "reset"]))
    def close_and_open(self, recovery: str) -> None:
        paused = self.held()
        self.con.close()
        self.reopen(self.database, recovery)
        assert self.held() == paused

    def reopen(self, database: Path, recovery: str) -> None:
        self.con.close()
        self.database = database
        self.con = self.open(recovery)
        settle(self.con)

    # -- operations ----------------------------------------------------------------------------------------------------

    @rule(
        back=st.integers(0, 3),
        verb=st.sampled_from(["pause", "resume", "retry", "retry_from_start", "rollback", "cancel"]),
    )
    def steer(self, back: int, verb: str) -> None:
        """Any operation on any refresh: carried out where the matrices say so, else refused with nothing changed."""
        refreshes = self.con.refreshes()
        if not refreshes:
            return
        refresh = refreshes[-1 - back % len(refreshes)]
        before, tables = refresh.status, self.loads(refresh)
        others = self.held() - (tables if before is PlanStatus.PAUSED else set())
        outcome = refresh.retry(from_start=True) if verb == "retry_from_start" else getattr(refresh, verb)()
        legal = {
            "pause": (),
            "resume": (PlanStatus.PAUSED,),
            "retry": (PlanStatus.PAUSED, PlanStatus.FAILED),
            "retry_from_start": (PlanStatus.PAUSED, PlanStatus.FAILED),
            "rollback": (PlanStatus.FAILED,),
            "cancel": (PlanStatus.PAUSED,),
        }
        if before not in legal[verb]:
            self.refused(refresh, outcome, before, RefusalKind.ILLEGAL_TRANSITION)
        elif verb == "rollback" and not outcome.is_done and not others & tables:
            self.refused(refresh, outcome, before, RefusalKind.NOTHING_TO_ROLL_BACK)
        elif not outcome.is_done:
            self.refused(refresh, outcome, before, RefusalKind.CONFLICT)
            assert others & set(self.asked(refresh))
        elif verb in ("rollback", "cancel"):
            assert refresh.status is (PlanStatus.CANCELLED if verb == "cancel" else PlanStatus.ROLLED_BACK)
        else:
            settle(self.con)
            self.ended(refresh)

    def refused(self, refresh: Refresh, outcome: Outcome, before: PlanStatus, kind: RefusalKind) -> None:
        assert outcome.refusal is not None
        assert outcome.refusal.kind is kind, outcome
        assert refresh.status is before

    # -- what is looked up ---------------------------------------------------------------------------------------------

    def ended(self, refresh: Refresh) -> None:
        """A refresh is over or stands: whether it is published decides what its tables hold."""
        settle(self.con)
        status, tables = refresh.status, self.loads(refresh)
        is_broken = any(self.tables[name].source.is_broken for name in tables)
        if status is PlanStatus.COMPLETED:
            assert not is_broken, tables
            for name in tables:
                self.tables[name].refreshed()

    def held(self) -> set[str]:
        """The tables that a paused refresh was asked for."""
        sql = "SELECT unnest(tables) FROM mv_catalog.plans WHERE status = 'PAUSED'"
        return {name for (name,) in self.con.execute(sql).fetchall()}

    def asked(self, refresh: Refresh) -> list[str]:
        sql = "SELECT unnest(tables) FROM mv_catalog.plans WHERE plan_id = ?"
        return [name for (name,) in self.con.execute(sql, [refresh.id]).fetchall()]

    def loads(self, refresh: Refresh) -> set[str]:
        """The tables that a refresh found something to do for."""
        return {str(task.relation) for task in refresh.tasks if task.kind == "load"}

    def last(self) -> Refresh:
        return self.con.refreshes()[-1]

    def known(self, number: int) -> Refresh:
        return next(it for it in self.con.refreshes() if it.id == number)


def run(number: int) -> None:
    print(f"MVENGINE_ORDER_SEED={number}")
    run_state_machine_as_test(seed(number)(type(f"RandomOrder{number}", (RandomOrder,), {})), settings=SETTINGS)


@pytest.mark.parametrize("number", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_whatever_is_done_in_whatever_order_contents_and_states_are_right(number: int) -> None:
    run(number)


@pytest.mark.skipif(not SECONDS, reason="MVENGINE_ORDER_SECONDS sets how long it runs")
def test_the_same_for_as_long_as_it_is_told() -> None:
    end, number = monotonic() + SECONDS, FIRST_SEED + SEEDS
    while monotonic() < end:
        run(number)
        number += 1
