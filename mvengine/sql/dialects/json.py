"""Operators of jsonb → functions of DuckDB, with paths that mean exactly the keys that are written."""

from __future__ import annotations

from sqlglot import exp

from mvengine.errors import BindError, NotSupportedError
from mvengine.sql.dialects.calls import call, text_of
from mvengine.sql.dialects.casts import array_of
from mvengine.sql.dialects.marks import PATH, unmarked


def rewrite_arrow(node: exp.Expr) -> exp.Expr:
    """``j -> k`` and ``j ->> k``: a key of an object, or a place in an array from 0, from the end where negative.

    ``j #> '{a,0}'`` and ``j #>> …`` are the same for several steps; see marks.py for how the two are told apart.
    """
    function = "json_extract_string" if isinstance(node, exp.JSONBExtractScalar) else "json_extract"
    key = node.expression.unnest()
    if isinstance(key, exp.Literal):
        return call(function, node.this, exp.Literal.string(_step(key)))
    if isinstance(key, exp.Neg) and isinstance(key.this, exp.Literal):
        return call(function, node.this, exp.Literal.string(f"$[#-{key.this.name}]"))
    if isinstance(key, exp.Array) or _is_path(key):
        steps = _path(key)
        pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
        return call(function, node.this, exp.Literal.string(pointer)) if steps else node.this.copy()
    return call(function, node.this, key)


def _is_path(key: exp.Expr) -> bool:
    return isinstance(key, exp.Anonymous) and unmarked(key.name) == PATH


def path_call(function: str, arguments: list[exp.Expr]) -> exp.Expr:
    """``jsonb_extract_path[_text](j, 'a', '0')``."""
    if len(arguments) < 2:
        raise BindError("jsonb_extract_path() without a path", hint="name the keys", code="42883")
    steps = [text_of(argument) for argument in arguments[1:]]
    if any(step is None for step in steps):
        raise NotSupportedError("a path of jsonb_extract_path() that is not written out", hint="use -> for each step")
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    return call(function, arguments[0], exp.Literal.string(pointer))


def is_json(node: exp.Expr) -> bool:
    """Whether an expression shows by its form that it is jsonb."""
    node = node.unnest()
    if isinstance(node, exp.Cast):
        return node.to.this in (exp.DType.JSON, exp.DType.JSONB)
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in ("json_extract", "json", "json_object", "json_array", "to_json", "json_merge_patch")
    return isinstance(node, exp.JSONBExtract)


def _step(key: exp.Literal) -> str:
    if not key.is_string:
        return f"$[{key.name}]"
    text = str(key.this)
    if "\\" in text or "\x00" in text:
        raise NotSupportedError(f"the key '{text}' of jsonb", hint="a key must not hold a backslash")
    escaped = text.replace('"', '\\"')
    return f'$."{escaped}"'


def _path(node: exp.Expr) -> list[str]:
    if _is_path(node):
        node = array_of(str(node.expressions[0].this))
    if isinstance(node, exp.Array) and all(text_of(part) is not None for part in node.expressions):
        return [str(text_of(part)) for part in node.expressions]
    raise NotSupportedError("a path of #> that is not written out", hint="use -> for each step")
