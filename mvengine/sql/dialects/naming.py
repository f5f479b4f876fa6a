"""Names of unaliased columns, as PostgreSQL gives them (``FigureColname`` in its parse_target.c)."""

from __future__ import annotations

from sqlglot import exp

from mvengine.sql.dialects.marks import unmarked
from mvengine.sql.dialects.types import type_name

_BY_CLASS: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.Coalesce, "coalesce"),
    (exp.Nullif, "nullif"),
    (exp.Greatest, "greatest"),
    (exp.Least, "least"),
    (exp.Exists, "exists"),
    (exp.Array, "array"),
    (exp.Tuple, "row"),
    (exp.Extract, "extract"),
    (exp.Substring, "substring"),
    (exp.StrPosition, "position"),
    (exp.Overlay, "overlay"),
    (exp.AtTimeZone, "timezone"),
    (exp.Grouping, "grouping"),
    (exp.Unnest, "unnest"),
    (exp.Explode, "unnest"),
    (exp.CurrentDate, "current_date"),
    (exp.CurrentTimestamp, "current_timestamp"),
    (exp.CurrentTime, "current_time"),
    (exp.Localtimestamp, "localtimestamp"),
    (exp.Localtime, "localtime"),
    (exp.CurrentUser, "current_user"),
    (exp.SessionUser, "session_user"),
    (exp.CurrentSchema, "current_schema"),
)
_TYPES = {
    "INT": "int4", "BIGINT": "int8", "SMALLINT": "int2", "DOUBLE": "float8", "FLOAT": "float4", "DECIMAL": "numeric",
    "BOOLEAN": "bool", "TEXT": "text", "VARCHAR": "varchar", "CHAR": "bpchar", "JSONB": "jsonb", "VARBINARY": "bytea",
    "BLOB": "bytea", "TIMESTAMP": "timestamp", "TIMESTAMPTZ": "timestamptz", "DATE": "date", "TIME": "time",
}  # fmt: skip


def name_columns(query: exp.Expr) -> None:
    """Gives each unaliased column of each SELECT and RETURNING the name that it has in PostgreSQL, as an alias."""
    for select in list(query.find_all(exp.Select, exp.Returning)):
        for column in list(select.expressions):
            if isinstance(column, exp.Alias | exp.Aliases | exp.Column | exp.Star) or column.is_star:
                continue
            column.replace(exp.alias_(column.copy(), name_of(column) or "?column?", quoted=True))


def name_of(node: exp.Expr) -> str:
    """The name of an expression; empty where PostgreSQL has none for it and writes ``?column?``.

    That of a cast to a type, and of CASE, gives way to a name within.
    """
    if found := _own_name(node):
        return found
    node = node.unnest()
    if isinstance(node, exp.Cast):
        return _name_of_type(node.to)
    return "case" if isinstance(node, exp.Case) else "interval" if isinstance(node, exp.Interval) else ""


def _own_name(node: exp.Expr) -> str:
    match node:
        case exp.Column() | exp.Identifier():
            return node.name if node.name != "*" else ""
        case exp.Dot():
            return _own_name(node.expression)
        case exp.Anonymous():
            return unmarked(node.name).lower()
        case exp.Window() | exp.Filter() | exp.WithinGroup() | exp.Paren() | exp.Bracket() | exp.Collate() | exp.Cast():
            return _own_name(node.this)
        case exp.Subquery():
            inner = node.this.selects[0] if isinstance(node.this, exp.Query) and node.this.selects else None
            return (inner.alias or name_of(inner)) if inner is not None else ""
        case exp.Case():
            default = node.args.get("default")
            return _own_name(default) if default is not None else ""
        case exp.Trim():
            return {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "btrim")
    return next((name for kind, name in _BY_CLASS if isinstance(node, kind)), "")


def _name_of_type(to: exp.DataType) -> str:
    inner = to
    while inner.this == exp.DType.ARRAY and inner.expressions:
        inner = inner.expressions[0]
    if isinstance(inner, exp.ObjectIdentifier):
        return inner.name.lower()
    name = type_name(inner).upper()
    return _TYPES.get(name, "interval" if name == "INTERVAL" else name.lower())
