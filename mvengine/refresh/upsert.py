"""INSERT … ON CONFLICT on a refreshable table, which has no index that could detect the conflict, as a MERGE."""

from __future__ import annotations

import re
from dataclasses import replace

from mvengine.errors import NotSupportedError, ProgrammingError
from mvengine.planner.logical import MaterializeTable
from mvengine.schema import quote
from mvengine.sql.statements import Write, WriteKind

_CONFLICT = re.compile(
    r"on\s+conflict\s*(?:\((?P<target>[^)]*)\))?\s*do\s+(?:(?P<nothing>nothing)|update\s+set\s+(?P<set>.*?)"
    r"(?:\s+where\s+(?P<where>.*))?)$",
    re.I | re.S,
)


def upsert_as_merge(write: Write, plan: MaterializeTable) -> Write:
    """The MERGE that does what the INSERT says. Rows of the statement that share a key count once."""
    if not plan.keys:
        raise ProgrammingError(
            f"ON CONFLICT on {plan.relation}, which has no key", hint="declare a PRIMARY KEY, or leave ON CONFLICT out"
        )
    if write.body.upper().startswith(("BY NAME", "DEFAULT VALUES")):
        raise NotSupportedError(
            f"INSERT … {' '.join(write.body.split()[:2])} … ON CONFLICT on {plan.relation}", hint="list the columns"
        )
    columns = write.columns or plan.stored_columns
    key = plan.keys[0].columns
    updates, condition = _action(write, plan, columns)
    names = ", ".join(quote(column) for column in columns)
    keys = ", ".join(quote(column) for column in key)
    same = " AND ".join(f"{write.alias or quote(plan.relation.name)}.{quote(c)} = excluded.{quote(c)}" for c in key)
    matched = f"WHEN MATCHED{condition} THEN UPDATE SET {updates} " if updates else ""
    values = ", ".join(f"excluded.{quote(column)}" for column in columns)
    return replace(
        write,
        kind=WriteKind.MERGE,
        modifier="",
        columns=(),
        on_conflict="",
        from_clause=f"(SELECT DISTINCT ON ({keys}) * FROM ({write.body}) AS source ({names})) AS excluded",
        where=f"ON ({same})",
        body=f"{matched}WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})",
    )


def _action(write: Write, plan: MaterializeTable, columns: tuple[str, ...]) -> tuple[str, str]:
    """What UPDATE SET does (nothing: the empty string), and under which further condition."""
    if write.modifier.upper().endswith("IGNORE"):
        return "", ""
    if write.modifier:
        key = {column.lower() for column in plan.keys[0].columns}
        rest = [column for column in columns if column.lower() not in key]
        return ", ".join(f"{quote(column)} = excluded.{quote(column)}" for column in rest), ""
    found = _CONFLICT.match(write.on_conflict.strip())
    if found is None:
        raise NotSupportedError(f"this form of ON CONFLICT on {plan.relation}: {write.on_conflict}", hint="use MERGE")
    if found["nothing"]:
        return "", ""
    return found["set"], f" AND ({found['where']})" if found["where"] else ""
