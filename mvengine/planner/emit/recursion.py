"""The statements that maintain a RecursiveStage: R = B ∪ S(R), where S reads R once, by joins, projections and filters.

With R stored, and changes that only insert (or, for UNION ALL, only delete), the change of R is a fixpoint of its own:

    N = ΔB ∪ ΔS(R) ∪ S'(N)        S' reads the inputs as they are now, ΔS(R) the change of S with R as it was

For UNION, rows that R has are left out at each step (semi-naive evaluation, Bancilhon 1986). For UNION ALL, S is
linear: weights go through it, and what is derived n times has weight n. Changes that insert and delete could send a
deleted row around a cycle of new rows for ever; and a deletion under UNION asks for other derivations of each row. Then
R is computed again and compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mvengine.planner.delta import delta_name, inputs_of
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.bag import consolidated, difference
from mvengine.planner.emit.select import recursion_query, select, union
from mvengine.planner.logical import (
    WEIGHT,
    BagRead,
    RecursionRead,
    RecursiveStage,
    StageRead,
    Version,
)
from mvengine.planner.node import Node, rewrite
from mvengine.schema import quote


@dataclass(frozen=True)
class RecursionSql:
    """SQL for one stage."""

    stage: RecursiveStage

    @property
    def rows_name(self) -> str:
        """The stage as it is stored: its readers may see less."""
        return f"{self.stage.name}$rows"

    @property
    def change(self) -> str:
        return quote(delta_name(self.rows_name))

    @property
    def _names(self) -> str:
        return ", ".join(quote(name) for name in self.stage.columns)

    def create(self) -> str:
        return f"CREATE TABLE {self.stage.storage} AS\n{recursion_query(self.stage.recursion)}"

    def rebuild(self) -> tuple[str, ...]:
        query = recursion_query(self.stage.recursion)
        return (f"DELETE FROM {self.stage.storage}", f"INSERT INTO {self.stage.storage}\n{query}")

    def shape(self, changes: Changes) -> str:
        """Whether the inputs' changes insert, and whether they delete."""
        names = sorted(inputs_of(self.stage.recursion) & changes.names)
        weights = " UNION ALL ".join(f"SELECT {WEIGHT} FROM {quote(name)}" for name in names)
        return f"SELECT coalesce(bool_or({WEIGHT} > 0), false), coalesce(bool_or({WEIGHT} < 0), false) FROM ({weights})"

    def compare(self) -> str:
        """The change, from the rows computed again."""
        fresh = f"(\n{recursion_query(self.stage.recursion)}\n)"
        return self._into(difference(fresh, self.stage.storage, self.stage.columns, self.stage.twins))

    def follow(self, changes: Changes) -> str:
        """The change, from the inputs' changes."""
        return self._into(self._new_rows(changes) if self.stage.recursion.is_distinct else self._weighted(changes))

    def _into(self, query: str) -> str:
        return f"CREATE OR REPLACE TEMP TABLE {self.change} AS\n{query}"

    def _seeds(self, changes: Changes) -> str:
        """ΔB ∪ ΔS(R)"""
        recursion = self.stage.recursion
        stored = BagRead(storage=self.stage.storage, columns=self.stage.columns, alias="")
        step = self._reading(recursion.step, lambda read: replace(stored, alias=read.alias))
        terms = (*changes.terms(recursion.base), *changes.terms(step))
        return consolidated(union(terms, weighted=True), self.stage.columns, self.stage.twins)

    def _weighted(self, changes: Changes) -> str:
        columns = self.stage.columns

        def weighted(read: RecursionRead) -> Node:
            rows = BagRead(storage=self.stage.storage, columns=columns, alias=read.alias)
            return StageRead(
                stage=f"{self.stage.name}$new", rows=rows, columns=columns, alias=read.alias, version=Version.DELTA
            )

        new = quote(delta_name(f"{self.stage.name}$new"))
        step = select(self._reading(self.stage.recursion.step, weighted), weighted=True)
        fixpoint = (
            f"WITH RECURSIVE {new}({self._names}, {WEIGHT}) AS (\n"
            f"SELECT * FROM (\n{self._seeds(changes)}\n)\nUNION ALL\nSELECT * FROM (\n{step}\n)\n)\n"
            f"SELECT * FROM {new}"
        )
        return consolidated(fixpoint, columns, self.stage.twins)

    def _new_rows(self, changes: Changes) -> str:
        new = quote(self.stage.recursion.name)
        same = " AND ".join(f"n.{quote(c)} IS NOT DISTINCT FROM s.{quote(c)}" for c in self.stage.columns)
        unknown = f"ANTI JOIN {self.stage.storage} AS s ON {same}"
        names = ", ".join(f"n.{quote(name)}" for name in self.stage.columns)
        step = f"SELECT * FROM (\n{select(self.stage.recursion.step, weighted=False)}\n) AS step({self._names})"
        return (
            f"WITH RECURSIVE {new}({self._names}) AS (\n"
            f"SELECT {names} FROM (\n{self._seeds(changes)}\n) AS n {unknown}\n"
            f"UNION\nSELECT {names} FROM (\n{step}\n) AS n {unknown}\n)\n"
            f"SELECT {self._names}, CAST(1 AS BIGINT) AS {WEIGHT} FROM {new}"
        )

    def _reading(self, step: Node, read: Callable[[RecursionRead], Node]) -> Node:
        return rewrite(step, lambda node: read(node) if isinstance(node, RecursionRead) else None)
