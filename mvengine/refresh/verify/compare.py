"""Compares what is stored with what it should be, as bags: NULL for NULL, doubles within their tolerance."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.engines.base import Engine
from mvengine.planner.emit import bag
from mvengine.planner.emit.tolerance import beyond_tolerance, has_tolerance, shown
from mvengine.planner.twins import twins_of
from mvengine.schema import Columns

EXACT, FAR = '"mv_verify_exact"', '"mv_verify_far"'


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row that stands on one side only, so many times more than on the other; ``row`` as DuckDB writes a struct."""

    is_missing: bool  # it should be there; else it should not
    copies: int
    row: str

    @property
    def side(self) -> str:
        return "missing" if self.is_missing else "unexpected"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """``rows`` are stored; ``missing`` should be stored and are not, ``unexpected`` are and should not be.
    ``is_of_twins``: each of these is equal to one of those, but not the same (see planner/twins.py)."""

    rows: int
    missing: int
    unexpected: int
    is_of_twins: bool
    examples: tuple[Example, ...]

    @property
    def is_equal(self) -> bool:
        return not self.missing and not self.unexpected

    def __str__(self) -> str:
        first = f", for example {self.examples[0].side}: {self.examples[0].row}" if self.examples else ""
        return f"{self.missing} missing, {self.unexpected} unexpected{first}"


def compare(engine: Engine, *, stored: str, derived: str, columns: Columns, examples_max: int) -> Comparison:
    """``stored`` and ``derived`` are tables, or queries in parentheses, with these columns. Leaves nothing behind."""
    names = [column.name for column in columns]
    rows = int(engine.query(f"SELECT count(*) FROM {stored}")[0][0])
    found = EXACT
    difference = bag.difference(derived, stored, names, twins_of(columns))
    differing = engine.query(f"CREATE OR REPLACE TEMP TABLE {found} AS\n{difference}")[0][0]
    if differing and has_tolerance(columns):
        found = FAR
        differing = engine.query(beyond_tolerance(EXACT, columns, found))[0][0]
    missing = unexpected = 0
    is_of_twins = False
    examples: tuple[Example, ...] = ()
    if differing:
        missing, unexpected, _ = map(int, engine.query(bag.shape(found, names))[0])
        if twins_of(columns):
            unequal = bag.consolidated(f"FROM {found}", names, ())
            is_of_twins = not engine.query(f"SELECT 1 FROM (\n{unequal}\n) LIMIT 1")
        shown_rows = engine.query(shown(found, columns, max(examples_max, 1)))
        examples = tuple(Example(is_missing=m, copies=int(copies), row=row) for m, copies, row in shown_rows)
    for table in (EXACT, FAR):
        engine.query(f"DROP TABLE IF EXISTS {table}")
    return Comparison(rows=rows, missing=missing, unexpected=unexpected, is_of_twins=is_of_twins, examples=examples)
