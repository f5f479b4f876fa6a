"""The statement that derives the change of a MatchStage without keys, by the rows that it can touch.

    T = ΔL ∪ (L ⋉_p ΔR)      N = R ⋉_p T
    Δ(L ∘_p R) = T ∘_p N  ⊎  −(T_old ∘_p N_old)

where ∘ gives each row of L what its matches make of it (left join, semijoin, …). Those of a row that is not in T are
the same before and after; and a row of T has its matches in N. T is made of bags: of each row that satisfies p with a
changed one on the right all copies, of the others those that came or went; so T_old = T ⊎ −ΔL, and N_old likewise.

A full join is a left join and the rows of the right side without a match, which are derived in the same way from
T' = ΔR ∪ (R ⋉_p ΔL). What is read for a change are the pairs of changed and stored rows that are compared by p.
Source: Larson and Zhou, "Efficient Maintenance of Materialized Outer-Join Views" (2007), for conditions of any form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.bag import consolidated
from mvengine.planner.emit.select import columns_of, conjunction, matched, scope_of, select, union
from mvengine.planner.logical import WEIGHT, Match, MatchKind, MatchStage
from mvengine.planner.node import Node
from mvengine.schema import Columns, quote


@dataclass(frozen=True)
class _Side:
    """An input of the match, with the names of its parts in the statement."""

    name: str  # 'left' or 'right'
    node: Node
    twins: Columns
    has_changed: bool

    @property
    def alias(self) -> str:
        return quote(scope_of(self.node))

    @property
    def columns(self) -> tuple[str, ...]:
        return columns_of(self.node)

    @property
    def change(self) -> str:
        return f"{self.name}_change"

    @property
    def old(self) -> str:
        """What ends the names of rows as they were."""
        return "before" if self.has_changed else "now"

    def names(self, alias: str = "") -> str:
        return ", ".join(f"{alias}.{quote(name)}" if alias else quote(name) for name in self.columns)

    def current(self) -> str:
        return f"(\n{select(self.node, weighted=False)}\n) AS {self.alias}"

    def repeated(self, weighted: str) -> str:
        """The rows of a query with weights, as often as these say."""
        return f"SELECT {self.names()}, unnest(range({WEIGHT})) FROM (\n{weighted}\n)"

    def without_change(self, now: str, change: str) -> str:
        """Rows as they were: those of ``now`` ⊎ −``change``, which are tables in the statement."""
        rows = (
            f"SELECT {self.names()}, CAST(1 AS BIGINT) AS {WEIGHT} FROM {now}\n"
            f"UNION ALL SELECT {self.names()}, -{WEIGHT} FROM {change}"
        )
        return f"SELECT {self.names()} FROM (\n{self.repeated(consolidated(rows, self.columns, self.twins))}\n)"


def change(stage: MatchStage, changes: Changes) -> str:
    """A query for the stage's change: its columns and a weight, consolidated."""
    node = stage.input
    assert isinstance(node, Match)
    left = _Side("left", node.left, stage.left_twins, changes.reach(node.left))
    right = _Side("right", node.right, stage.right_twins, changes.reach(node.right))
    condition = conjunction([predicate.sql for predicate in node.predicates]) or "true"
    parts = [_change(side, changes) for side in (left, right) if side.has_changed]
    parts += _touched(left, right, condition)
    by_left = replace(node, kind=MatchKind.LEFT) if node.kind is MatchKind.FULL else node
    terms = [
        _term(matched(by_left, *(f"{name} AS {side.alias}" for name, side in pair)), weight)
        for weight, pair in (
            (1, (("left_touched_now", left), ("right_near_now", right))),
            (-1, ((f"left_touched_{left.old}", left), (f"right_near_{right.old}", right))),
        )
    ]
    if node.kind is MatchKind.FULL:
        parts += _touched(right, left, condition)
        terms.append(_term(_unmatched(node, "right_touched_now", "left_near_now", condition), 1))
        old = f"right_touched_{right.old}", f"left_near_{left.old}"
        terms.append(_term(_unmatched(node, *old, condition), -1))
    rows = "\nUNION ALL\n".join(terms)
    return f"WITH {', '.join(parts)}\n{consolidated(rows, stage.columns, stage.twins)}"


def _change(side: _Side, changes: Changes) -> str:
    rows = consolidated(union(changes.terms(side.node), weighted=True), side.columns, side.twins)
    return f"{side.change} AS MATERIALIZED (\n{rows}\n)"


def _touched(side: _Side, other: _Side, condition: str) -> Iterator[str]:
    """T and T_old of one side, N and N_old of the other, by their names."""
    found = []
    changed = f"{other.change} AS {other.alias}"
    if other.has_changed:
        found.append(f"SELECT {side.names(side.alias)} FROM {side.current()} SEMI JOIN {changed} ON {condition}")
    if side.has_changed:
        own = f"{side.change} AS {side.alias}"
        unless = f" ANTI JOIN {changed} ON {condition}" if other.has_changed else ""
        weight = f"{side.alias}.{WEIGHT}"
        came = f"SELECT {side.names(side.alias)}, {weight} FROM {own}{unless} WHERE {weight} > 0"
        found.append(f"SELECT {side.names()} FROM (\n{side.repeated(came)}\n)")
    touched = f"{side.name}_touched"
    yield f"{touched}_now AS MATERIALIZED (\n" + "\nUNION ALL ".join(found) + "\n)"
    if side.has_changed:
        yield f"{touched}_before AS MATERIALIZED (\n{side.without_change(f'{touched}_now', side.change)}\n)"
    ever = f"{touched}_now"
    if side.has_changed:
        ever = f"(FROM {touched}_now UNION ALL FROM {touched}_before)"
    among = f"SEMI JOIN {ever} AS {side.alias} ON {condition}"
    near = f"{other.name}_near"
    yield f"{near}_now AS MATERIALIZED (\nSELECT {other.names(other.alias)} FROM {other.current()} {among}\n)"
    if other.has_changed:
        lost = f"SELECT {other.names(other.alias)}, {other.alias}.{WEIGHT} FROM {changed} {among}"
        yield f"{near}_before AS MATERIALIZED (\n{other.without_change(f'{near}_now', f'({lost})')}\n)"


def _unmatched(node: Match, right: str, left: str, condition: str) -> str:
    """The rows of the right side without a match, padded as a full join does it."""
    ours, theirs = quote(scope_of(node.right)), quote(scope_of(node.left))
    rows = f"(SELECT {ours}.* FROM {right} AS {ours} ANTI JOIN {left} AS {theirs} ON {condition}) AS {ours}"
    return matched(node, f"(SELECT * FROM {left} LIMIT 0) AS {theirs}", rows, condition="false")


def _term(query: str, weight: int) -> str:
    return f"SELECT *, CAST({weight} AS BIGINT) AS {WEIGHT} FROM (\n{query}\n)"
