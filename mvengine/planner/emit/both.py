"""The statement that makes a table of both: the rows around the changed keys, as they are and as they were.

    both(R) = (R ⋉ K, 1) ⊎ ((R ⋉ K) ⊎ −ΔR, −1)

A row whose key is NULL matches nothing: of these only the changed ones are there (see delta/around.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mvengine.planner.delta import leaf_delta
from mvengine.planner.delta.around import Both
from mvengine.planner.delta.near import Source
from mvengine.planner.emit.bag import consolidated
from mvengine.planner.emit.select import from_item
from mvengine.planner.logical import WEIGHT, BagRead, GroupRead, Scan, StageRead
from mvengine.planner.node import Node
from mvengine.schema import Columns, quote


def create(both: Both, columns: Sequence[str], twins: Columns, keys: Iterable[Source], *, has_changed: bool) -> str:
    """``columns`` are those that are read of it, ``twins`` those of them whose equal values may differ (see twins.py);
    ``keys`` stand in the tables of changes."""
    names = ", ".join(quote(name) for name in columns)
    among = " UNION ALL ".join(
        f"SELECT {quote(key.column)} AS k FROM {quote(key.of)}" for key in sorted(keys, key=lambda k: (k.of, k.column))
    )
    now = f"SELECT {names} FROM {_rows(both, f'({among})')}"
    into = f"CREATE OR REPLACE TEMP TABLE {quote(both.name)} AS\n"
    if not has_changed:
        return f"{into}SELECT {names}, unnest([CAST(1 AS BIGINT), CAST(-1 AS BIGINT)]) AS {WEIGHT} FROM (\n{now}\n)"
    change, key = quote(leaf_delta(both.leaf)), quote(both.column)
    before = (
        f"SELECT {names}, CAST(1 AS BIGINT) AS {WEIGHT} FROM now\n"
        f"UNION ALL SELECT {names}, -{WEIGHT} FROM {change} WHERE {key} IS NOT NULL"
    )
    unkeyed = consolidated(f"SELECT {names}, {WEIGHT} FROM {change} WHERE {key} IS NULL", columns, twins)
    return (
        f"{into}WITH now AS MATERIALIZED (\n{now}\n)\n"
        f"SELECT {names}, CAST(1 AS BIGINT) AS {WEIGHT} FROM now\n"
        f"UNION ALL SELECT {names}, CAST(-1 AS BIGINT) FROM (\n"
        f"SELECT {names}, unnest(range({WEIGHT})) FROM (\n{consolidated(before, columns, twins)}\n))\n"
        f"UNION ALL SELECT {names}, CAST(sign({WEIGHT}) AS BIGINT) FROM (\n"
        f"SELECT {names}, {WEIGHT}, unnest(range(abs({WEIGHT}))) FROM (\n{unkeyed}\n))"
    )


def _rows(both: Both, keys: str) -> str:
    """An item of FROM: the leaf's rows that have one of the keys. Of groups, only these states are read."""
    leaf = both.leaf

    def among(storage: str) -> str:
        return f"(SELECT r.* FROM {storage} AS r SEMI JOIN {keys} AS near ON r.{quote(both.column)} = near.k)"

    match leaf:
        case StageRead(rows=BagRead() as rows):
            node: Node = replace(leaf, rows=replace(rows, storage=among(rows.storage)))
        case Scan() | GroupRead():
            node = replace(leaf, storage=among(leaf.storage))
        case _:
            raise AssertionError(f"{type(leaf).__name__} has no rows by key")
    return from_item(node)
