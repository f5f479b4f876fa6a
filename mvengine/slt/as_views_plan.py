"""Which queries of a script are to be views, from when to when, and which of them in one run. Pure functions.

A view is there from before the first statement that follows the last definition that it depends on, outside of
transactions, to the last record that asks the same. So no definition is changed under a view.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mvengine.slt.as_views_trace import Asked, Event


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedView:
    """A view made before event ``begin`` and read at the events ``reads``. ``columns`` is how many it has.

    ``words`` are those by which it, and what it reads, is defined.
    """

    name: str
    sql: str
    session: int
    columns: int
    begin: int
    reads: tuple[int, ...]
    words: frozenset[str]

    @property
    def end(self) -> int:
        return self.reads[-1]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The views, and why other queries are none, by the index of their event."""

    views: tuple[PlannedView, ...]
    refused: Mapping[int, str]


NOT_A_SELECT = "no SELECT"
NO_TABLE = "it reads no table of the file"
IN_TRANSACTION = "what it reads is defined in the transaction in which it is asked"
_RENAMING = frozenset(("rename", "swap"))


def plan_views(events: Sequence[Event], asked: Mapping[int, Asked]) -> Plan:
    """One view for each text that is asked in a session while what it reads stays what it is."""
    spans = _Spans()
    found: _Found = {}
    refused: dict[int, str] = {}
    quiet = _next_quiet(events)
    for index, event in enumerate(events):
        if event.is_fresh:
            spans.fresh(index)
        if index in asked:
            words = spans.words_of(event)
            begin = spans.begin_of(words)
            if not event.sent.is_query:
                refused[index] = NOT_A_SELECT
            elif not spans.is_reading(event):
                refused[index] = NO_TABLE
            elif quiet[begin] > index:
                refused[index] = IN_TRANSACTION
            else:
                known = found.setdefault((event.sql, event.session, quiet[begin]), (words, []))
                known[1].append(index)
        spans.ran(index, event)
    return Plan(views=_named(found, asked), refused=refused)


def _next_quiet(events: Sequence[Event]) -> list[int]:
    """Of each event the first one, itself or a later one, before which no transaction is open."""
    found = [len(events)] * (len(events) + 1)
    for index in range(len(events) - 1, -1, -1):
        found[index] = index if events[index].is_quiet else found[index + 1]
    return found


class _Spans:
    """What is defined so far, by which words, and since which event."""

    def __init__(self) -> None:
        self._words: dict[str, frozenset[str]] = {}
        self._since: dict[str, int] = {}
        self._all_since = 0

    def fresh(self, index: int) -> None:
        self._all_since = index

    def ran(self, index: int, event: Event) -> None:
        sent = event.sent
        if event.is_ok and sent.defines:
            self._words[sent.defines] = sent.words
        elif event.is_ok and event.touches and not _RENAMING.isdisjoint(sent.words):
            known = frozenset[str]().union(*(self._words.get(word, frozenset()) for word in event.touches))
            self._words |= dict.fromkeys(event.touches - self._words.keys(), known)
        if event.touches is None:
            self._all_since = index + 1
        else:
            self._since.update(dict.fromkeys(event.touches, index + 1))

    def is_reading(self, event: Event) -> bool:
        """Whether it names anything that the file has defined."""
        return not self._words.keys().isdisjoint(event.sent.words)

    def words_of(self, event: Event) -> frozenset[str]:
        """The words of a query, and those by which what it names is defined, and so on."""
        words, rest = set(event.sent.words), list(event.sent.words)
        while rest:
            new = self._words.get(rest.pop(), frozenset()) - words
            words |= new
            rest += new
        return frozenset(words)

    def begin_of(self, words: frozenset[str]) -> int:
        """The event before which a view that is defined by these words can be made."""
        return max([self._all_since, *(self._since.get(word, 0) for word in words)])


_Found = dict[tuple[str, int, int], tuple[frozenset[str], list[int]]]  # text, session, begin: words, reads


def _named(found: _Found, asked: Mapping[int, Asked]) -> tuple[PlannedView, ...]:
    views, used = [], dict[str, int]()
    for (sql, session, begin), (words, reads) in found.items():
        name = f"q_{asked[reads[0]].line}"
        used[name] = used.get(name, 0) + 1
        views.append(
            PlannedView(
                name=name if used[name] == 1 else f"{name}_{used[name]}",
                sql=sql,
                session=session,
                columns=asked[reads[0]].columns,
                begin=begin,
                reads=tuple(reads),
                words=words,
            )
        )
    return tuple(views)


def in_runs(views: Sequence[PlannedView], live_max: int) -> list[list[PlannedView]]:
    """The views in as many runs of the script as keep no more than ``live_max`` of them at a time."""
    runs: list[list[PlannedView]] = []
    ends: list[list[int]] = []  # of those that are live in each run, as heaps
    for view in sorted(views, key=lambda view: view.begin):
        for live in ends:
            while live and live[0] < view.begin:
                heapq.heappop(live)
        at = next((at for at, live in enumerate(ends) if len(live) < live_max), len(runs))
        if at == len(runs):
            runs.append([])
            ends.append([])
        runs[at].append(view)
        heapq.heappush(ends[at], view.end)
    return runs
