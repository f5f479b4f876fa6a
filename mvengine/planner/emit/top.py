"""The statements that maintain a TopStage. ``mv_new_<stage>`` holds what its table shall hold.

    T = the first rows of R, a prefix in a total order: all rows up to T's last one are in it
    T' = the rows of T ⊎ ΔR up to that last one

Deletions shorten the prefix, insertions lengthen it. The input is read again only when fewer rows are left than are
shown, so T keeps some more (a reserve as in Yi et al., "Efficient Maintenance of Materialized Top-k Views", 2003).

Each different row stands in the table once, with its count. Where R has rows beyond T, T's last row has a mark: it
stays until the prefix ends elsewhere, also with a count of 0. Without a mark T is all of R.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.bag import difference
from mvengine.planner.emit.select import select, union
from mvengine.planner.logical import TOP_COUNT, WEIGHT, TopRead, TopStage
from mvengine.planner.node import Node, rewrite
from mvengine.planner.twins import grouping, telling
from mvengine.schema import Columns, quote

_LAST = "_mv_is_last"
_RESERVE_ROWS = 100


@dataclass(frozen=True)
class TopSql:
    """SQL for one stage."""

    stage: TopStage

    @property
    def fresh(self) -> str:
        return quote(f"mv_new_{self.stage.name}")

    @property
    def shown(self) -> int:
        """How many rows must be known."""
        return self.stage.limit + self.stage.offset

    @property
    def kept(self) -> int:
        """How many rows are kept when the input is read."""
        return 2 * self.shown + _RESERVE_ROWS

    @property
    def _names(self) -> str:
        return ", ".join(quote(name) for name in self.stage.columns)

    @property
    def _grouping(self) -> str:
        return grouping(self.stage.columns, self.stage.twins)

    @property
    def _order(self) -> str:
        return ", ".join(self.stage.order_by)

    def create(self) -> str:
        return f"CREATE TABLE {self.stage.storage} AS\n{self._first()}"

    def rebuild(self) -> tuple[str, ...]:
        return (f"DELETE FROM {self.stage.storage}", f"INSERT INTO {self.stage.storage}\n{self._first()}")

    def read_again(self) -> str:
        """What the table shall hold, from the current input."""
        return f"CREATE OR REPLACE TEMP TABLE {self.fresh} AS\n{self._first()}"

    def _first(self) -> str:
        """The first rows of the input, the last of them with all its copies."""
        pairs = [f"i.{quote(name)} IS NOT DISTINCT FROM l.{quote(name)}" for name in self.stage.columns]
        pairs += [f"{telling(c, 'i')} IS NOT DISTINCT FROM {telling(c, 'l')}" for c in self.stage.twins]
        same = " AND ".join(pairs)
        source = f"({select(self.stage.input, weighted=False)})"
        return (
            f"WITH first AS MATERIALIZED (\n"
            f"SELECT {self._names} FROM {source} AS i ORDER BY {self._order} LIMIT {self.kept + 1}\n"
            f"), counted AS MATERIALIZED (\n"
            f"SELECT {self._names}, count(*) AS _mv_copies, row_number() OVER (ORDER BY {self._order}) AS _mv_place\n"
            f"FROM first GROUP BY {self._grouping}\n"
            f"), last AS MATERIALIZED (\n"
            f"SELECT * FROM counted WHERE (SELECT count(*) FROM first) > {self.kept} "
            f"AND _mv_place = (SELECT max(_mv_place) FROM counted)\n"
            f"), of_last AS MATERIALIZED (\n"
            f"SELECT count(*) AS _mv_copies FROM {source} AS i SEMI JOIN last AS l ON {same}\n)\n"
            f"SELECT {', '.join(f'c.{quote(name)}' for name in self.stage.columns)},\n"
            f"  CASE WHEN l._mv_place IS NULL THEN c._mv_copies\n"
            f"    ELSE (SELECT _mv_copies FROM of_last) END AS {TOP_COUNT},\n"
            f"  l._mv_place IS NOT NULL AS {_LAST}\n"
            f"FROM counted AS c LEFT JOIN last AS l ON l._mv_place = c._mv_place"
        )

    def follow(self, changes: Changes) -> str:
        """What the table shall hold, as far as its rows and the change of the input tell."""
        terms = union(changes.terms(self.stage.input), weighted=True)
        return (
            f"CREATE OR REPLACE TEMP TABLE {self.fresh} AS\n"
            f"WITH merged AS (\n"
            f"SELECT {self._names}, CAST(sum({WEIGHT}) AS BIGINT) AS {TOP_COUNT}, bool_or({_LAST}) AS {_LAST} FROM (\n"
            f"SELECT {self._names}, {TOP_COUNT} AS {WEIGHT}, {_LAST} FROM {self.stage.storage}\n"
            f"UNION ALL SELECT {self._names}, {WEIGHT}, false FROM (\n{terms}\n) AS change\n"
            f") GROUP BY {self._grouping}\n"
            f"), placed AS MATERIALIZED (\n"
            f"SELECT *, row_number() OVER w AS _mv_place, sum({TOP_COUNT}) OVER w - {TOP_COUNT} AS _mv_before\n"
            f"FROM merged WINDOW w AS (ORDER BY {self._order} ROWS UNBOUNDED PRECEDING)\n"
            f"), prefix AS MATERIALIZED (\n"
            f"SELECT * FROM placed WHERE _mv_before < {2 * self.kept}\n"
            f"  AND _mv_place <= (SELECT coalesce(min(_mv_place) FILTER (WHERE {_LAST}), count(*)) FROM placed)\n"
            f"), ending AS (\n"
            f"SELECT (SELECT max(_mv_place) FROM prefix) AS _mv_place WHERE\n"
            f"  (SELECT coalesce(bool_or({_LAST}), false) OR count(*) > (SELECT count(*) FROM prefix) FROM placed)\n"
            f")\n"
            f"SELECT {self._names}, {TOP_COUNT}, e._mv_place IS NOT NULL AS {_LAST}\n"
            f"FROM prefix AS p LEFT JOIN ending AS e ON e._mv_place = p._mv_place\n"
            f"WHERE {TOP_COUNT} <> 0 OR e._mv_place IS NOT NULL"
        )

    def shape(self) -> str:
        """Whether too few rows are left, and how many rows of the table change."""
        columns = f"{self._grouping}, {TOP_COUNT}, {_LAST}"
        return (
            f"SELECT coalesce(bool_or({_LAST}), false) AND sum({TOP_COUNT}) < {self.shown}, (SELECT count(*) FROM (\n"
            f"  (SELECT {columns} FROM {self.fresh} EXCEPT SELECT {columns} FROM {self.stage.storage}) UNION ALL\n"
            f"  (SELECT {columns} FROM {self.stage.storage} EXCEPT SELECT {columns} FROM {self.fresh})\n"
            f")) FROM {self.fresh}"
        )

    def compare(self, visible: Node, columns: tuple[str, ...], twins: Columns) -> str:
        """A query for the change of what readers see, before the table is changed."""

        def fresh(node: Node) -> Node | None:
            is_own = isinstance(node, TopRead) and node.storage == self.stage.storage
            return replace(node, storage=self.fresh) if is_own and isinstance(node, TopRead) else None

        after, before = (select(node, weighted=False) for node in (rewrite(visible, fresh), visible))
        return difference(f"({after})", f"({before})", columns, twins)

    def apply(self) -> tuple[str, ...]:
        return (f"DELETE FROM {self.stage.storage}", f"INSERT INTO {self.stage.storage} FROM {self.fresh}")
