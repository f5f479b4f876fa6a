"""Which way of maintenance is chosen, and from what."""

from __future__ import annotations

import pytest

import mvengine
from mvengine.meta.records import MaintenanceMode, MaintenanceRun
from mvengine.planner.logical import BagRead, BagStage, Maintenance, Materialize, Strategy, UnionAll
from mvengine.refresh.choice import Choice, Costs
from mvengine.schema import Name

FULL, INCREMENTAL = MaintenanceMode.FULL, MaintenanceMode.INCREMENTAL
MILLION = 1_000_000


def plan(strategy: Strategy = Strategy.ALGEBRAIC, policy: str = "auto") -> Materialize:
    read = BagRead(storage="s", columns=(), alias="v")
    stage = BagStage(input=UnionAll(inputs=(), columns=(), alias="u"), name="v", storage="s", columns=(), twins=())
    return Materialize(
        input=Maintenance(stages=(stage,), visible=read, twins=()),
        relation=Name(schema="main", name="v"),
        storage="s",
        staging="t",
        columns=(),
        order_by=(),
        policy=policy,
        exact_floats=False,
        strategy=strategy,
        reason="",
        definition="",
        settings=(),
    )


def full(ms: float, rows: int = MILLION) -> MaintenanceRun:
    return MaintenanceRun(relation_id=1, mode=FULL, delta_rows=0, input_rows=rows, ms=ms)


def followed(rows: int, ms: float) -> MaintenanceRun:
    return MaintenanceRun(relation_id=1, mode=INCREMENTAL, delta_rows=rows, input_rows=None, ms=ms)


def not_counted() -> int:
    raise AssertionError("nobody should count here")


def choose(costs: Costs, rows: int, *, count: int | None = MILLION, view: Materialize | None = None) -> Choice:
    return costs.choose(1, view or plan(), rows, not_counted if count is None else lambda: count)


@pytest.mark.parametrize("policy", ["incremental", "strict"])
def test_a_policy_is_kept_whatever_was_measured(policy: str) -> None:
    choice = choose(Costs([full(1), followed(10, 500)]), MILLION, count=None, view=plan(policy=policy))
    assert choice == Choice(mode=INCREMENTAL, reason=f"policy '{policy}'", predicted_ms=None, input_rows=None)


def test_strategy_full_is_no_choice() -> None:
    assert choose(Costs(), 1, count=None, view=plan(Strategy.FULL)).mode is FULL


def test_before_anything_was_measured_the_share_of_changed_rows_decides() -> None:
    assert choose(Costs(), 100, count=None).mode is INCREMENTAL
    assert choose(Costs(), 100_000).mode is INCREMENTAL
    assert choose(Costs(), 600_000).reason == "600000 changed rows of 1000000: deriving again is cheaper"
    assert choose(Costs(), 300_000, view=plan(Strategy.AFFECTED)).mode is FULL


def test_a_small_change_is_decided_without_counting() -> None:
    choice = choose(Costs([full(100), followed(1000, 4)]), 1000, count=None)
    assert (choice.mode, choice.predicted_ms) == (INCREMENTAL, 4)
    assert choice.reason == "1000 changed rows: incremental 4.0 ms, full 100.1 ms predicted"


def test_the_shorter_time_decides_where_both_were_measured() -> None:
    costs = Costs([full(100), followed(1_000, 10), followed(100_000, 208)])
    assert choose(costs, 30_000).mode is INCREMENTAL  # 68 ms between the two
    assert choose(costs, 80_000).mode is FULL
    assert choose(costs, 80_000).input_rows == MILLION


def test_a_view_that_was_slow_to_follow_is_derived_again_even_for_a_small_change() -> None:
    assert choose(Costs([full(100), followed(10, 300)]), 10).mode is FULL


def test_a_view_filled_from_next_to_nothing_has_not_been_measured() -> None:
    assert choose(Costs([full(1, rows=0)]), 1000, count=None).reason == "1000 changed rows are few"


def test_full_grows_with_its_inputs_and_the_last_runs_count_most() -> None:
    costs = Costs([full(500), full(100), full(200), followed(20_000, 250)])  # 214 ms by now
    assert choose(costs, 20_000).mode is FULL
    assert choose(costs, 20_000, count=2 * MILLION).mode is INCREMENTAL


def test_one_slow_run_does_not_decide_for_ever() -> None:
    costs = Costs([full(100), followed(1000, 300)])
    for _ in range(3):
        costs.note(followed(1000, 20))
    assert choose(costs, 1000).mode is INCREMENTAL


def test_a_way_that_was_slow_once_is_tried_again() -> None:
    costs, tried = Costs([full(100), followed(1000, 150)]), 0
    while choose(costs, 1000).mode is FULL:
        costs.note(full(100))
        tried += 1
    assert 5 < tried < 15


def test_what_was_never_followed_is_predicted_by_the_line_through_what_was_and_never_beyond_proportion() -> None:
    assert choose(Costs([full(1000), followed(1_000, 5), followed(10_000, 14)]), 100_000).predicted_ms == 104
    assert choose(Costs([full(1000), followed(10_000, 10)]), 40_000).predicted_ms == 40


def test_another_definition_begins_anew() -> None:
    costs = Costs([full(1), followed(10, 300)])
    costs.forget(1)
    assert choose(costs, 10, count=None).mode is INCREMENTAL


def test_a_view_that_loses_all_its_rows_when_it_is_derived_again_has_changed() -> None:
    with mvengine.connect() as con:
        con.execute("CREATE TABLE t (x INT); INSERT INTO t VALUES (1), (2)")
        con.execute("CREATE MATERIALIZED VIEW v AS SELECT lead(x) OVER (ORDER BY x) AS y FROM t")
        epochs = "SELECT strategy, epoch FROM mv_catalog.materialized_views"
        assert con.execute(epochs).fetchall() == [("full", 0)]
        con.execute("DELETE FROM t")
        assert con.execute("FROM v").fetchall() == []
        assert con.execute(epochs).fetchall() == [("full", 1)]
