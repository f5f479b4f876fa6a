"""What a table of RisingWave asks of each write: that nothing is changed, and what an existing key means.

A rule is a condition of the table itself that always holds, so it follows the table wherever it is renamed or copied,
and plain DuckDB shows it. In RisingWave's dialect an INSERT replaces the row that has its key; of several rows of one
statement with one key the last counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mvengine.errors import NotSupportedError, StateError
from mvengine.planner.reader import RelationKind
from mvengine.schema import quote
from mvengine.sql.dialects.rules import APPEND_ONLY, IGNORE_CONFLICTS
from mvengine.sql.dialects.settings import RISINGWAVE
from mvengine.sql.statements import RelationRef, Write, WriteKind
from mvengine.sql.watermarks import Watermark, read_watermark

if TYPE_CHECKING:
    from mvengine.session import Session

_CHANGING = frozenset({WriteKind.UPDATE, WriteKind.DELETE, WriteKind.MERGE, WriteKind.TRUNCATE})


@dataclass(frozen=True, kw_only=True)
class TableRules:
    """Of one table: ``primary_key`` is empty where it has none; ``columns`` are those that take a value."""

    primary_key: tuple[str, ...]
    columns: tuple[str, ...]
    types: tuple[str, ...]  # of the columns, as DuckDB writes them
    is_append_only: bool
    ignores_conflicts: bool
    watermark: Watermark | None


NO_RULES = TableRules(
    primary_key=(), columns=(), types=(), is_append_only=False, ignores_conflicts=False, watermark=None
)


def applied(session: Session, write: Write) -> Write:
    """The write under the rules of its table. Errors: StateError at a change of an append-only table;
    NotSupportedError at a COPY into one whose late rows are left out."""
    rules = session.targets.rules(session, write.target)
    replaces = "REPLACE" in write.modifier.upper() or "UPDATE" in write.on_conflict.upper().split()
    if rules.is_append_only and (write.kind in _CHANGING or replaces):
        raise StateError(
            f"{write.target.name} is append-only: {write.kind} would change its rows",
            hint="make it without APPEND ONLY",
        )
    if rules.watermark is not None:
        write = _without_late_rows(write, rules.watermark, rules)
    is_plain = write.kind is WriteKind.INSERT and not write.on_conflict and not write.modifier
    if not is_plain or write.dialect != RISINGWAVE or not rules.primary_key:
        return write
    return _overwriting(write, rules)


def read_rules(session: Session, ref: RelationRef) -> TableRules:
    """The rules of a table, from DuckDB's catalog. Relations of other kinds have none."""
    relation = session.reader.resolve(ref.catalog, ref.schema, ref.name)
    if relation is None or relation.kind is not RelationKind.TABLE:
        return NO_RULES
    values = [relation.name.schema, relation.name.name]
    where = "WHERE schema_name = $1 AND table_name = $2 AND database_name = current_database()"
    found = session.engine.query(
        f"SELECT constraint_type, constraint_column_names, expression FROM duckdb_constraints() {where}", values
    )
    generated = session.engine.query(
        "SELECT lower(column_name) FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 "
        "AND coalesce(is_generated, 'NEVER') <> 'NEVER'",
        values,
    )
    hidden = {name for (name,) in generated}
    checks = [str(expression) for kind, _, expression in found if kind == "CHECK"]
    return TableRules(
        primary_key=next((tuple(columns) for kind, columns, _ in found if kind == "PRIMARY KEY"), ()),
        columns=tuple(c.name for c in relation.columns if c.name.lower() not in hidden),
        types=tuple(c.type for c in relation.columns if c.name.lower() not in hidden),
        is_append_only=any(APPEND_ONLY in check for check in checks),
        ignores_conflicts=any(IGNORE_CONFLICTS in check for check in checks),
        watermark=next((mark for check in checks if (mark := read_watermark(check))), None),
    )


def watermark(session: Session, path: tuple[str, str, str]) -> Watermark | None:
    """The watermark of what a query calls by catalog, schema (empty where not written) and name."""
    catalog, schema, name = path
    ref = RelationRef(catalog=catalog or None, schema=schema or None, name=name)
    return session.targets.rules(session, ref).watermark


def _without_late_rows(write: Write, mark: Watermark, rules: TableRules) -> Write:
    """INSERT … SELECT of the rows that are not before the watermark, as it stands before the statement."""
    if write.kind is WriteKind.COPY_FROM:
        raise NotSupportedError(
            f"COPY into {write.target.name}, whose late rows are left out",
            hint=f"INSERT INTO {quote(write.target.name)} FROM 'file'",
        )
    columns = write.columns or rules.columns
    has_time = mark.column.lower() in {column.lower() for column in columns}
    if not has_time or write.body.upper().startswith("DEFAULT VALUES"):
        return write
    if "default" in write.names or write.body.upper().startswith("BY NAME"):
        raise NotSupportedError(
            f"DEFAULT or BY NAME in an INSERT into {write.target.name}, whose late rows are left out",
            hint="list the columns",
        )
    names = ", ".join(quote(column) for column in columns)
    target = _name(write.target)
    type_ = next(
        type_ for name, type_ in zip(rules.columns, rules.types, strict=True) if name.lower() == mark.column.lower()
    )
    late = f"CAST({quote(mark.column)} AS {type_}) < (SELECT max({mark.expression}) FROM {target})"
    body = f"SELECT {names} FROM ({write.body}) AS source ({names}) WHERE NOT coalesce({late}, false)"
    return _inserting(write, columns, body, write.on_conflict)


def _overwriting(write: Write, rules: TableRules) -> Write:
    """INSERT … ON CONFLICT (key) DO UPDATE of all other columns: a column without a value gets its default."""
    columns = write.columns or rules.columns
    key = ", ".join(quote(column) for column in rules.primary_key)
    others = [column for column in rules.columns if column.lower() not in {k.lower() for k in rules.primary_key}]
    if rules.ignores_conflicts or rules.is_append_only or not others:
        conflict = f"ON CONFLICT ({key}) DO NOTHING"
    else:
        updates = ", ".join(f"{quote(column)} = excluded.{quote(column)}" for column in others)
        conflict = f"ON CONFLICT ({key}) DO UPDATE SET {updates}"
    names = ", ".join(quote(column) for column in columns)
    body = write.body
    if not body.upper().startswith("DEFAULT VALUES"):
        if "default" in write.names:
            raise NotSupportedError("DEFAULT among the values of an INSERT that overwrites", hint="list the columns")
        direction = "" if rules.ignores_conflicts else " DESC"
        body = (
            f"SELECT {names} FROM (SELECT *, row_number() OVER () AS mv_row FROM ({body}) AS source ({names})) "
            f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY mv_row{direction}) = 1 ORDER BY mv_row"
        )
    return _inserting(write, columns, body, conflict)


def _name(ref: RelationRef) -> str:
    return ".".join(quote(part) for part in (ref.catalog, ref.schema, ref.name) if part)


def _inserting(write: Write, columns: Sequence[str], body: str, conflict: str) -> Write:
    """The same INSERT of other rows."""
    parts = (
        write.with_clause,
        f"INSERT {write.modifier} INTO {_name(write.target)}",
        f"AS {write.alias}" if write.alias else "",
        f"({', '.join(quote(column) for column in columns)})",
        body,
        conflict,
        f"RETURNING {write.returning}" if write.returning else "",
    )
    text = " ".join(part for part in parts if part)
    return replace(write, columns=tuple(columns), body=body, on_conflict=conflict, text=text)
