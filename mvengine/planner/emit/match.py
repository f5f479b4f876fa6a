"""The statement that derives the change of a MatchStage, by its affected keys.

    K = π_key(ΔL) ∪ π_key(ΔR)
    Δ(L ∘ R) = (L ⋉ K) ∘ (R ⋉ K)  ⊎  −((L_old ⋉ K) ∘ (R_old ⋉ K))

where ∘ matches by equal keys (left join, semijoin, …): what a row becomes depends on the rows with its key alone. The
rows before follow from those after: L_old ⋉ K = (L ⋉ K) ⊎ −ΔL. So each input is read once, and nothing is stored.

A key with a NULL in it matches nothing. Such rows are left out of K, which may so be compared by ``=``; what they
become does not depend on the other side, and is as linear in ΔL as a projection.
Source: the affected keys are those of Quass, "Maintenance Expressions for Views with Aggregation" (1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mvengine.planner.delta.changes import Changes
from mvengine.planner.delta.restrict import Affected
from mvengine.planner.emit import touched
from mvengine.planner.emit.bag import consolidated
from mvengine.planner.emit.select import columns_of, free_alias, matched, scope_of, select, union
from mvengine.planner.logical import WEIGHT, Match, MatchKind, MatchStage
from mvengine.planner.node import Node
from mvengine.planner.scalar import Expr
from mvengine.schema import Columns, quote


@dataclass(frozen=True)
class _Side:
    """An input of a match with its part in the statement."""

    name: str  # 'left' or 'right'
    node: Node
    twins: Columns
    keys: tuple[Expr, ...]
    may_be_null: tuple[bool, ...]  # per key: whether NULL is equal to NULL
    changes: Changes
    affected: Affected

    @property
    def alias(self) -> str:
        return scope_of(self.node)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return columns_of(self.node)

    @property
    def has_changed(self) -> bool:
        return self.changes.reach(self.node)

    @property
    def has_key(self) -> str:
        """The condition under which a row has a key that may match."""
        strict = [key.sql for key, null_safe in zip(self.keys, self.may_be_null, strict=True) if not null_safe]
        return " AND ".join(f"{sql} IS NOT NULL" for sql in strict) or "true"

    def change(self) -> str:
        """ΔL, consolidated."""
        rows = union(self.changes.terms(self.node), weighted=True)
        return f"{self.name}_change AS MATERIALIZED (\n{consolidated(rows, self.columns, self.twins)}\n)"

    def key_rows(self) -> str:
        keys = ", ".join(f"{key.sql} AS k{i}" for i, key in enumerate(self.keys, 1))
        return f"SELECT {keys} FROM {self.name}_change AS {quote(self.alias)} WHERE {self.has_key}"

    def current(self) -> str:
        """L ⋉ K."""
        names = _names(self.columns, self.alias)
        node = self.affected.restricted(self.node, {f"k{i}": key for i, key in enumerate(self.keys, 1)})
        rows = f"({select(node, weighted=False)}) AS {quote(self.alias)}"
        same = [
            f"{key.sql} {'IS NOT DISTINCT FROM' if null_safe else '='} {self.affected.table}.k{i}"
            for i, (key, null_safe) in enumerate(zip(self.keys, self.may_be_null, strict=True), 1)
        ]
        semi = f"\n  SEMI JOIN {self.affected.table} ON {' AND '.join(same)}"
        return f"{self.name}_now AS MATERIALIZED (\nSELECT {names} FROM {rows}{semi}\n)"

    def before(self) -> str:
        """L_old ⋉ K = (L ⋉ K) ⊎ −ΔL, its rows as often as their weight says."""
        names = _names(self.columns)
        lost = f"SELECT {names}, -{WEIGHT} FROM {self.name}_change AS {quote(self.alias)} WHERE {self.has_key}"
        rows = f"SELECT {names}, CAST(1 AS BIGINT) AS {WEIGHT} FROM {self.name}_now\nUNION ALL {lost}"
        return (
            f"{self.name}_before AS MATERIALIZED (\nSELECT {names} FROM (\n"
            f"SELECT {names}, unnest(range({WEIGHT})) FROM (\n{consolidated(rows, self.columns, self.twins)}\n))\n)"
        )


def change(stage: MatchStage, changes: Changes) -> str:
    """A query for the stage's change: its columns and a weight, consolidated."""
    node = stage.input
    assert isinstance(node, Match)
    if changes.around is not None:
        return consolidated(union(changes.terms(node), weighted=True), stage.columns, stage.twins)
    if not node.keys:
        return touched.change(stage, changes)
    null_safe = tuple(key.is_null_safe for key in node.keys)
    table = free_alias("affected", scope_of(node.left), scope_of(node.right))
    affected = changes.affected(stage, table, is_null_safe=any(null_safe))
    keys = tuple(key.left for key in node.keys), tuple(key.right for key in node.keys)
    left = _Side("left", node.left, stage.left_twins, keys[0], null_safe, changes, affected)
    right = _Side("right", node.right, stage.right_twins, keys[1], null_safe, changes, affected)
    sides = [side for side in (left, right) if side.has_changed]
    parts = [side.change() for side in sides]
    parts.append(f"{table} AS MATERIALIZED (\n" + "\nUNION ".join(side.key_rows() for side in sides) + "\n)")
    parts += [left.current(), right.current(), *(side.before() for side in sides)]
    terms = [
        f"SELECT *, CAST(1 AS BIGINT) AS {WEIGHT} FROM (\n{_evaluated(node, 'now', 'now')}\n)",
        f"SELECT *, CAST(-1 AS BIGINT) AS {WEIGHT} FROM (\n"
        + _evaluated(node, *("before" if side.has_changed else "now" for side in (left, right)))
        + "\n)",
        *_unmatchable(node, left, right),
    ]
    rows = "\nUNION ALL\n".join(terms)
    return f"WITH {', '.join(parts)}\n{consolidated(rows, stage.columns, stage.twins)}"


def _evaluated(node: Match, left: str, right: str) -> str:
    """The match itself, over what the statement has named."""
    return matched(
        node, f"left_{left} AS {quote(scope_of(node.left))}", f"right_{right} AS {quote(scope_of(node.right))}"
    )


def _unmatchable(node: Match, left: _Side, right: _Side) -> list[str]:
    """Changed rows whose key can match nothing: padded, or let through, as the match does with them."""
    if left.has_key == "true":
        return []
    nothing = "(SELECT * FROM {0}_now LIMIT 0) AS {1}"
    found = []
    sides = [left, right] if node.kind is MatchKind.FULL else [left]
    if node.kind in (MatchKind.SEMI, MatchKind.ASOF):
        return []
    if node.kind is MatchKind.ASOF_LEFT:  # over nothing a left join, whose condition need not be an inequality
        node = replace(node, kind=MatchKind.LEFT)
    for side in sides:
        if not side.has_changed:
            continue
        alias = quote(side.alias)
        own = f"(SELECT * FROM {side.name}_change AS {alias} WHERE NOT ({side.has_key})) AS {alias}"
        other = right if side is left else left
        empty = nothing.format(other.name, quote(other.alias))
        items = (own, empty) if side is left else (empty, own)
        found.append(matched(node, *items, condition="false", weight=f"{alias}.{WEIGHT}"))
    return found


def _names(columns: Sequence[str], alias: str | None = None) -> str:
    prefix = f"{quote(alias)}." if alias else ""
    return ", ".join(prefix + quote(name) for name in columns)
