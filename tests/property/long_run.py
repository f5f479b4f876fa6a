"""The composed queries for as long as one likes: ``python tests/property/long_run.py --minutes 60 --seed 1``.

Each failing scenario is made small and printed as SQL, once for each cause; at the end stands by construct how the
views that have it were maintained. The exit code is 1 where anything failed.
"""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from pathlib import Path
from time import monotonic

import click

sys.path.append(str(Path(__file__).parents[1]))  # for what all tests share

from compose_check import Failure, check, smallest
from compose_scenario import composed_scenario
from constructs_of import constructs_of
from scenario import Scenario
from scenario_run import Strategies, Unfit

from mvengine.planner import plan
from mvengine.refresh import around, near


@click.command()
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--seed", default=1, show_default=True, help="The first one; the next ones follow.")
@click.option("--shrink", "seconds", default=60.0, show_default=True, help="Seconds to make one failure small.")
@click.option("--terms", "has_terms", is_flag=True, help="Follow by the terms of a change, not by what lies around it.")
@click.option("--near", "is_reduced", is_flag=True, help="The same, and reduce all relations to what is near, always.")
def main(minutes: float, seed: int, seconds: float, has_terms: bool, is_reduced: bool) -> None:
    """Runs one scenario a seed until the time is over."""
    plan.raises_own_errors = True
    if has_terms or is_reduced:
        around.SMALL_ROWS, around.SMALL_PART = -1, math.inf
    if is_reduced:
        near.BIG_RELATION_ROWS = near.SMALL_PART = 0
    deadline = monotonic() + minutes * 60
    tally = Tally()
    while monotonic() < deadline:
        scenario = composed_scenario(seed)
        try:
            failure, strategies = check(scenario)
        except Unfit:
            tally.unfit += 1
        else:
            tally.count(scenario, strategies)
            if failure is not None:
                tally.tell(smallest(failure, seconds_max=seconds) if tally.is_new(failure) else failure)
        seed += 1
    tally.summary(seed)
    sys.exit(bool(tally.failures))


class Tally:
    """What was found so far."""

    def __init__(self) -> None:
        self.scenarios = self.unfit = 0
        self.failures: dict[str, list[int]] = defaultdict(list)  # by cause, the seeds
        self.raw: Counter[str] = Counter()
        self.strategies: dict[str, Counter[str]] = defaultdict(Counter)
        self.reasons: Counter[str] = Counter()

    def count(self, scenario: Scenario, strategies: Strategies) -> None:
        self.scenarios += 1
        queries = {view.name: view.query for view in scenario.views}
        for name, (strategy, reason) in strategies.items():
            for construct in constructs_of(queries[name]):
                self.strategies[construct][strategy] += 1
            self.strategies["any"][strategy] += 1
            self.reasons[reason] += strategy == "full"

    def is_new(self, failure: Failure) -> bool:
        """A refusal is known by its message; wrong rows have to be made small before one can say."""
        self.raw[failure.cause] += 1
        return failure.cause == "wrong rows" or self.raw[failure.cause] == 1

    def tell(self, failure: Failure) -> None:
        cause = failure.cause
        if cause == "wrong rows":
            found = sorted({name for view in failure.scenario.views for name in constructs_of(view.query)})
            cause = f"wrong rows: {', '.join(found)}"
        self.failures[cause].append(failure.scenario.seed)
        if len(self.failures[cause]) == 1:
            print(f"=== {cause}\n{failure.message}\n\n{failure.scenario.script()}\n", flush=True)

    def summary(self, seed: int) -> None:
        print(f"{self.scenarios} scenarios up to seed {seed - 1}, {self.unfit} more proved nothing")
        for construct, strategies in sorted(self.strategies.items(), key=lambda item: -item[1]["full"]):
            views = sum(strategies.values())
            shares = ", ".join(f"{name} {count}" for name, count in strategies.most_common())
            print(f"{construct:28} {views:6} views, {strategies['full'] / views:4.0%} full: {shares}")
        for reason, count in self.reasons.most_common(40):
            print(f"{count:6} × {reason}") if count else None
        for cause, seeds in sorted(self.failures.items(), key=lambda item: -len(item[1])):
            print(f"FAILED {len(seeds)} times, seeds {seeds[:8]}: {cause}")


if __name__ == "__main__":
    main()
