"""The statements that maintain a PartitionStage. Temporary tables are named after the stage: ``mv_parts_<stage>`` holds
the keys of the touched partitions, ``mv_new_<stage>`` their rows, derived again, ``mv_old_<stage>`` what is stored of
them.

    K = π_key(ΔR)      Δ(f(R)) = f(R ⋉ K) ⊎ −(stored ⋉ K)

where f computes each partition from its own rows. What was stored is compared, not derived: so a result that depends on
the order of rows (ties of ROW_NUMBER, LIST without ORDER BY) may come out otherwise each time, and the view stays one
that its query could have given.
"""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.planner.delta import delta_name
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.bag import ROW, difference, visible_change
from mvengine.planner.emit.select import free_alias, scope_of, select, union
from mvengine.planner.logical import PartitionStage
from mvengine.planner.node import Node
from mvengine.planner.scalar import column
from mvengine.schema import quote


@dataclass(frozen=True)
class PartitionSql:
    """SQL for one stage. ``is_null_safe`` says how keys are compared (see GroupSql)."""

    stage: PartitionStage
    is_null_safe: bool

    @property
    def touched(self) -> str:
        return quote(f"mv_parts_{self.stage.name}")

    @property
    def fresh(self) -> str:
        return quote(f"mv_new_{self.stage.name}")

    @property
    def stored(self) -> str:
        return quote(f"mv_old_{self.stage.name}")

    @property
    def change(self) -> str:
        return quote(delta_name(self._rows_name))

    @property
    def _rows_name(self) -> str:
        """The stage as it is stored: its readers may see less."""
        return f"{self.stage.name}$rows"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(output.name for output in self.stage.outputs)

    def create(self) -> str:
        """The stored rows, from the current input."""
        return f"CREATE TABLE {self.stage.storage} AS\n{self._rows(self.stage.input, '')}"

    def rebuild(self) -> tuple[str, ...]:
        """The stored rows derived again from the current input."""
        return (
            f"DELETE FROM {self.stage.storage}",
            f"INSERT INTO {self.stage.storage}\n{self._rows(self.stage.input, '')}",
        )

    def _rows(self, source: Node, restriction: str) -> str:
        outputs = ", ".join(f"{output.expr.sql} AS {quote(output.name)}" for output in self.stage.outputs)
        alias = quote(scope_of(source))
        keys = ", ".join(f"{alias}.{quote(key)}" for key in self.stage.keys)
        grouping = f"\nGROUP BY {keys}" if self.stage.is_grouped and keys else ""
        return f"SELECT {outputs}\nFROM ({select(source, weighted=False)}) AS {alias}{restriction}{grouping}"

    def find_touched(self, changes: Changes) -> str:
        """The keys of the partitions that the change of the input reaches; without keys, a row if there is one."""
        terms = union(changes.terms(self.stage.input), weighted=True)
        keys = ", ".join(quote(key) for key in self.stage.keys) or "1 AS whole"
        return f"CREATE OR REPLACE TEMP TABLE {self.touched} AS\nSELECT DISTINCT {keys} FROM (\n{terms}\n) AS change"

    def shape(self) -> str:
        """How many partitions are touched, and how many of their keys hold a NULL."""
        nulls = " OR ".join(f"({quote(key)} = {quote(key)}) IS NOT TRUE" for key in self.stage.keys) or "false"
        return f"SELECT count(*), count(*) FILTER (WHERE {nulls}) FROM {self.touched}"

    def derive(self, changes: Changes) -> str:
        """The touched partitions' rows as they are now."""
        alias = scope_of(self.stage.input)
        keys = {quote(key): column(alias, key) for key in self.stage.keys}
        affected = changes.affected(self.stage, self.touched, is_null_safe=self.is_null_safe)
        source = affected.restricted(self.stage.input, keys)
        rows = self._rows(source, self._restriction(quote(alias)))
        return f"CREATE OR REPLACE TEMP TABLE {self.fresh} AS\n{rows}"

    def copy_stored(self) -> str:
        """The touched partitions' rows as they are stored, with their ids."""
        names = ", ".join(f"s.{quote(name)}" for name in self.columns)
        rows = f"SELECT s.rowid AS {ROW}, {names} FROM {self.stage.storage} AS s{self._restriction('s')}"
        return f"CREATE OR REPLACE TEMP TABLE {self.stored} AS\n{rows}"

    def compare(self) -> str:
        """The change: rows derived again against those that are stored."""
        query = difference(self.fresh, self.stored, self.columns, self.stage.twins)
        return f"CREATE OR REPLACE TEMP TABLE {self.change} AS\n{query}"

    def visible_change(self, visible: Node) -> str:
        """What the change is to those who see ``visible``."""
        return visible_change(self._rows_name, visible)

    def _restriction(self, alias: str) -> str:
        operator = "IS NOT DISTINCT FROM" if self.is_null_safe else "="
        part = free_alias("p", alias.strip('"'))
        same = " AND ".join(f"{alias}.{quote(key)} {operator} {part}.{quote(key)}" for key in self.stage.keys)
        return f"\nSEMI JOIN {self.touched} AS {part} ON {same}" if same else ""
