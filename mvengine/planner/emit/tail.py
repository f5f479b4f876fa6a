"""The statements that maintain a TailStage. Temporary tables are named after the stage: ``mv_from_<stage>`` says from
where on its rows are derived again, ``mv_new_<stage>`` holds them, ``mv_old_<stage>`` what is stored of them.

    b = the first value of ΔR in the order        c = that of the rows n before it (n: what lag and frames reach back)
    f(R) from b on  =  f(R from c on), joined with what f carries from the stored rows before c

Rows before b have their peers before b, and look back only: they stay as they are. Where the order has a NULL anywhere,
all rows are derived again: whether NULL comes first or last is a matter of settings.
Source: the suffix of a window's order as in Yang and Widom, "Incremental Computation and Maintenance of Temporal
Aggregates" (2003).
"""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.planner.delta import delta_name
from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.bag import ROW, difference, visible_change
from mvengine.planner.emit.select import scope_of, select, union
from mvengine.planner.node import Node
from mvengine.planner.tail import Carrying, TailCall, TailStage
from mvengine.schema import quote

_FROM, _CONTEXT, _ALL = "_mv_from", "_mv_context", "_mv_all"


@dataclass(frozen=True)
class TailSql:
    """SQL for one stage."""

    stage: TailStage

    @property
    def start(self) -> str:
        return quote(f"mv_from_{self.stage.name}")

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
    def _alias(self) -> str:
        return quote(scope_of(self.stage.input))

    @property
    def _names(self) -> str:
        return ", ".join(quote(name) for name in self.stage.columns)

    def create(self) -> str:
        return f"CREATE TABLE {self.stage.storage} AS\n{self._rows()}"

    def rebuild(self) -> tuple[str, ...]:
        return f"DELETE FROM {self.stage.storage}", f"INSERT INTO {self.stage.storage}\n{self._rows()}"

    def _rows(self, restriction: str = "") -> str:
        outputs = [f"{output.expr.sql} AS {quote(output.name)}" for output in self.stage.passed]
        outputs += [f"{call.call.sql} AS {quote(call.name)}" for call in self.stage.calls]
        source = f"({select(self.stage.input, weighted=False)}) AS {self._alias}"
        return f"SELECT {', '.join(outputs)}\nFROM {source}{restriction}"

    def find_start(self, changes: Changes) -> str:
        """Where the change begins in the order: one row."""
        terms = union(changes.terms(self.stage.input), weighted=True)
        first, storage = self.stage.first.sql, f"{self.stage.storage} AS {self._alias}"
        least, before, towards = ("max", ">", "") if self.stage.is_descending else ("min", "<", " DESC")
        reached = (
            f"SELECT {first} AS reached FROM {storage}\n"
            f"WHERE {first} {before} (SELECT {_FROM} FROM change) ORDER BY 1{towards} LIMIT {self.stage.reach}"
        )
        return (
            f"CREATE OR REPLACE TEMP TABLE {self.start} AS\n"
            f"WITH change AS MATERIALIZED (\n"
            f"SELECT count(*) AS _mv_rows, {least}({first}) AS {_FROM},\n"
            f"  coalesce(bool_or({first} IS NULL), false) AS {_ALL}\n"
            f"FROM (\n{terms}\n) AS {self._alias}\n)\n"
            f"SELECT _mv_rows, {_FROM},\n"
            f"  coalesce((SELECT {least}(reached) FROM (\n{reached}\n)), {_FROM}) AS {_CONTEXT},\n"
            f"  {_ALL} OR EXISTS (SELECT 1 FROM {storage} WHERE {first} IS NULL) AS {_ALL} FROM change"
        )

    def shape(self) -> str:
        """How many rows the change of the input has."""
        return f"SELECT _mv_rows FROM {self.start}"

    def derive(self) -> str:
        """The rows from the start on, as they are now."""
        carried = [f"{call.carried} AS carried_{i}" for i, call in enumerate(self.stage.calls) if call.carried]
        outputs = [f"{self._alias}.{quote(output.name)}" for output in self.stage.passed]
        outputs += [self._joined(call, f"carried_{i}") for i, call in enumerate(self.stage.calls)]
        return (
            f"CREATE OR REPLACE TEMP TABLE {self.fresh} AS\n"
            f"WITH here AS MATERIALIZED (\n{self._rows(f', {self.start} WHERE {self._is_from(_CONTEXT)}')}\n"
            f"), carried AS MATERIALIZED (\n"
            f"SELECT {', '.join(carried) or 'count(*) AS nothing'}\n"
            f"FROM {self.stage.storage} AS {self._alias}, {self.start} WHERE NOT ({self._is_from(_CONTEXT)})\n)\n"
            f"SELECT {', '.join(outputs)}\nFROM here AS {self._alias}, carried, {self.start} "
            f"WHERE {self._is_from(_FROM)}"
        )

    def _joined(self, call: TailCall, carried: str) -> str:
        own, name = f"{self._alias}.{quote(call.name)}", quote(call.name)
        match call.carrying:
            case Carrying.OWN:
                return own
            case Carrying.ADD:
                value = f"coalesce({own} + {carried}, {own}, {carried})"
            case Carrying.LEAST:
                value = f"least({own}, {carried})"
            case Carrying.GREATEST:
                value = f"greatest({own}, {carried})"
        return f"CAST({value} AS {call.type}) AS {name}"

    def copy_stored(self) -> str:
        """The rows from the start on, as they are stored, with their ids."""
        names = ", ".join(f"{self._alias}.{quote(name)}" for name in self.stage.columns)
        return (
            f"CREATE OR REPLACE TEMP TABLE {self.stored} AS\nSELECT {self._alias}.rowid AS {ROW}, {names}\n"
            f"FROM {self.stage.storage} AS {self._alias}, {self.start} WHERE {self._is_from(_FROM)}"
        )

    def compare(self) -> str:
        """The change: rows derived again against those that are stored."""
        query = difference(self.fresh, self.stored, self.stage.columns, self.stage.twins)
        return f"CREATE OR REPLACE TEMP TABLE {self.change} AS\n{query}"

    def visible_change(self, visible: Node) -> str:
        """What the change is to those who see ``visible``."""
        return visible_change(self._rows_name, visible)

    def _is_from(self, bound: str) -> str:
        operator = "<=" if self.stage.is_descending else ">="
        return f"({_ALL} OR {self.stage.first.sql} {operator} {bound})"
