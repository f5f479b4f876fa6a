"""Makes a failing scenario small: leaves out whatever is not needed for it to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from scenario import Epoch, Scenario

RUNS_MAX = 400

Part = TypeVar("Part")


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """The smallest scenario found by dropping one part at a time, as long as it still fails."""
    runs = 0
    progress = True
    while progress:
        progress = False
        for candidate in _smaller(scenario):
            runs += 1
            if runs > RUNS_MAX:
                return scenario
            if fails(candidate):
                scenario, progress = candidate, True
                break
    return scenario


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    for epochs in _without_one(scenario.epochs):
        yield replace(scenario, epochs=epochs)
    for view in reversed(scenario.views):
        if not any(view.name in other.reads for other in scenario.views):
            yield replace(scenario, views=tuple(other for other in scenario.views if other is not view))
    for i, epoch in enumerate(scenario.epochs):
        for smaller in _smaller_epochs(epoch):
            yield replace(scenario, epochs=(*scenario.epochs[:i], smaller, *scenario.epochs[i + 1 :]))
    for filling in _smaller_epochs(scenario.filling):
        yield replace(scenario, filling=filling)
    used = " ".join(write.sql for epoch in (scenario.filling, *scenario.epochs) for write in epoch.writes)
    used += " ".join(view.query for view in scenario.views)
    for table in scenario.tables:
        if f"{table.name} " not in f"{used} ":
            yield replace(scenario, tables=tuple(other for other in scenario.tables if other is not table))


def _smaller_epochs(epoch: Epoch) -> Iterator[Epoch]:
    for writes in _without_one(epoch.writes):
        yield replace(epoch, writes=writes)
    for i, write in enumerate(epoch.writes):
        if write.is_checked:
            calm = replace(write, is_checked=False)
            yield replace(epoch, writes=(*epoch.writes[:i], calm, *epoch.writes[i + 1 :]))
        head, keyword, rows = write.sql.partition("VALUES (")
        parts = rows.split("), (")
        if keyword and len(parts) > 1 and rows.endswith(")"):
            fewer = replace(write, sql=head + keyword + "), (".join(parts[:-1]) + ")")
            yield replace(epoch, writes=(*epoch.writes[:i], fewer, *epoch.writes[i + 1 :]))


def _without_one(items: tuple[Part, ...]) -> Iterator[tuple[Part, ...]]:
    for i in range(len(items)):
        yield items[:i] + items[i + 1 :]


def shrink_list(items: list[Part], fails: Callable[[list[Part]], bool]) -> list[Part]:
    """The same for a list whose parts can each be left out."""
    i = 0
    while i < len(items):
        fewer = items[:i] + items[i + 1 :]
        if fails(fewer):
            items, i = fewer, 0
        else:
            i += 1
    return items
