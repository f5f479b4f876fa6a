"""Runs a composed scenario, says what kind of difference it found, and makes it small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import monotonic

import duckdb
from determined import check_determined
from query_shrink import smaller_queries
from scenario import Scenario
from scenario_run import Mismatch, Strategies, Unfit, run
from scenario_shrink import shrink


@dataclass(frozen=True, kw_only=True)
class Failure:
    """``cause`` is the same for failures that look alike: what differed, in which construct."""

    scenario: Scenario
    message: str
    cause: str


def check(scenario: Scenario) -> tuple[Failure | None, Strategies]:
    """The failure of a scenario, if it has one, and how its views were maintained. Raises Unfit."""
    try:
        return None, run(scenario)
    except Mismatch as mismatch:
        check_determined(scenario)
        return Failure(scenario=scenario, message=str(mismatch), cause=cause_of(str(mismatch))), {}


def cause_of(message: str) -> str:
    """The error of a refusal without its names and numbers; or that rows or columns differ."""
    if "too many" in message:
        return "wrong rows"
    lines = message.strip().splitlines()
    line = next((line for line in lines[1:] if "Error: " in line), lines[0])
    return re.sub(r'"[^"]*"|\'[^\']*\'|\b\w*\d\w*\b', "_", line)[:100]


def smallest(failure: Failure, *, seconds_max: float) -> Failure:
    """As small as found in time: first whole parts of the scenario, then of its queries; the cause stays the same."""
    deadline = monotonic() + seconds_max

    def fails(scenario: Scenario) -> bool:
        return monotonic() < deadline and _same_failure(scenario, failure.cause) is not None

    scenario = shrink(failure.scenario, fails)
    progress = True
    while progress and monotonic() < deadline:
        progress = False
        for candidate in _smaller_views(scenario):
            if _is_accepted(candidate) and fails(candidate):
                scenario, progress = candidate, True
                break
    scenario = shrink(scenario, fails)
    return _same_failure(scenario, failure.cause) or failure


def _same_failure(scenario: Scenario, cause: str) -> Failure | None:
    try:
        found, _ = check(scenario)
    except Unfit:
        return None
    return found if found is not None and found.cause == cause else None


def _smaller_views(scenario: Scenario) -> Iterator[Scenario]:
    for i, view in enumerate(scenario.views):
        for query in smaller_queries(view.query):
            smaller = replace(view, query=query)
            yield replace(scenario, views=(*scenario.views[:i], smaller, *scenario.views[i + 1 :]))


def _is_accepted(scenario: Scenario) -> bool:
    """By DuckDB: cheap to ask before mvengine."""
    with duckdb.connect() as plain:
        try:
            for step in (*scenario.tables, *scenario.filling.writes):
                plain.execute(step.sql)
            for view in scenario.views:
                plain.execute(view.plain_sql)
        except duckdb.Error:
            return False
    return True
