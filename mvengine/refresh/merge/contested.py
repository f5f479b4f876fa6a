"""Merging a table with a primary key: of the rows that files hold for a key, one is stored, others wait in a shadow.

By default the last file in path order wins, and when its row goes, the next one comes back without a file being read.
With ON CONFLICT DO NOTHING the stored row stays for as long as any file has its key.

Only *contested* keys are touched: those with a (key, file) pair that is new, gone, or has other contents. For them the
candidates of all files are collected, ranked, and compared with what is stored.
"""

from __future__ import annotations

from mvengine.engines.base import Engine
from mvengine.planner.logical import MaterializeTable
from mvengine.planner.twins import differ, twins_of
from mvengine.refresh.changes import FILE_ID, CapturedTable, capture_rows, capture_statement
from mvengine.refresh.merge.staged import StagedKeys, keep_one_per_file
from mvengine.refresh.merge.values import FileOrder, Merged
from mvengine.schema import quote

KEYS, CANDIDATES, STORED, WINNERS, GONE = (
    "mv_contested",
    "mv_candidates",
    "mv_stored",
    "mv_winners",
    "mv_gone_rows",
)


def merge_contested(
    engine: Engine, plan: MaterializeTable, keys: StagedKeys, captured: CapturedTable | None, order: FileOrder
) -> Merged:
    """Returns rows inserted, updated and deleted."""
    sql = _Sql(plan, order)
    has_shadow = keys.has_shadow
    if keys.has_twice:
        keep_one_per_file(engine, plan)
    engine.query(sql.contested(has_shadow=has_shadow))
    engine.query(sql.stored())
    ranks = [[id_ for id_, _ in order.ranked], [rank for _, rank in order.ranked]]
    engine.query(sql.candidates(has_shadow=has_shadow), ranks)
    engine.query(sql.winners())
    inserted, updated, deleted = (int(count) for count in engine.query(sql.counts())[0])
    if has_shadow:
        engine.query(sql.losers_leave_shadow())
    engine.query(sql.losers_enter_shadow())
    engine.query(sql.gone())
    _apply(engine, plan, captured, sql.insert_winners())
    for table in (KEYS, CANDIDATES, STORED, WINNERS, GONE):
        engine.query(f"DROP TABLE {table}")
    return Merged(inserted=inserted, updated=updated, deleted=deleted)


def _apply(engine: Engine, plan: MaterializeTable, captured: CapturedTable | None, insert: str) -> None:
    """Deletes the rows whose ids stand in GONE, inserts the winners, and captures both."""
    where = f"FROM {plan.storage} WHERE rowid IN (SELECT stored FROM {GONE})"
    if captured is not None:
        engine.query(f"DROP TABLE IF EXISTS {captured.change}")
        engine.query(captured.create())
        capture_rows(engine, captured, where, -1)
    engine.query(f"DELETE {where}")
    if captured is not None:
        capture_statement(engine, captured, insert, None, 1)
    else:
        engine.query(insert)


class _Sql:
    """The statements of one merge."""

    def __init__(self, plan: MaterializeTable, order: FileOrder) -> None:
        self.plan = plan
        self.key = [quote(column) for column in plan.primary_key]
        self.columns = [quote(column) for column in plan.stored_columns]
        self.rest = [column for column in self.columns if column not in self.key]
        self.twins = tuple(column for column in twins_of(plan.columns) if quote(column.name) in self.columns)
        self.row = ", ".join((*self.columns, FILE_ID))
        self.reads_all = order.reads_all
        self.is_replaced = order.is_replaced()

    def same_key(self, left: str, right: str) -> str:
        return " AND ".join(f"{left}.{column} = {right}.{column}" for column in self.key)

    def differs(self, left: str, right: str) -> str:
        pairs = [f"{left}.{column} IS DISTINCT FROM {right}.{column}" for column in self.rest]
        pairs += differ(left, right, self.twins)
        return f"({' OR '.join(pairs) or 'false'})"

    def contested(self, *, has_shadow: bool) -> str:
        """Keys with a (key, file) pair that is new, gone or different, and those that DML has left to the shadow."""
        old = f"SELECT {self.row} FROM {self.plan.storage} WHERE {self.is_replaced}"
        if has_shadow:
            old += f" UNION ALL SELECT {self.row} FROM {self.plan.shadow} WHERE {self.is_replaced}"
        keys = ", ".join(f"coalesce(n.{column}, o.{column}) AS {column}" for column in self.key)
        orphans = ""
        if has_shadow and self.reads_all:
            same = self.same_key("h", "s")
            listed = ", ".join(f"h.{column}" for column in self.key)
            orphans = (
                f"\nUNION SELECT {listed} FROM {self.plan.shadow} AS h ANTI JOIN {self.plan.storage} AS s ON {same}"
            )
        return (
            f"CREATE OR REPLACE TEMP TABLE {KEYS} AS SELECT DISTINCT {keys}\n"
            f"FROM {self.plan.staging} AS n FULL JOIN ({old}) AS o\n"
            f"  ON {self.same_key('n', 'o')} AND n.{FILE_ID} = o.{FILE_ID}\n"
            f"WHERE n.{self.key[0]} IS NULL OR o.{self.key[0]} IS NULL OR {self.differs('n', 'o')}"
            f"{orphans}"
        )

    def stored(self) -> str:
        """What is stored for the contested keys."""
        return (
            f"CREATE OR REPLACE TEMP TABLE {STORED} AS SELECT s.rowid AS _mv_stored, {self.row}\n"
            f"FROM {self.plan.storage} AS s SEMI JOIN {KEYS} AS k ON {self.same_key('s', 'k')}"
        )

    def candidates(self, *, has_shadow: bool) -> str:
        """What all files hold for the contested keys, ranked by path: parameters are file ids and their ranks."""
        parts = [
            f"SELECT {self.row} FROM {self.plan.staging} AS n SEMI JOIN {KEYS} AS k ON {self.same_key('n', 'k')}",
            f"SELECT {self.row} FROM {STORED} WHERE NOT {self.is_replaced}",
        ]
        if has_shadow:
            parts.append(
                f"SELECT {self.row} FROM {self.plan.shadow} AS h SEMI JOIN {KEYS} AS k ON {self.same_key('h', 'k')} "
                f"WHERE NOT {self.is_replaced}"
            )
        return (
            f"CREATE OR REPLACE TEMP TABLE {CANDIDATES} AS SELECT {self.row}, _mv_rank\n"
            f"FROM (\n{' UNION ALL '.join(parts)}\n) "
            f"JOIN (SELECT unnest($1::INTEGER[]) AS {FILE_ID}, unnest($2::INTEGER[]) AS _mv_rank) USING ({FILE_ID})"
        )

    def winners(self) -> str:
        """One row per key: the last file's; under DO NOTHING what is stored, under a file that still has its key."""
        keys = ", ".join(self.key)
        if not self.plan.ignore_conflicts:
            return (
                f"CREATE OR REPLACE TEMP TABLE {WINNERS} AS SELECT {self.row} FROM {CANDIDATES}\n"
                f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY _mv_rank DESC) = 1"
            )
        is_kept = f"o._mv_stored IS NOT NULL AND o.{FILE_ID} IS NOT NULL"  # a row of DML's own is in no file
        kept = ", ".join(
            f"CASE WHEN {is_kept} THEN o.{column} ELSE c.{column} END AS {column}" for column in self.columns
        )
        partition = ", ".join(f"c.{column}" for column in self.key)
        return (
            f"CREATE OR REPLACE TEMP TABLE {WINNERS} AS SELECT {kept}, c.{FILE_ID}\n"
            f"FROM {CANDIDATES} AS c LEFT JOIN {STORED} AS o ON {self.same_key('c', 'o')}\n"
            f"QUALIFY row_number() OVER (PARTITION BY {partition} "
            f"ORDER BY c.{FILE_ID} IS NOT DISTINCT FROM o.{FILE_ID} DESC, _mv_rank) = 1"
        )

    def counts(self) -> str:
        """Rows inserted, updated and deleted as readers see them."""
        first = self.key[0]
        return (
            f"SELECT count(*) FILTER (o.{first} IS NULL), "
            f"count(*) FILTER (o.{first} IS NOT NULL AND w.{first} IS NOT NULL AND {self.differs('o', 'w')}), "
            f"count(*) FILTER (w.{first} IS NULL)\n"
            f"FROM {WINNERS} AS w FULL JOIN {STORED} AS o ON {self.same_key('w', 'o')}"
        )

    def losers_leave_shadow(self) -> str:
        return f"DELETE FROM {self.plan.shadow} AS h USING {KEYS} AS k WHERE {self.same_key('h', 'k')}"

    def losers_enter_shadow(self) -> str:
        return (
            f"INSERT INTO {self.plan.shadow} ({self.row}) SELECT {self.row} FROM {CANDIDATES} AS c\n"
            f"ANTI JOIN {WINNERS} AS w ON {self.same_key('c', 'w')} AND c.{FILE_ID} = w.{FILE_ID}"
        )

    def _is_kept(self) -> str:
        """A stored row that wins as it is, under its own file."""
        return (
            f"SELECT o._mv_stored FROM {STORED} AS o JOIN {WINNERS} AS w ON {self.same_key('o', 'w')} "
            f"AND o.{FILE_ID} = w.{FILE_ID} WHERE NOT {self.differs('o', 'w')}"
        )

    def gone(self) -> str:
        return (
            f"CREATE OR REPLACE TEMP TABLE {GONE} AS SELECT _mv_stored AS stored FROM {STORED} "
            f"WHERE _mv_stored NOT IN ({self._is_kept()})"
        )

    def insert_winners(self) -> str:
        columns = ", ".join(f"w.{column}" for column in self.columns)
        return (
            f"INSERT INTO {self.plan.storage} ({self.row}) SELECT {columns}, w.{FILE_ID} FROM {WINNERS} AS w\n"
            f"ANTI JOIN (SELECT {', '.join('o.' + c for c in self.key)}, o.{FILE_ID} FROM {STORED} AS o "
            f"WHERE o._mv_stored NOT IN (SELECT stored FROM {GONE})) AS kept\n"
            f"ON {self.same_key('w', 'kept')}"
        )
