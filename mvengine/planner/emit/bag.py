"""The statements that maintain rows stored as they are (BagStage), and that compare a recomputation (FullStage).

Bags have no key: of n equal rows exactly k are deleted, told apart by their rank; k copies are inserted.
"""

from __future__ import annotations

from collections.abc import Sequence

from mvengine.planner.delta.changes import Changes
from mvengine.planner.emit.select import select, union
from mvengine.planner.logical import WEIGHT, BagRead, BagStage, StageRead, Version
from mvengine.planner.node import Node, rewrite
from mvengine.planner.twins import grouping, may_have_twin, telling
from mvengine.schema import Columns, quote


def consolidated(change: str, columns: Sequence[str], twins: Columns) -> str:
    """A query for a change in which each different row stands once, with its weight; rows that cancel are left out.
    ``twins``, here and below: columns by which rows may be equal and yet not the same (see twins.py)."""
    names = ", ".join(quote(name) for name in columns)
    return (
        f"SELECT {names}, CAST(sum({WEIGHT}) AS BIGINT) AS {WEIGHT}\nFROM (\n{change}\n) AS change\n"
        f"GROUP BY {grouping(columns, twins)}\nHAVING {is_not_zero(f'sum({WEIGHT})')}"
    )


def is_not_zero(sql: str) -> str:
    """A condition on a sum. DuckDB 2.0 takes a sum above an outer join with an empty side for 0 by its statistics, and
    finds ``sum(x) <> 0``, also ``sum(x) > 0``, false; it does not look into a list."""
    return f"{sql} NOT IN (0)"


def consolidate(change: str, columns: Sequence[str], twins: Columns, into: str) -> str:
    """The consolidated change as a temporary table."""
    return f"CREATE OR REPLACE TEMP TABLE {into} AS\n{consolidated(change, columns, twins)}"


def summarize(stage: BagStage, changes: Changes, into: str) -> str:
    """The change of the stage's rows."""
    return consolidate(union(changes.terms(stage.input), weighted=True), stage.columns, stage.twins, into)


def difference(new: str, old: str, columns: Sequence[str], twins: Columns) -> str:
    """A query for what must change in ``old`` to make it ``new``: both are table names or queries in parentheses."""
    names = ", ".join(quote(name) for name in columns)
    change = (
        f"SELECT {names}, CAST(1 AS BIGINT) AS {WEIGHT} FROM {new}\n"
        f"UNION ALL\nSELECT {names}, CAST(-1 AS BIGINT) AS {WEIGHT} FROM {old}"
    )
    return consolidated(change, columns, twins)


def shape(change: str, columns: Sequence[str], twins: Columns = ()) -> str:
    """Rows inserted, rows deleted, and how many different deleted rows hold a NULL; where there are ``twins``, also how
    many hold a value that has one."""
    # not IS NULL: a value with a NULL inside (of a UNION) is not NULL, and yet not equal to itself
    nulls = " OR ".join(f"({quote(name)} = {quote(name)}) IS NOT TRUE" for name in columns)
    having = " OR ".join(may_have_twin(column) for column in twins)
    with_twins = f", count(*) FILTER (WHERE {WEIGHT} < 0 AND ({having}))" if twins else ""
    return (
        f"SELECT coalesce(sum({WEIGHT}) FILTER (WHERE {WEIGHT} > 0), 0), "
        f"coalesce(-sum({WEIGHT}) FILTER (WHERE {WEIGHT} < 0), 0), "
        f"count(*) FILTER (WHERE {WEIGHT} < 0 AND ({nulls})){with_twins} FROM {change}"
    )


ROW = "_mv_row"
"""In a copy of stored rows: the id of each in its table."""


def delete(
    storage: str,
    change: str,
    columns: Sequence[str],
    twins: Columns = (),
    *,
    is_null_safe: bool,
    among: str | None = None,
) -> str:
    """Deletes as many copies of each row as the change takes away. ``among``: a copy of the stored rows, with their
    ids, that holds all of these; else the whole table is searched."""
    row = "s.rowid" if among is None else f"s.{ROW}"
    operator = "IS NOT DISTINCT FROM" if is_null_safe else "="
    pairs = [f"s.{quote(name)} {operator} d.{quote(name)}" for name in columns]
    pairs += [f"{telling(column, 's')} {operator} {telling(column, 'd')}" for column in twins]
    same = " AND ".join(pairs)
    names = ", ".join([*(f"s.{quote(name)}" for name in columns), *(telling(column, "s") for column in twins)])
    return (
        f"DELETE FROM {storage} WHERE rowid IN (\n"
        f"  SELECT stored FROM (\n"
        f"    SELECT {row} AS stored, -d.{WEIGHT} AS copies, row_number() OVER (PARTITION BY {names}) AS rank\n"
        f"    FROM {among or storage} AS s JOIN {change} AS d ON {same} AND d.{WEIGHT} < 0\n"
        f"  ) WHERE rank <= copies\n)"
    )


def insert(storage: str, change: str, columns: Sequence[str]) -> str:
    """Inserts as many copies of each row as the change brings."""
    names = ", ".join(quote(name) for name in columns)
    return (
        f"INSERT INTO {storage} ({names})\n"
        f"SELECT {names} FROM (\n"
        f"  SELECT {names}, unnest(range({WEIGHT})) FROM {change} WHERE {WEIGHT} > 1\n"
        f"  UNION ALL\n  SELECT {names}, 0 FROM {change} WHERE {WEIGHT} = 1\n)"
    )


def visible_change(rows: str, visible: Node) -> str:
    """A query for what the change of stored rows, known as that of the stage ``rows``, is to those who see ``visible``:
    projections and filters over them, which are linear."""

    def changed(node: Node) -> Node | None:
        if not isinstance(node, BagRead):
            return None
        return StageRead(stage=rows, rows=node, columns=node.columns, alias=node.alias, version=Version.DELTA)

    return select(rewrite(visible, changed), weighted=True)
