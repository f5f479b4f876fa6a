"""Merging a table with a primary key where no key is in two files: the common case, in a few statements.

Staged rows and the stored rows that they replace are joined by key; what differs is the change. It has the columns that
``contested`` would capture, and more: each new row in full, and the row ids of old ones.
"""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.logical import WEIGHT, MaterializeTable
from mvengine.planner.twins import differ, twins_of
from mvengine.refresh.changes import FILE_ID, CapturedTable
from mvengine.refresh.merge.values import FileOrder, Merged
from mvengine.schema import quote

CHANGE = "mv_changed_rows"
SIGN = "signs._mv_sign"
STORED, DIFFERS = "_mv_stored", "_mv_differs"
"""Columns of the change: an old row's id; of a key that stays, whether readers see another row (else NULL)."""


def merge_exclusive(
    engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, order: FileOrder
) -> Merged | None:
    """What was changed; None, and nothing is, where another file's stored row has a staged key.

    Requires ``StagedKeys.are_exclusive`` and that the last file wins, as it does by default.
    """
    change = captured.change if captured is not None else CHANGE
    rows = int(engine.query(_compare(plan, captured, order, change))[0][0])
    if order.has_others and rows and _has_rival(engine, plan, order, change):
        engine.query(f"DROP TABLE {change}")
        return None
    names = ", ".join((*(quote(column) for column in plan.stored_columns), FILE_ID))
    entered = left = 0
    if rows:
        entered = int(
            engine.query(f"INSERT INTO {plan.storage} ({names}) SELECT {names} FROM {change} WHERE {WEIGHT} > 0")[0][0]
        )
    if rows > entered:
        gone = f"SELECT {STORED} FROM {change} WHERE {WEIGHT} < 0"
        left = int(engine.query(f"DELETE FROM {plan.storage} WHERE rowid IN ({gone})")[0][0])
    updated = moved = 0
    if entered and left:
        updated, moved = engine.query(
            f"SELECT count(*) FILTER ({DIFFERS}), count(*) FILTER (NOT {DIFFERS}) FROM {change} WHERE {WEIGHT} > 0"
        )[0]
    if captured is None:
        engine.query(f"DROP TABLE {change}")
    kept = int(updated) + int(moved)
    return Merged(inserted=entered - kept, updated=int(updated), deleted=left - kept)


def _same_key(plan: MaterializeTable, left: str, right: str) -> str:
    return " AND ".join(f"{left}.{quote(column)} = {right}.{quote(column)}" for column in plan.primary_key)


def _compare(plan: MaterializeTable, captured: CapturedTable | None, order: FileOrder, change: str) -> str:
    """Each new and each old row of the keys whose rows are not the same, or not of the same file."""
    used = captured.used if captured is not None else ()
    columns = (*plan.stored_columns, *(column for column in used if column not in plan.stored_columns))
    both = [f"CASE WHEN {SIGN} > 0 THEN n.{quote(c)} ELSE o.{quote(c)} END AS {quote(c)}" for c in used]
    new = [f"n.{quote(column)}" for column in columns if column not in used]
    rest = [quote(column) for column in plan.stored_columns if column not in plan.primary_key]
    twins = tuple(column for column in twins_of(plan.columns) if column.name in plan.stored_columns)
    pairs = [f"n.{column} IS DISTINCT FROM o.{column}" for column in rest]
    differs = " OR ".join([*pairs, *differ("n", "o", twins)]) or "false"
    key = quote(plan.primary_key[0])
    old = ", ".join((*map(quote, columns), FILE_ID))
    return (
        f"CREATE OR REPLACE TEMP TABLE {change} AS\n"
        f"SELECT {', '.join((*both, *new))}, n.{FILE_ID}, CASE WHEN {SIGN} < 0 THEN o.{STORED} END AS {STORED},\n"
        f"  CASE WHEN n.{key} IS NOT NULL AND o.{key} IS NOT NULL THEN {differs} END AS {DIFFERS},\n"
        f"  CAST({SIGN} AS BIGINT) AS {WEIGHT}\n"
        f"FROM {plan.staging} AS n FULL JOIN (\n"
        f"  SELECT rowid AS {STORED}, {old} FROM {plan.storage} WHERE {order.is_replaced()}\n"
        f") AS o ON {_same_key(plan, 'n', 'o')} CROSS JOIN (VALUES (-1), (1)) AS signs (_mv_sign)\n"
        f"WHERE (n.{key} IS NULL OR o.{key} IS NULL OR n.{FILE_ID} IS DISTINCT FROM o.{FILE_ID} OR {differs})\n"
        f"  AND CASE WHEN {SIGN} > 0 THEN n.{key} ELSE o.{key} END IS NOT NULL"
    )


def _has_rival(engine: Engine, plan: MaterializeTable, order: FileOrder, change: str) -> bool:
    """Whether a stored row of a file that is not replaced has the key of a new one."""
    return bool(
        engine.query(
            f"SELECT 1 FROM {plan.storage} AS s SEMI JOIN {change} AS c ON {_same_key(plan, 's', 'c')} "
            f"WHERE NOT {order.is_replaced('s.')} LIMIT 1"
        )
    )
