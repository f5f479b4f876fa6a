"""What is known of the keys of staged rows before they are merged."""

from __future__ import annotations

from dataclasses import dataclass

from mvengine.engines.base import Engine
from mvengine.planner.logical import MaterializeTable
from mvengine.refresh.changes import FILE_ID
from mvengine.schema import quote


@dataclass(frozen=True, kw_only=True)
class StagedKeys:
    """``has_twice``: some key stands twice in the staging table; ``has_shadow``: files have rivalled before."""

    has_twice: bool
    has_shadow: bool

    @property
    def are_exclusive(self) -> bool:
        """Whether no two rows of any files are known to have one key: stored rows of other files not looked at."""
        return not self.has_twice and not self.has_shadow


def staged_keys(engine: Engine, plan: MaterializeTable, *, is_whole: bool) -> StagedKeys:
    """Looks at both by one statement. ``is_whole``: all files of the table are staged, which may be many rows."""
    columns = ", ".join(quote(column) for column in plan.primary_key)
    unless = f"WHERE EXISTS ({_not_ascending(plan.staging, columns)})" if is_whole else ""
    found = engine.query(
        f"(SELECT 'shadow' FROM {plan.shadow} LIMIT 1) UNION ALL "
        f"(SELECT 'twice' FROM {plan.staging} {unless} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1)"
    )
    return StagedKeys(has_twice=("twice",) in found, has_shadow=("shadow",) in found)


def _not_ascending(table: str, columns: str) -> str:
    """A query with a row where some key does not come after the one before it, and with none where the keys ascend
    strictly: then none stands twice, whatever order that is. Large files are often in the order of their keys, and this
    reads on only as long as they are; it needs no hash table, and for 20 million keys a fiftieth of the time of one."""
    return (
        f"SELECT 1 FROM (SELECT ({columns}) AS key, lag(({columns})) OVER () AS before FROM {table}) "
        f"WHERE NOT (key > before) LIMIT 1"
    )


def keep_one_per_file(engine: Engine, plan: MaterializeTable) -> None:
    """Within a file the last row of a key counts (the first one under DO NOTHING); rows stand in file order."""
    columns = ", ".join((*(quote(column) for column in plan.primary_key), FILE_ID))
    if engine.query(f"SELECT 1 FROM {plan.staging} GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"):
        best = "min" if plan.ignore_conflicts else "max"
        engine.query(
            f"DELETE FROM {plan.staging} WHERE rowid NOT IN "
            f"(SELECT {best}(rowid) FROM {plan.staging} GROUP BY {columns})"
        )
