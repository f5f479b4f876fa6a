"""Types of PostgreSQL and RisingWave, as DuckDB has them."""

from __future__ import annotations

import re

from sqlglot import exp

from mvengine.errors import NotSupportedError

NUMERIC = "DECIMAL(38, 10)"  # of numeric without precision: 28 digits before the point and ten behind it

_NAMES = {
    "rw_int256": "HUGEINT", "jsonb": "JSON", "bytea": "BLOB", "bpchar": "VARCHAR", "serial": "INTEGER",
    "float4": "REAL", "float8": "DOUBLE", "name": "VARCHAR", "citext": "", "oid": "BIGINT",
}  # fmt: skip
_REFUSED = {
    "regclass": "a name is no number here: compare names of information_schema",
    "regtype": "use pg_typeof() and compare text",
    "regproc": "functions have no numbers here",
    "money": "use numeric(19, 2)",
    "xml": "use varchar",
    "tsvector": "use varchar and LIKE",
    "point": "use two columns of float8",
    "inet": "use varchar",
    "citext": "use varchar and lower()",
}


def native_type(to: exp.DataType) -> exp.DataType:
    """The type in DuckDB. Errors: NotSupportedError, naming one that it does not have."""
    name = type_name(to)
    if name in _REFUSED:
        raise NotSupportedError(f"the type {name}", hint=_REFUSED[name])
    if to.this == exp.DType.DECIMAL and not to.expressions:
        return exp.DataType.build(NUMERIC, dialect="duckdb")
    if to.this in (exp.DType.CHAR, exp.DType.NCHAR, exp.DType.VARCHAR):
        return exp.DataType.build("VARCHAR", dialect="duckdb")
    if name in _NAMES:
        return exp.DataType.build(_NAMES[name], dialect="duckdb", udt=True)
    if to.this == exp.DType.ARRAY or to.this == exp.DType.STRUCT:
        found = to.copy()
        found.set("expressions", [_element(part) for part in to.expressions])
        return found
    if to.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIME) and to.expressions:
        if to.expressions[0].this.name != "6":
            raise NotSupportedError(f"the precision of {name}", hint="use date_trunc('second', …)")
        return exp.DataType(this=to.this)
    return to


def type_name(to: exp.DataType) -> str:
    """The name of a type in lower case, as written where sqlglot does not know it."""
    if to.this == exp.DType.USERDEFINED:
        kind = to.args.get("kind")
        return str(kind.name if isinstance(kind, exp.Expr) else kind).lower()
    return str(getattr(to.this, "value", to.this)).lower()


def literal_type(text: str) -> str:
    """The narrowest decimal that holds a number as it is written: ``1.50`` is DECIMAL(3, 2)."""
    whole, _, fraction = text.lstrip("+-").partition(".")
    if not re.fullmatch(r"\d*", whole) or not re.fullmatch(r"\d*", fraction) or len(whole) + len(fraction) > 38:
        return NUMERIC
    scale = len(fraction)
    return f"DECIMAL({max(len(whole.lstrip('0')) + scale, scale, 1)}, {scale})"


def _element(part: exp.Expr) -> exp.Expr:
    if isinstance(part, exp.DataType):
        return native_type(part)
    if isinstance(part, exp.ColumnDef) and isinstance(part.args.get("kind"), exp.DataType):
        part = part.copy()
        part.set("kind", native_type(part.args["kind"]))
    return part
