"""Changes the files as the world does: a few orders with their lines are updated, deleted and inserted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mvengine.schema import literal

SHARE = 0.001  # of all orders
PART = 8  # the part of each table that is written anew

# A third of the chosen orders each. TPC-H's order keys leave 24 of each 32 numbers free, so key + 8 is a new one.
_CHOSEN = """
CREATE TEMP TABLE chosen AS
SELECT o_orderkey AS key, ['update', 'delete', 'insert'][1 + row_number() OVER (ORDER BY hash(o_orderkey)) % 3] AS fate
FROM read_parquet({orders})
ORDER BY hash(o_orderkey)
LIMIT {count}
"""

_ORDERS = """
SELECT * REPLACE (CASE fate WHEN 'update' THEN o_totalprice + 100 ELSE o_totalprice END::DECIMAL(15, 2) AS o_totalprice)
FROM (SELECT o.*, fate FROM read_parquet({file}) o LEFT JOIN chosen ON key = o_orderkey)
WHERE fate IS DISTINCT FROM 'delete'
UNION ALL
SELECT o.* REPLACE (o_orderkey + 8 AS o_orderkey), fate FROM read_parquet({file}) o JOIN chosen ON key = o_orderkey
WHERE fate = 'insert'
ORDER BY o_orderkey
"""

_LINES = """
SELECT * REPLACE (
    CASE fate WHEN 'update' THEN l_extendedprice + 100 ELSE l_extendedprice END::DECIMAL(15, 2) AS l_extendedprice)
FROM (SELECT l.*, fate FROM read_parquet({file}) l LEFT JOIN chosen ON key = l_orderkey)
WHERE fate IS DISTINCT FROM 'delete'
UNION ALL
SELECT l.* REPLACE (l_orderkey + 8 AS l_orderkey), fate FROM read_parquet({file}) l JOIN chosen ON key = l_orderkey
WHERE fate = 'insert'
ORDER BY l_orderkey, l_linenumber
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What was done: how many orders, of how many, by writing which files anew."""

    orders: int
    orders_before: int
    files: tuple[Path, ...]


def change_files(directory: Path) -> Change:
    """Change ``SHARE`` of the orders below ``directory`` with their lines. Each file is replaced in one step."""
    import duckdb

    files = tuple(directory / table / f"{table}.{PART}.parquet" for table in ("orders", "lineitem"))
    with duckdb.connect() as connection:
        every = literal(str(directory / "orders" / "*.parquet"))
        counted = connection.execute(f"SELECT count(*) FROM read_parquet({every})").fetchone()
        orders_before = counted[0] if counted else 0
        count = max(3, round(orders_before * SHARE))
        connection.execute(_CHOSEN.format(orders=literal(str(files[0])), count=count))
        for path, query in zip(files, (_ORDERS, _LINES), strict=True):
            fresh = path.with_suffix(".new")
            rows = f"SELECT * EXCLUDE (fate) FROM ({query.format(file=literal(str(path)))})"
            connection.execute(f"COPY ({rows}) TO {literal(str(fresh))} (FORMAT parquet)")
            os.replace(fresh, path)
    return Change(orders=count, orders_before=orders_before, files=files)
