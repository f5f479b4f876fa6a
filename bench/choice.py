"""Is the way by which a view is maintained the shorter one? All of TPC-H's queries as views, changes of many sizes.

Each change is followed in a transaction that is rolled back, so that all ways are measured on the same rows: forced to
follow, forced to derive again, and as chosen. What is chosen is judged by the fastest of the forced runs, since others
on the machine only add time; it learns from nothing but its own runs and the CREATE of the views. Each size comes
twice, the first time unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import mvengine
from bench.data import load_plain
from bench.measure import Goal, Measurement
from bench.orders_change import NO_CHECKPOINT, Kinds, create_stage, stage
from bench.run import Run
from bench.tpch_views import QUERIES
from mvengine.demo.tpch import KEYS
from mvengine.meta.records import MaintenanceMode, MaintenanceRun
from mvengine.planner.logical import Materialize, Strategy
from mvengine.refresh.choice import Choice, Costs

FRACTIONS = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5)
"""Of the orders, with their lineitems: a third each deleted, inserted and updated."""

GOOD_RATIO = 1.2  # a choice is right where it takes at most so much of the better way's time
WRONG_PERCENT_MAX = 5

WAYS = (MaintenanceMode.INCREMENTAL, MaintenanceMode.FULL)

Times = dict[int, float]  # milliseconds by relation_id


class Forced(Costs):
    """Whatever was measured, this way; it keeps what each view took."""

    def __init__(self, mode: MaintenanceMode) -> None:
        super().__init__()
        self.mode = mode
        self.times: Times = {}

    def choose(self, relation_id: int, plan: Materialize, delta_rows: int, count: Callable[[], int]) -> Choice:
        mode = MaintenanceMode.FULL if plan.strategy is Strategy.FULL else self.mode
        return Choice(mode=mode, reason="forced", predicted_ms=None, input_rows=None)

    def note(self, run: MaintenanceRun) -> None:
        self.times[run.relation_id] = run.ms


class Watched(Costs):
    """Costs that are learnt from as always; the ways that were chosen last can be looked at."""

    def __init__(self, learnt: Costs) -> None:
        super().__init__()
        self.learnt = learnt
        self.modes: dict[int, MaintenanceMode] = {}

    def choose(self, relation_id: int, plan: Materialize, delta_rows: int, count: Callable[[], int]) -> Choice:
        choice = self.learnt.choose(relation_id, plan, delta_rows, count)
        self.modes[relation_id] = choice.mode
        return choice

    def note(self, run: MaintenanceRun) -> None:
        self.learnt.note(run)


def choice(run: Run) -> Iterator[Measurement]:
    """Which share of all choices was right, and the wrong ones."""
    base = load_plain(run.workspace, tuple(KEYS))
    with mvengine.connect(str(run.workspace.copy_of("choice", base))) as connection:
        connection.execute(NO_CHECKPOINT)
        for path in sorted(QUERIES.glob("*.sql")):
            connection.execute(f"CREATE MATERIALIZED VIEW {path.stem} AS {path.read_text()}")
        create_stage(connection)
        ratios = dict(_ratios(connection, run.runs))
    wrong = {what: (ratio,) for what, ratio in ratios.items() if ratio > GOOD_RATIO}
    share = 100 * len(wrong) / len(ratios)
    goal = Goal(side="wrong", most=WRONG_PERCENT_MAX)
    case = f"{len(ratios)} choices of TPC-H's views, SF{run.workspace.scale:g}"
    yield Measurement(case=case, values={"wrong": (share,)}, goals=(goal,), unit="%")
    yield Measurement(case="times the better way", values=wrong or {"none": (1.0,)}, goals=(), unit="x")


def _ratios(connection: mvengine.Connection, runs: int) -> Iterator[tuple[str, float]]:
    """Of each choice that there was: what the chosen way takes, in times of the better one."""
    database = connection._database
    assert database is not None
    views = {
        view.relation_id: view for view in database.graph.views.values() if view.plan.strategy is not Strategy.FULL
    }
    watched = Watched(database.costs)
    for number, fraction in enumerate(FRACTIONS):
        kinds = Kinds(deletes=True, inserts=True, updates=True, is_single=False, buckets=round(3 / fraction))
        chosen: list[dict[int, MaintenanceMode]] = []
        for _ in range(2):
            database.costs = watched
            watched.modes.clear()
            _follow(connection, kinds, number)
            chosen.append(dict(watched.modes))
        times = {mode: [_forced(connection, kinds, number, mode) for _ in range(runs)] for mode in WAYS}
        for relation_id, view in views.items():
            if not any(relation_id in modes for modes in chosen):
                continue  # it does not read what has changed, or so few orders were drawn that nothing has
            took = {mode: _fastest(found, relation_id) for mode, found in times.items()}
            for time, modes in zip(("first", "again"), chosen, strict=True):
                if relation_id in modes:
                    mode = modes[relation_id]
                    yield f"{view.name} {fraction:.2%} {time} {mode}", took[mode] / min(took.values())


def _fastest(times: Sequence[Times], relation_id: int) -> float:
    return min(found[relation_id] for found in times if relation_id in found)


def _forced(connection: mvengine.Connection, kinds: Kinds, number: int, mode: MaintenanceMode) -> Times:
    assert connection._database is not None
    connection._database.costs = forced = Forced(mode)
    _follow(connection, kinds, number)
    return forced.times


def _follow(connection: mvengine.Connection, kinds: Kinds, number: int) -> None:
    """Makes a change and lets the views follow, as the reading of one does; nothing of it stays."""
    change = stage(connection, kinds, number % max(kinds.buckets // 3, 1))
    connection.execute("BEGIN")
    for statement in change.statements():
        connection.execute(statement)
    connection.execute("SELECT count(*) FROM q01").fetchall()
    connection.execute("ROLLBACK")
