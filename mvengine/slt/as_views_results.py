"""What came of queries as materialized views, as values that go from one process to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ViewOutcome(StrEnum):
    EXACT = "exact"
    DIFFERENT = "different"
    UNDETERMINED = "undetermined"
    NONE = "not a view"


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewResult:
    """What came of one query, once. ``reason`` says why it was no view, what leaves it open, or how it differs.

    ``writes`` counts the statements that wrote while the view was there, ``strategy`` is how it followed them.
    """

    outcome: ViewOutcome
    strategy: str = ""
    reason: str = ""
    writes: int = 0


Sums = tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Views:
    """The queries of a file, or of all, as materialized views: how many ran, and what came of them.

    ``exact`` counts them by strategy, ``undetermined`` and ``refused`` by reason. ``unwritten`` of the exact ones saw
    no statement that writes: they show that the view is filled rightly, not that it follows.
    """

    queries: int
    exact: Sums
    different: int
    undetermined: Sums
    refused: Sums
    unwritten: int

    @classmethod
    def of(cls, results: Iterable[ViewResult]) -> Views:
        found = tuple(results)
        exact = [result for result in found if result.outcome is ViewOutcome.EXACT]
        return cls(
            queries=len(found),
            exact=_sums(result.strategy for result in exact),
            different=sum(result.outcome is ViewOutcome.DIFFERENT for result in found),
            undetermined=_sums(result.reason for result in found if result.outcome is ViewOutcome.UNDETERMINED),
            refused=_sums(result.reason for result in found if result.outcome is ViewOutcome.NONE),
            unwritten=sum(not result.writes for result in exact),
        )

    @classmethod
    def sum(cls, found: Iterable[Views]) -> Views:
        parts = tuple(found)
        return cls(
            queries=sum(part.queries for part in parts),
            exact=_added(part.exact for part in parts),
            different=sum(part.different for part in parts),
            undetermined=_added(part.undetermined for part in parts),
            refused=_added(part.refused for part in parts),
            unwritten=sum(part.unwritten for part in parts),
        )

    @property
    def exact_count(self) -> int:
        return sum(count for _, count in self.exact)

    def lines(self) -> list[str]:
        """What a person reads: the sum, then each reason with its count, the most frequent one first."""
        exact = ", ".join(f"{strategy} {count:,}" for strategy, count in self.exact)
        undetermined, refused = (sum(count for _, count in sums) for sums in (self.undetermined, self.refused))
        head = f"as views: {self.queries:,} queries, {self.exact_count:,} exact" + (f" ({exact})" if exact else "")
        head += f", {self.different:,} different, {undetermined:,} undetermined, {refused:,} not views"
        found = [head]
        if self.unwritten:
            found.append(f"  {self.unwritten:,} of the exact ones saw no change after the view was made")
        found += [f"  undetermined {count:,}: {reason}" for reason, count in self.undetermined]
        found += [f"  not a view {count:,}: {reason}" for reason, count in self.refused]
        return found


def _sums(texts: Iterable[str]) -> Sums:
    return tuple(Counter(texts).most_common())


def _added(sums: Iterable[Sums]) -> Sums:
    total: Counter[str] = Counter()
    for part in sums:
        total.update(dict(part))
    return tuple(total.most_common())
