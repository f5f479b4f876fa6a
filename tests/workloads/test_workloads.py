"""Whole sets of views, as a user would have them: each view is its query's bag after every epoch of changes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from workload import Run, Workload

import mvengine
from mvengine.demo.tpch import generate
from mvengine.refresh import near

HERE = Path(__file__).parent
EPOCHS = (1, 2, 3)
STAR_COMPUTED_AGAIN = {"d01_revenue_by_category_month", "d02_revenue_cube", "f02_overview"}  # ROLLUP, CUBE, one group


@pytest.fixture(scope="module")
def tpch(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    """At scale factor 0.01: 60,000 lineitems."""
    data = tmp_path_factory.mktemp("tpch")
    generate(data, scale=0.01)
    return Workload(folder=HERE / "tpch", data=str(data))


def test_the_22_queries_of_tpch_follow_changes_of_all_eight_tables(tpch: Workload) -> None:
    _follow(tpch, autocommitted=(), computed_again=set())


def test_the_queries_of_nexmark_follow_persons_auctions_and_bids() -> None:
    _follow(Workload(folder=HERE / "nexmark"), autocommitted=(2,), computed_again=set())


def test_a_star_schema_in_six_layers_follows_what_is_delivered() -> None:
    _follow(Workload(folder=HERE / "star"), autocommitted=(2,), computed_again=STAR_COMPUTED_AGAIN)


def _follow(workload: Workload, *, autocommitted: tuple[int, ...], computed_again: set[str]) -> None:
    """``computed_again``: the only views that may have the strategy ``full``."""
    with mvengine.connect() as connection, duckdb.connect() as plain:
        run = Run(workload, connection, plain)
        for epoch in EPOCHS:
            run.epoch(epoch, in_one_transaction=epoch not in autocommitted)
        full = {name: reason for name, (strategy, reason) in run.strategies().items() if strategy == "full"}
        assert full.keys() <= computed_again, full
        unmoved = run.views.keys() - run.moved
        assert not unmoved, f"the changes show nothing about {sorted(unmoved)}"


def test_the_22_queries_of_tpch_follow_where_every_relation_is_reduced_to_what_is_near(
    tpch: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "BIG_RELATION_ROWS", 0)
    monkeypatch.setattr(near, "SMALL_PART", 0)
    _follow(tpch, autocommitted=(), computed_again=set())
