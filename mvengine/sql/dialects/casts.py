"""Casts, and literals of types that are written in another way in DuckDB."""

from __future__ import annotations

from sqlglot import exp

from mvengine.errors import NotSupportedError
from mvengine.sql.dialects.calls import call, text_of
from mvengine.sql.dialects.functions import expand
from mvengine.sql.dialects.literals import Elements, elements_of, without_blank
from mvengine.sql.dialects.types import literal_type, native_type, type_name

_BOOLEANS = {"on": "true", "off": "false", "o": "", "of": "false"}


def rewrite_cast(node: exp.Cast) -> exp.Expr:
    """The cast to DuckDB's type. Errors: NotSupportedError, naming a type that there is not."""
    to = node.to
    if isinstance(to, exp.ObjectIdentifier):
        raise NotSupportedError(
            f"the type {to.name.lower()}", hint="names are no numbers here: compare names in information_schema"
        )
    text = text_of(node.this) if not isinstance(node.this, exp.Cast) else None
    if text is not None and (found := _literal(text, to)) is not None:
        return found
    if isinstance(array := node.this.unnest(), exp.Array) and to.this in exp.DataType.TEXT_TYPES:
        if any(isinstance(element, exp.Array) for element in array.expressions):
            raise NotSupportedError("a cast of an array of arrays to text", hint="use array_to_string()")
        found = expand("text_of_array", [array])
        assert found is not None
        return found
    native = native_type(to)
    number = _number(node.this)
    if to.this == exp.DType.DECIMAL and not to.expressions and number is not None:
        native = exp.DataType.build(literal_type(number), dialect="duckdb")
    cast: exp.Expr = type(node)(this=node.this.copy(), to=native)
    if to.this in (exp.DType.VARCHAR, exp.DType.CHAR, exp.DType.BPCHAR) and to.expressions:
        return call("substring", cast, exp.Literal.number(1), to.expressions[0].this)  # PostgreSQL's cast cuts
    return cast


def _literal(text: str, to: exp.DataType) -> exp.Expr | None:
    """What a string that is cast means, where DuckDB writes it otherwise."""
    if to.this == exp.DType.ARRAY and text.strip().startswith("{"):
        return exp.Cast(this=array_of(text), to=native_type(to))
    if to.this == exp.DType.DECIMAL and not to.expressions and text.strip().lstrip("+-").replace(".", "", 1).isdigit():
        type_ = exp.DataType.build(literal_type(text.strip()), dialect="duckdb")
        return exp.Cast(this=exp.Literal.string(text.strip()), to=type_)
    if to.this == exp.DType.BOOLEAN and (value := _BOOLEANS.get(text.strip().lower())):
        return exp.Cast(this=exp.Literal.string(value), to=exp.DataType.build("BOOLEAN"))
    if type_name(to) in ("varbinary", "blob", "bytea"):
        if text.startswith("\\x"):
            return call("unhex", exp.Literal.string(text[2:].replace(" ", "")))
        if "\\" not in text:
            return call("encode", exp.Literal.string(text))
        raise NotSupportedError(f"the literal '{text}' of bytea", hint="write it in hexadecimal: '\\x…'")
    if to.this == exp.DType.TIMESTAMPTZ and (moment := without_blank(f"{text}'")[:-1]) != text:
        return exp.Cast(this=exp.Literal.string(moment), to=native_type(to))
    if to.this in (exp.DType.JSON, exp.DType.JSONB):
        return exp.cast(call("json", exp.Literal.string(text)), "JSON")  # in one form: '{"a": 1}' equals '{"a":1}'
    return None


def array_of(text: str) -> exp.Array:
    """The array that ``'{1,NULL,"a b"}'`` writes."""
    return _array(elements_of(text))


def _array(elements: Elements) -> exp.Array:
    found: list[exp.Expr] = []
    for each in elements:
        if isinstance(each, list):
            found.append(_array(each))
        else:
            found.append(exp.Null() if each is None else exp.Literal.string(each))
    return exp.Array(expressions=found)


def _number(node: exp.Expr) -> str | None:
    """A number that is written out, with its sign."""
    node = node.unnest()
    if isinstance(node, exp.Neg):
        node = node.this.unnest()
    return node.name if isinstance(node, exp.Literal) and not node.is_string else None
